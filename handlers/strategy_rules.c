/* The grammar of rules: {"attr": name, operator: operand, …}, {"any": [rule, …]}, {"not": rule or list}. */
#include <stdio.h>
#include <string.h>

#include "json_scan.h"
#include "strategy_check.h"

enum operand { OPERAND_SCALAR, OPERAND_LIST, OPERAND_ORDERED, OPERAND_BOOLEAN, OPERAND_RULES, OPERAND_RULE };

struct rule_operator {
	const char *name;
	enum operand operand;
};

static const struct rule_operator operators[] = {
    {"eq", OPERAND_SCALAR},       {"ne", OPERAND_SCALAR},      {"in", OPERAND_LIST},    {"not_in", OPERAND_LIST},
    {"gt", OPERAND_ORDERED},      {"gte", OPERAND_ORDERED},    {"lt", OPERAND_ORDERED}, {"lte", OPERAND_ORDERED},
    {"contains", OPERAND_SCALAR}, {"exists", OPERAND_BOOLEAN}, {"any", OPERAND_RULES},  {"not", OPERAND_RULE},
};
enum { OPERATOR_COUNT = sizeof operators / sizeof *operators };

/* What the rules around one say about it. */
struct rule_context {
	bool is_case;  /* a case of a criterion: has a score */
	bool has_attr; /* an attribute is named outside */
	int depth;     /* 1: the outermost rules */
};

static void check_rule(const json_t *rule, const char *pointer, struct rule_context context, struct problems *problems);

static bool is_scalar(const json_t *value)
{
	return json_is_string(value) || json_is_number(value) || json_is_boolean(value);
}

static void check_rule_list(const json_t *list, const char *pointer, struct rule_context context, struct problems *problems)
{
	if (!json_is_array(list)) {
		problems_add(problems, pointer, "wrong_type", "must be a list of rules");
		return;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct buffer place = {0};

		buffer_printf(&place, "%s/%zu", pointer, i);
		check_rule(json_array_get(list, i), place.data, context, problems);
		buffer_free(&place);
	}
}

static void check_scalar_list(const json_t *list, const char *pointer, struct problems *problems)
{
	if (!json_is_array(list) || json_array_size(list) == 0) {
		problems_add(problems, pointer, "wrong_type", "must be a list of at least one text, number or truth value");
		return;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct buffer place = {0};

		if (is_scalar(json_array_get(list, i)))
			continue;
		buffer_printf(&place, "%s/%zu", pointer, i);
		problems_add(problems, place.data, "wrong_type", "must be a text, a number or a truth value");
		buffer_free(&place);
	}
}

static void check_operand(const struct rule_operator *operator, const json_t * value, const char *pointer,
			  struct rule_context context, struct problems *problems)
{
	struct rule_context inner = {.has_attr = context.has_attr, .depth = context.depth + 1};

	switch (operator->operand) {
	case OPERAND_SCALAR:
		if (!is_scalar(value))
			problems_add(problems, pointer, "wrong_type", "must be a text, a number or a truth value");
		break;
	case OPERAND_LIST:
		check_scalar_list(value, pointer, problems);
		break;
	case OPERAND_ORDERED:
		if (!json_is_number(value) && !json_is_string(value))
			problems_add(problems, pointer, "wrong_type", "must be a number, or a text such as a date");
		break;
	case OPERAND_BOOLEAN:
		if (!json_is_boolean(value))
			problems_add(problems, pointer, "wrong_type", "must be true or false");
		break;
	case OPERAND_RULES:
		if (json_is_array(value) && json_array_size(value) == 0)
			problems_add(problems, pointer, "empty_rule", "needs at least one rule");
		else
			check_rule_list(value, pointer, inner, problems);
		break;
	case OPERAND_RULE:
		if (json_is_array(value))
			check_rule_list(value, pointer, inner, problems);
		else
			check_rule(value, pointer, inner, problems);
		break;
	}
}

static const struct rule_operator *operator_find(const char *name)
{
	for (size_t i = 0; i < OPERATOR_COUNT; i++)
		if (strcmp(operators[i].name, name) == 0)
			return &operators[i];
	return NULL;
}

