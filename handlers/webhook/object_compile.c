/* Compiling "objects": what becomes of the members of a record. */
#include <string.h>

#include "mapping.h"

static const struct resource *const resources[] = {
	&resource_account, &resource_activity, &resource_fx_rate, &resource_opportunity, &resource_product, &resource_rep, &resource_stage, &resource_team,
};
static const char *const kinds[] = {"account", "activity", "fx-rate", "opportunity", "product", "rep", "stage", "team", NULL};
static const char *const null_policies[] = {"clear", "ignore", NULL};
static const struct field name_element = {.name = "name", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 200};

#define UNWRAP {.name = "unwrap", .type = FIELD_LIST, .element = &name_element, .no_null = true, .bounded = true, .min = 0, .max = 20}
#define OBJECT_FIELDS \
	{.name = "kind", .type = FIELD_WORD, .words = kinds, .required = true, .summary = "the kind of object it is here"}, \
	{.name = "null", .type = FIELD_WORD, .words = null_policies, .no_null = true}, UNWRAP, {.name = "fields", .type = FIELD_ANY}

static const struct field object_fields[] = {
	OBJECT_FIELDS, {.name = "copy", .type = FIELD_BOOLEAN, .no_null = true}, {.name = "custom", .type = FIELD_ANY}, {.name = "also", .type = FIELD_ANY},
};
static const struct shape object_shape = SHAPE("object", object_fields);
static const struct field also_fields[] = {
	OBJECT_FIELDS,
	{.name = "when", .type = FIELD_ANY},
	{.name = "id", .type = FIELD_ANY, .required = true, .summary = "where its id is"},
};
static const struct shape also_shape = SHAPE("object", also_fields);
static const struct field custom_fields[] = {
	{.name = "at", .type = FIELD_STRING, .no_null = true},
	{.name = "skip", .type = FIELD_BOOLEAN, .no_null = true},
	{.name = "strip", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 50},
	{.name = "as", .type = FIELD_WORD, .words = (const char *const[]){"string", "number", "boolean", "date", "datetime", "lower", "list", NULL}, .no_null = true},
	UNWRAP,
};
static const struct shape custom_shape = SHAPE("custom fields", custom_fields);

const struct resource *resource_of_kind(const char *kind)
{
	for (size_t i = 0; kind != NULL && kinds[i] != NULL; i++)
		if (strcmp(kind, kinds[i]) == 0)
			return resources[i];
	return NULL;
}

/* ── fields ─────────────────────────────────────────────────────────────────────────────────────── */
/* What an attribute of this type takes. */
static struct convert_options conversion_to(const struct field *field)
{
	switch (field->type) {
	case FIELD_STRING:
	case FIELD_ID:
	case FIELD_WORD:
		return (struct convert_options){.conversion = CONVERT_STRING};
	case FIELD_CURRENCY:
		return (struct convert_options){.conversion = CONVERT_UPPER};
	case FIELD_DECIMAL:
		return (struct convert_options){.conversion = CONVERT_NUMBER, .places = 0};
	case FIELD_INTEGER:
		return (struct convert_options){.conversion = CONVERT_INTEGER};
	case FIELD_BOOLEAN:
		return (struct convert_options){.conversion = CONVERT_BOOLEAN};
	case FIELD_DATE:
		return (struct convert_options){.conversion = CONVERT_DATE};
	case FIELD_DATETIME:
		return (struct convert_options){.conversion = CONVERT_DATETIME};
	case FIELD_DATE_OR_DATETIME:
		return (struct convert_options){.conversion = CONVERT_MOMENT};
	case FIELD_LIST:
		if (field->element->type != FIELD_OBJECT)
			return (struct convert_options){.conversion = CONVERT_LIST, .separator = ';'};
		break;
	case FIELD_OBJECT:
	case FIELD_OPEN:
	case FIELD_ANY:
		break;
	}
	return (struct convert_options){.conversion = CONVERT_NONE};
}

/* The attribute a name stands for: one of the kind's, or any below "attributes." where the kind has them. */
static bool find_target(struct compiler *compiler, const struct resource *resource, const char *name, struct field_rule *rule)
{
	static const char below[] = "attributes.";
	const struct shape *shape = resource->shape;
	const char *names[64] = {0};
	bool open = false;
	size_t count = 0;

	for (size_t i = ENVELOPE_FIELDS; i < shape->count; i++) {
		open = open || shape->fields[i].type == FIELD_OPEN;
		if (shape->fields[i].type == FIELD_OPEN)
			continue;
		names[count++] = shape->fields[i].name;
		if (strcmp(name, shape->fields[i].name) == 0) {
			rule->field = &shape->fields[i];
			rule->convert = conversion_to(rule->field);
			rule->name = text_of(shape->fields[i].name);
			return true;
		}
	}
	if (open && strncmp(name, below, sizeof below - 1) == 0 && strlen(name) >= sizeof below && strlen(name) < 200 + sizeof below) {
		rule->name = arena_keep(compiler->arena, text_of(name + sizeof below - 1));
		return true;
	}
	compile_word(compiler, text_of(name), names, open ? "attribute (attributes of your own are attributes.<name>), or" : "attribute");
	return false;
}

