/* Compiling expressions. */
#include "expression.h"

#include <stdlib.h>
#include <string.h>

#include "number.h"

static const char *const conversions[] = {
	"none", "string", "number", "integer", "boolean", "date", "datetime", "moment", "epoch_ms", "epoch_s", "duration", "lower", "upper", "list",
	"id18", "decimal", NULL,
};
static const char *const unknown_policies[] = {"keep", "drop", "refuse", NULL};

static const struct field text_element = {.name = "name", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 200};
static const struct field refined_fields[] = {
	{.name = "get", .type = FIELD_ANY},
	{.name = "template", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 1000},
	{.name = "value", .type = FIELD_ANY},
	{.name = "when", .type = FIELD_ANY},
	{.name = "unwrap", .type = FIELD_LIST, .element = &text_element, .no_null = true, .bounded = true, .min = 0, .max = 20},
	{.name = "split", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 1},
	{.name = "part", .type = FIELD_INTEGER, .no_null = true, .bounded = true, .min = 0, .max = 100},
	{.name = "lookup", .type = FIELD_ANY},
	{.name = "unknown", .type = FIELD_WORD, .words = unknown_policies, .no_null = true},
	{.name = "as", .type = FIELD_STRING, .no_null = true},
	{.name = "scale", .type = FIELD_DECIMAL, .no_null = true},
	{.name = "round", .type = FIELD_INTEGER, .no_null = true, .bounded = true, .min = 0, .max = NUMBER_PLACES},
	{.name = "default", .type = FIELD_ANY},
};
static const struct shape refined_shape = SHAPE("expression", refined_fields);

static bool compile_lookup(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, const struct lookup **out)
{
	struct lookup *own;

	if (json_is_string(value)) {
		*out = lookup_find(compiler, scope->lookups, (struct text){json_string_value(value), json_string_length(value)});
		return *out != NULL;
	}
	own = COMPILE_TAKE(compiler, struct lookup, 1);
	*out = own;
	return lookup_compile(compiler, value, own);
}

/* ── simple forms ───────────────────────────────────────────────────────────────────────────────── */
static bool compile_pointer(struct compiler *compiler, const struct expression_scope *scope, struct text text, struct expression *out)
{
	bool of_item = text.size > 0 && text.data[0] == '^';
	struct pointer_tree *tree;

	if (of_item)
		text = (struct text){text.data + 1, text.size - 1};
	out->kind = EXPRESSION_POINTER;
	out->of_record = scope->record != NULL && !of_item;
	tree = out->of_record ? scope->record : scope->item;
	out->slot = pointer_tree_add(tree, compiler->arena, text);
	out->text = text;
	if (out->slot >= 0)
		return true;
	compile_fault(compiler, "not_a_pointer", "is no JSON pointer (RFC 6901), nests over %d deep, or is one too many (%d are taken)", POINTER_DEPTH_MAX,
		      POINTER_SLOTS_MAX);
	return false;
}

bool expression_compile_source(struct compiler *compiler, const struct expression_scope *scope, struct text text, struct expression *out)
{
	struct text rest = {text.data + 1, text.size - (text.size > 0)};
	struct scalar name;

	switch (text.size > 0 ? text.data[0] : '/') {
	case '/':
	case '^':
		return compile_pointer(compiler, scope, text, out);
	case '@':
		out->kind = EXPRESSION_HEADER;
		name = scalar_convert(compiler->arena, scalar_string(rest), &(struct convert_options){.conversion = CONVERT_LOWER});
		out->text = name.text;
		break;
	case '?':
		out->kind = EXPRESSION_QUERY;
		out->text = rest;
		break;
	case '=':
		out->kind = EXPRESSION_LITERAL;
		out->literal = scalar_string(rest);
		out->literal.ours = true;
		return true;
	case '$':
		out->kind = EXPRESSION_EACH;
		if (text_equal_string(text, "$each"))
			return true;
		break;
	default:
		out->kind = EXPRESSION_EACH;
		break;
	}
	if (out->kind != EXPRESSION_EACH && rest.size > 0)
		return true;
	compile_fault(compiler, "not_an_expression",
		      "must be a pointer (/amount, ^/item), a header (@name), a query parameter (?name), $each, a constant (=text), or a template "
		      "({/id}:{/time})");
	return false;
}