static void add_unknown(const char *name, const char *pointer, struct problems *problems)
{
	const char *names[OPERATOR_COUNT + 1];
	int nearest;

	for (size_t i = 0; i < OPERATOR_COUNT; i++)
		names[i] = operators[i].name;
	names[OPERATOR_COUNT] = "attr";
	nearest = text_nearest(text_of(name), names, OPERATOR_COUNT + 1);
	if (nearest >= 0)
		problems_add(problems, pointer, "unknown_operator", "is no operator; did you mean %s?", names[nearest]);
	else
		problems_add(problems, pointer, "unknown_operator",
			     "is no operator; known: eq, ne, in, not_in, gt, gte, lt, lte, contains, exists, any, not");
}

static void check_score(const json_t *value, const char *pointer, struct problems *problems)
{
	if (!json_is_number(value))
		problems_add(problems, pointer, "wrong_type", "must be a number from 0 to 1");
	else if (json_number_value(value) < 0 || json_number_value(value) > 1)
		problems_add(problems, pointer, "out_of_range", "must be from 0 to 1");
}

/* One member of a rule; counts the operators and those among them that look at an attribute. */
static void check_member(const char *name, const json_t *value, const char *pointer, struct rule_context context, size_t *count,
			 bool *looks, struct problems *problems)
{
	const struct rule_operator *operator= operator_find(name);

	if (strcmp(name, "attr") == 0) {
		if (!json_is_string(value) || json_string_length(value) == 0 || json_string_length(value) > 200)
			problems_add(problems, pointer, "wrong_type", "must be the name of an attribute");
	} else if (context.is_case && strcmp(name, "score") == 0) {
		check_score(value, pointer, problems);
	} else if (operator== NULL) {
		add_unknown(name, pointer, problems);
	} else {
		*count += 1;
		*looks = *looks || (operator->operand != OPERAND_RULES && operator->operand != OPERAND_RULE);
		check_operand(operator, value, pointer, context, problems);
	}
}

static void check_members(const json_t *rule, const char *pointer, struct rule_context context, struct problems *problems)
{
	json_t *members = json_copy((json_t *)(uintptr_t)rule); /* shallow: Jansson's iterators take no constant objects */
	size_t count = 0;
	bool looks = false;

	context.has_attr = context.has_attr || json_object_get(rule, "attr") != NULL;
	for (void *at = json_object_iter(members); at != NULL; at = json_object_iter_next(members, at)) {
		struct buffer place = {0};

		buffer_append_string(&place, pointer);
		json_pointer_append(&place, text_of(json_object_iter_key(at)));
		check_member(json_object_iter_key(at), json_object_iter_value(at), place.data, context, &count, &looks, problems);
		buffer_free(&place);
	}
	if (count == 0)
		problems_add(problems, pointer, "empty_rule", "needs an operator, such as eq, in, gte, exists, any, not");
	if (looks && !context.has_attr)
		problems_add(problems, pointer, "no_attribute", "needs attr: the attribute it looks at");
	json_decref(members);
}

static void check_rule(const json_t *rule, const char *pointer, struct rule_context context, struct problems *problems)
{
	if (!json_is_object(rule))
		problems_add(problems, pointer, "wrong_type", "must be a rule: an object with attr and an operator");
	else if (context.depth > RULE_DEPTH_MAX)
		problems_add(problems, pointer, "too_deep", "any and not nest at most %d deep", RULE_DEPTH_MAX);
	else
		check_members(rule, pointer, context, problems);
}

void rules_check(const json_t *value, const char *pointer, struct problems *problems)
{
	check_rule_list(value, pointer, (struct rule_context){.depth = 1}, problems);
}

void match_check(const json_t *value, const char *pointer, struct problems *problems)
{
	if (json_is_array(value) && json_array_size(value) == 0)
		problems_add(problems, pointer, "empty_rule", "needs at least one case with a score");
	check_rule_list(value, pointer, (struct rule_context){.is_case = true, .has_attr = true, .depth = 1}, problems);
	for (size_t i = 0; i < json_array_size(value); i++) {
		struct buffer place = {0};

		if (json_is_object(json_array_get(value, i)) && json_object_get(json_array_get(value, i), "score") == NULL) {
			buffer_printf(&place, "%s/%zu/score", pointer, i);
			problems_add(problems, place.data, "required", "is missing: a number from 0 to 1");
		}
		buffer_free(&place);
	}
}