/* /Name/LastName as lists of changed fields write it: Name.LastName. */
static struct text dotted(struct compiler *compiler, const struct expression *from)
{
	const struct expression *pointer = expression_pointer(from);
	struct text copy;
	char *text;

	if (pointer == NULL || !pointer->of_record || pointer->text.size < 2)
		return (struct text){0};
	copy = arena_keep(compiler->arena, (struct text){pointer->text.data + 1, pointer->text.size - 1});
	text = arena_take(compiler->arena, copy.size + 1);
	for (size_t i = 0; i < copy.size; i++)
		text[i] = copy.data[i] == '/' ? '.' : copy.data[i];
	return (struct text){text, copy.size};
}

static bool compile_fields(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct object_rule *out)
{
	struct field_rule *fields = COMPILE_TAKE(compiler, struct field_rule, json_object_size(value) + 1);
	bool sound = true;

	out->fields = fields;
	if (value != NULL && !json_is_object(value)) {
		compile_fault(compiler, "wrong_type", "must be an object: the attribute, and where it comes from");
		return false;
	}
	for (void *at = json_object_iter(compile_iterable(value)); at != NULL; at = json_object_iter_next(compile_iterable(value), at)) {
		size_t before = compile_enter(compiler, json_object_iter_key(at));
		struct field_rule *rule = &fields[out->field_count++];

		sound = find_target(compiler, out->resource, json_object_iter_key(at), rule) && sound;
		sound = expression_compile(compiler, scope, json_object_iter_value(at), &rule->from) && sound;
		rule->constant = expression_is_constant(&rule->from);
		rule->dotted = dotted(compiler, &rule->from);
		compile_leave(compiler, before);
	}
	return sound;
}

/* ── custom fields ──────────────────────────────────────────────────────────────────────────────── */
static struct convert_options custom_conversion(const json_t *value)
{
	static const struct { const char *word; enum conversion conversion; } words[] = {
		{"string", CONVERT_STRING}, {"number", CONVERT_NUMBER}, {"boolean", CONVERT_BOOLEAN}, {"date", CONVERT_DATE},
		{"datetime", CONVERT_DATETIME}, {"lower", CONVERT_LOWER}, {"list", CONVERT_LIST},
	};
	const char *word = json_string_value(json_object_get(value, "as"));

	for (size_t i = 0; word != NULL && i < sizeof words / sizeof *words; i++)
		if (strcmp(word, words[i].word) == 0)
			return (struct convert_options){.conversion = words[i].conversion, .separator = ';'};
	return (struct convert_options){.conversion = CONVERT_NONE};
}

static bool compile_custom(struct compiler *compiler, const struct expression_scope *scope, const char *pattern, const json_t *value, struct custom_rule *out)
{
	const char *at = json_string_value(json_object_get(value, "at"));

	if (!compile_check(compiler, &custom_shape, value))
		return false;
	out->pattern = arena_keep(compiler->arena, text_of(pattern));
	out->skip = json_is_true(json_object_get(value, "skip"));
	out->strip = compile_text(compiler, json_object_get(value, "strip"));
	out->convert = custom_conversion(value);
	unwrap_compile(compiler, json_object_get(value, "unwrap"), &out->unwrap, &out->unwrap_count);
	out->node = pointer_tree_node(scope->record, compiler->arena, text_of(at != NULL ? at : ""));
	if (out->node < 0) {
		compile_fault(compiler, "not_a_pointer", "at is no JSON pointer (RFC 6901)");
		return false;
	}
	scope->record->nodes[out->node].watched = true;
	return true;
}

static bool compile_customs(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct object_rule *out)
{
	struct custom_rule *rules = COMPILE_TAKE(compiler, struct custom_rule, json_object_size(value) + 1);
	bool sound = true, open = false;

	for (size_t i = 0; i < out->resource->shape->count; i++)
		open = open || out->resource->shape->fields[i].type == FIELD_OPEN;
	if (value != NULL && (!json_is_object(value) || !open)) {
		compile_fault(compiler, "wrong_type", "must be an object, pattern of names and what becomes of them; for accounts and opportunities only");
		return false;
	}
	for (void *at = json_object_iter(compile_iterable(value)); at != NULL; at = json_object_iter_next(compile_iterable(value), at)) {
		size_t before = compile_enter(compiler, json_object_iter_key(at));

		sound = compile_custom(compiler, scope, json_object_iter_key(at), json_object_iter_value(at), &rules[out->custom_count++]) && sound;
		compile_leave(compiler, before);
	}
	out->custom = rules;
	return sound;
}

