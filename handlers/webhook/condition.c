/* Conditions: what has to stand where. */
#include <string.h>

#include "expression.h"
#include "glob.h"

static bool compile_values(struct compiler *compiler, const json_t *value, struct test *test)
{
	size_t size = json_is_array(value) ? json_array_size(value) : 1;
	struct text *values = COMPILE_TAKE(compiler, struct text, size + 1);

	for (size_t i = 0; i < size; i++) {
		struct scalar scalar;

		if (!literal_compile(compiler, json_is_array(value) ? json_array_get(value, i) : value, &scalar))
			return false;
		values[i] = scalar.text;
	}
	test->values = values;
	test->count = size;
	return true;
}

/* "*": is there; null: is not; a value, a pattern of a text (006*), or one of a list of them; {"not": …}. */
static bool compile_expected(struct compiler *compiler, const json_t *value, struct test *test)
{
	const json_t *negated = json_is_object(value) && json_object_size(value) == 1 ? json_object_get(value, "not") : NULL;

	test->wanted = true;
	if (negated != NULL) {
		test->wanted = false;
		value = negated;
	}
	if (json_is_null(value)) {
		test->wanted = !test->wanted;
		return true;
	}
	if (json_is_string(value) && strcmp(json_string_value(value), "*") == 0)
		return true;
	if (json_is_object(value) || (json_is_array(value) && json_array_size(value) == 0)) {
		compile_fault(compiler, "wrong_type", "must be a value, a list of values, \"*\" (is there), null (is not), or {\"not\": …}");
		return false;
	}
	return compile_values(compiler, value, test);
}

bool condition_compile(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct condition *out)
{
	struct test *tests = COMPILE_TAKE(compiler, struct test, json_object_size(value) + 1);
	bool sound = true;

	if (!json_is_object(value)) {
		compile_fault(compiler, "wrong_type", "must be an object: where to look, and what has to stand there");
		return false;
	}
	for (void *at = json_object_iter(compile_iterable(value)); at != NULL; at = json_object_iter_next(compile_iterable(value), at)) {
		const char *key = json_object_iter_key(at);
		size_t before = compile_enter(compiler, key);
		struct test *test = &tests[out->count++];

		sound = expression_compile_source(compiler, scope, arena_keep(compiler->arena, text_of(key)), &test->subject) && sound;
		sound = compile_expected(compiler, json_object_iter_value(at), test) && sound;
		compile_leave(compiler, before);
	}
	out->tests = tests;
	return sound;
}

static bool test_holds(const struct test *test, const struct evaluation *evaluation)
{
	struct scalar scalar = expression_evaluate(&test->subject, evaluation);
	bool met = scalar_has_value(scalar);

	if (test->count > 0 && met) {
		met = false;
		for (size_t i = 0; i < test->count; i++)
			met = met || text_equal(scalar.text, test->values[i]) || (glob_is_pattern(test->values[i]) && glob_matches(test->values[i], scalar.text));
	}
	return met == test->wanted;
}

bool condition_holds(const struct condition *condition, const struct evaluation *evaluation)
{
	for (size_t i = 0; i < condition->count; i++)
		if (!test_holds(&condition->tests[i], evaluation))
			return false;
	return true;
}