/* Text with {sources} in it. */
static bool compile_template(struct compiler *compiler, const struct expression_scope *scope, struct text text, struct expression *out)
{
	struct expression *parts = COMPILE_TAKE(compiler, struct expression, text.size + 1);

	out->kind = EXPRESSION_TEMPLATE;
	out->parts = parts;
	while (text.size > 0) {
		const char *open = memchr(text.data, '{', text.size);
		size_t plain = open != NULL ? (size_t)(open - text.data) : text.size;
		const char *close;

		if (plain > 0)
			parts[out->count++] = (struct expression){.kind = EXPRESSION_LITERAL, .literal = scalar_string(arena_keep(compiler->arena, (struct text){text.data, plain}))};
		text = (struct text){text.data + plain, text.size - plain};
		if (open == NULL)
			break;
		close = memchr(text.data, '}', text.size);
		if (close == NULL || close == text.data + 1) {
			compile_fault(compiler, "not_a_template", "a { has no } behind it, or nothing between");
			return false;
		}
		if (!expression_compile_source(compiler, scope, arena_keep(compiler->arena, (struct text){text.data + 1, (size_t)(close - text.data) - 1}), &parts[out->count++]))
			return false;
		text = (struct text){close + 1, text.size - (size_t)(close - text.data) - 1};
	}
	return true;
}

static bool compile_first(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct expression *out)
{
	struct expression *parts = COMPILE_TAKE(compiler, struct expression, json_array_size(value) + 1);
	bool sound = json_array_size(value) > 0;

	if (!sound)
		compile_fault(compiler, "too_short", "must have at least one expression");
	out->kind = EXPRESSION_FIRST;
	out->parts = parts;
	out->count = json_array_size(value);
	for (size_t i = 0; i < out->count; i++) {
		size_t before = compile_enter_element(compiler, i);

		sound = expression_compile(compiler, scope, json_array_get(value, i), &parts[i]) && sound;
		compile_leave(compiler, before);
	}
	return sound;
}

/* ── refined ────────────────────────────────────────────────────────────────────────────────────── */
/* "date", or "split(';')". */
static bool compile_conversion(struct compiler *compiler, const json_t *value, struct convert_options *out)
{
	struct text word = {json_string_value(value), json_string_length(value)};
	int found;

	if (value == NULL)
		return true;
	if (word.size == 10 && memcmp(word.data, "split('", 7) == 0 && memcmp(word.data + 8, "')", 2) == 0) {
		out->conversion = CONVERT_LIST;
		out->separator = word.data[7];
		return true;
	}
	found = compile_word(compiler, word, conversions, "conversion");
	if (found < 0)
		return false;
	out->conversion = strcmp(conversions[found], "decimal") == 0 ? CONVERT_NUMBER : (enum conversion)found;
	return true;
}

bool unwrap_compile(struct compiler *compiler, const json_t *value, const struct text **names, size_t *count)
{
	struct text *out = COMPILE_TAKE(compiler, struct text, json_array_size(value) + 1);

	for (size_t i = 0; i < json_array_size(value); i++)
		out[i] = compile_text(compiler, json_array_get(value, i));
	*names = out;
	*count = json_array_size(value);
	return true;
}

/* Steps into a member; false when there is none. */
static bool enter_member(struct compiler *compiler, const json_t *object, const char *name, size_t *before)
{
	if (json_object_get(object, name) == NULL)
		return false;
	*before = compile_enter(compiler, name);
	return true;
}

/* Steps out again and passes on how it went. */
static bool leave_member(struct compiler *compiler, size_t before, bool sound)
{
	compile_leave(compiler, before);
	return sound;
}

static bool compile_scale(struct compiler *compiler, const json_t *value, struct text *out)
{
	struct scalar scalar;

	if (!literal_compile(compiler, value, &scalar))
		return false;
	*out = scalar.text;
	return true;
}

static bool compile_condition(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, const struct condition **out)
{
	struct condition *condition = COMPILE_TAKE(compiler, struct condition, 1);

	*out = condition;
	return condition_compile(compiler, scope, value, condition);
}