/* ── objects ────────────────────────────────────────────────────────────────────────────────────── */
typedef bool (*compile_part)(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct object_rule *out);

static bool compile_in(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, const char *name, compile_part part,
		       struct object_rule *out)
{
	size_t before = compile_enter(compiler, name);
	bool sound = part(compiler, scope, json_object_get(value, name), out);

	compile_leave(compiler, before);
	return sound;
}

static bool compile_common(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, const char *name, struct object_rule *out)
{
	const char *null = json_string_value(json_object_get(value, "null"));
	bool sound;

	out->name = arena_keep(compiler->arena, text_of(name));
	out->resource = resource_of_kind(json_string_value(json_object_get(value, "kind")));
	out->null_clears = null == NULL || strcmp(null, "clear") == 0;
	out->copies = json_is_true(json_object_get(value, "copy"));
	unwrap_compile(compiler, json_object_get(value, "unwrap"), &out->unwrap, &out->unwrap_count);
	sound = compile_in(compiler, scope, value, "fields", compile_fields, out);
	return compile_in(compiler, scope, value, "custom", compile_customs, out) && sound;
}

static bool compile_when(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct object_rule *out)
{
	struct condition *when = COMPILE_TAKE(compiler, struct condition, 1);

	if (value == NULL)
		return true;
	out->when = when;
	return condition_compile(compiler, scope, value, when);
}

static bool compile_id(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct object_rule *out)
{
	return expression_compile(compiler, scope, value, &out->id);
}

static bool compile_also(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct object_rule *out)
{
	struct object_rule *also = COMPILE_TAKE(compiler, struct object_rule, json_object_size(value) + 1);
	bool sound = true;

	if (value != NULL && (!json_is_object(value) || json_object_size(value) > 10)) {
		compile_fault(compiler, "wrong_type", "must be an object of at most 10 further objects that the record speaks of");
		return false;
	}
	for (void *at = json_object_iter(compile_iterable(value)); at != NULL; at = json_object_iter_next(compile_iterable(value), at)) {
		size_t before = compile_enter(compiler, json_object_iter_key(at));
		struct object_rule *rule = &also[out->also_count++];
		const json_t *member = json_object_iter_value(at);

		if (!compile_check(compiler, &also_shape, member)) {
			sound = false;
		} else {
			sound = compile_common(compiler, scope, member, json_object_iter_key(at), rule) && sound;
			sound = compile_in(compiler, scope, member, "when", compile_when, rule) && sound;
			sound = compile_in(compiler, scope, member, "id", compile_id, rule) && sound;
		}
		compile_leave(compiler, before);
	}
	out->also = also;
	return sound;
}

bool objects_compile(struct compiler *compiler, struct source *source, const struct lookups *lookups, const json_t *value)
{
	struct object_rule *objects = COMPILE_TAKE(compiler, struct object_rule, json_object_size(value) + 1);
	bool sound = true;

	source->objects = objects;
	if (!json_is_object(value) || json_object_size(value) == 0 || json_object_size(value) > 100) {
		compile_fault(compiler, "wrong_type", "must be an object of 1 to 100 objects by the name that the layouts give them");
		return false;
	}
	for (void *at = json_object_iter(compile_iterable(value)); at != NULL; at = json_object_iter_next(compile_iterable(value), at)) {
		size_t before = compile_enter(compiler, json_object_iter_key(at));
		struct object_rule *rule = &objects[source->object_count++];
		const json_t *member = json_object_iter_value(at);
		struct expression_scope scope = {.item = &source->item, .record = &rule->tree, .lookups = lookups};

		if (!compile_check(compiler, &object_shape, member)) {
			sound = false;
		} else {
			pointer_tree_node(&rule->tree, compiler->arena, TEXT(""));
			sound = compile_common(compiler, &scope, member, json_object_iter_key(at), rule) && sound;
			sound = compile_in(compiler, &scope, member, "also", compile_also, rule) && sound;
			rule->tree.nodes[0].watched = true; /* so that what no rule names is counted */
			pointer_tree_finish(&rule->tree, compiler->arena);
		}
		compile_leave(compiler, before);
	}
	return sound;
}