static bool compile_origin(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct expression *inner)
{
	const json_t *get = json_object_get(value, "get"), *template = json_object_get(value, "template"), *constant = json_object_get(value, "value");
	size_t before;

	if ((get != NULL) + (template != NULL) + (constant != NULL) != 1) {
		compile_fault(compiler, "required", "an expression has one of get, template and value");
		return false;
	}
	if (enter_member(compiler, value, "value", &before)) {
		inner->kind = EXPRESSION_LITERAL;
		return leave_member(compiler, before, literal_compile(compiler, constant, &inner->literal));
	}
	if (enter_member(compiler, value, "template", &before))
		return leave_member(compiler, before, compile_template(compiler, scope, compile_text(compiler, template), inner));
	return enter_member(compiler, value, "get", &before) && leave_member(compiler, before, expression_compile(compiler, scope, get, inner));
}

static bool compile_refined(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct expression *out)
{
	struct refinement *made = COMPILE_TAKE(compiler, struct refinement, 1);
	struct expression *inner = COMPILE_TAKE(compiler, struct expression, 1);
	struct scalar *fallback = COMPILE_TAKE(compiler, struct scalar, 1);
	const json_t *split = json_object_get(value, "split"), *part = json_object_get(value, "part"), *round = json_object_get(value, "round");
	size_t before;
	bool sound;

	if (!compile_check(compiler, &refined_shape, value))
		return false;
	if (json_object_get(value, "unknown") != NULL)
		made->unknown = (enum unknown_policy)compile_word(compiler, text_of(json_string_value(json_object_get(value, "unknown"))), unknown_policies, "policy");
	made->split = split != NULL ? json_string_value(split)[0] : '\0';
	made->part = (int)json_integer_value(part);
	made->convert.rounded = round != NULL;
	made->convert.places = (int)json_integer_value(round);
	if (json_object_get(value, "default") != NULL)
		made->fallback = fallback;
	*out = (struct expression){.kind = EXPRESSION_REFINED, .parts = inner, .count = 1, .refinement = made};
	sound = compile_origin(compiler, scope, value, inner);
	if (enter_member(compiler, value, "when", &before))
		sound = leave_member(compiler, before, compile_condition(compiler, scope, json_object_get(value, "when"), &made->when)) && sound;
	if (enter_member(compiler, value, "unwrap", &before))
		sound = leave_member(compiler, before, unwrap_compile(compiler, json_object_get(value, "unwrap"), &made->unwrap, &made->unwrap_count)) && sound;
	if (enter_member(compiler, value, "lookup", &before))
		sound = leave_member(compiler, before, compile_lookup(compiler, scope, json_object_get(value, "lookup"), &made->lookup)) && sound;
	if (enter_member(compiler, value, "as", &before))
		sound = leave_member(compiler, before, compile_conversion(compiler, json_object_get(value, "as"), &made->convert)) && sound;
	if (enter_member(compiler, value, "scale", &before))
		sound = leave_member(compiler, before, compile_scale(compiler, json_object_get(value, "scale"), &made->convert.scale)) && sound;
	if (enter_member(compiler, value, "default", &before))
		sound = leave_member(compiler, before, literal_compile(compiler, json_object_get(value, "default"), fallback)) && sound;
	return sound;
}

bool expression_compile(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct expression *out)
{
	*out = (struct expression){0};
	if (json_is_string(value)) {
		struct text text = compile_text(compiler, value);

		return text.size > 0 && text.data[0] == '{' ? compile_template(compiler, scope, text, out) : expression_compile_source(compiler, scope, text, out);
	}
	if (json_is_array(value))
		return compile_first(compiler, scope, value, out);
	if (json_is_object(value))
		return compile_refined(compiler, scope, value, out);
	out->kind = EXPRESSION_LITERAL;
	return literal_compile(compiler, value, &out->literal);
}

bool expression_is_constant(const struct expression *expression)
{
	if (expression->kind == EXPRESSION_LITERAL)
		return true;
	if (expression->kind == EXPRESSION_POINTER || expression->count == 0)
		return false;
	if (expression->refinement != NULL && expression->refinement->when != NULL)
		return false;
	for (size_t i = 0; i < expression->count; i++)
		if (!expression_is_constant(&expression->parts[i]))
			return false;
	return true;
}

const struct expression *expression_pointer(const struct expression *expression)
{
	const struct expression *found = expression->kind == EXPRESSION_POINTER ? expression : NULL;

	for (size_t i = 0; i < expression->count && found == NULL; i++)
		found = expression_pointer(&expression->parts[i]);
	return found;
}
