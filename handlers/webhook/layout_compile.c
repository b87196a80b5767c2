/* Compiling "layouts": what a delivery looks like, and what each of its items says happened. */
#include <string.h>

#include "mapping.h"

const char *const operation_words[] = {"patch", "put", "delete", "restore", "merge", "fetch", "resync", "ignore", NULL};
static const char *const contents[] = {"changes", "whole", NULL};

#define POINTER(field) {.name = (field), .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 0, .max = 500}
#define MEMBER(field) {.name = (field), .type = FIELD_STRING, .required = true, .bounded = true, .min = 1, .max = 200, .summary = "name of a member"}

static const struct field fold_fields[] = {MEMBER("key"), MEMBER("value")};
static const struct shape fold_shape = SHAPE("fold", fold_fields);
static const struct field pair_fields[] = {
	{.name = "name", .type = FIELD_STRING, .required = true, .bounded = true, .min = 1, .max = 500, .summary = "pointer to the name of what changed"},
	{.name = "value", .type = FIELD_STRING, .required = true, .bounded = true, .min = 1, .max = 500, .summary = "pointer to its new value"},
};
static const struct shape pair_shape = SHAPE("pair", pair_fields);
static const struct field merge_fields[] = {
	{.name = "into", .type = FIELD_ANY, .required = true, .summary = "id of the object that stays"},
	{.name = "from", .type = FIELD_ANY, .required = true, .summary = "ids of the objects that go"},
	{.name = "fetch", .type = FIELD_ANY},
};
static const struct shape merge_shape = SHAPE("merge", merge_fields);
static const struct field rule_fields[] = {
	{.name = "when", .type = FIELD_ANY, .required = true, .summary = "for which items"},
	{.name = "set", .type = FIELD_ANY},
	{.name = "skip", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 200},
};
static const struct shape rule_shape = SHAPE("rule", rule_fields);
static const struct field set_fields[] = {{.name = "object", .type = FIELD_ANY}, {.name = "operation", .type = FIELD_ANY}, {.name = "id", .type = FIELD_ANY}};
static const struct shape set_shape = SHAPE("set", set_fields);
static const struct field sum_fields[] = {{.name = "sum", .type = FIELD_ANY, .required = true, .summary = "a list of expressions"}};
static const struct shape sum_shape = SHAPE("sequence", sum_fields);

static const struct field layout_fields[] = {
	{.name = "when", .type = FIELD_ANY},
	{.name = "items", .type = FIELD_ANY},
	{.name = "content", .type = FIELD_WORD, .words = contents, .no_null = true},
	{.name = "fold", .type = FIELD_OBJECT, .inner = &fold_shape, .no_null = true},
	{.name = "pair", .type = FIELD_OBJECT, .inner = &pair_shape, .no_null = true},
	{.name = "pick", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 200},
	POINTER("record"),
	POINTER("fan_out"),
	POINTER("changed"),
	{.name = "object", .type = FIELD_ANY, .required = true, .summary = "what says which object it is"},
	{.name = "id", .type = FIELD_ANY, .required = true, .summary = "where the object's id is"},
	{.name = "operation", .type = FIELD_ANY},
	{.name = "occurred_at", .type = FIELD_ANY},
	{.name = "event_id", .type = FIELD_ANY},
	{.name = "sequence", .type = FIELD_ANY},
	{.name = "merge", .type = FIELD_OBJECT, .inner = &merge_shape, .no_null = true},
	{.name = "rules", .type = FIELD_ANY},
};
static const struct shape layout_shape = SHAPE("layout", layout_fields);

/* ── parts ──────────────────────────────────────────────────────────────────────────────────────── */
/* An expression in a member; *given (may be NULL): whether there is one. */
static bool compile_member(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, const char *name,
			   struct expression *out, bool *given)
{
	const json_t *member = json_object_get(value, name);
	size_t before;
	bool sound;

	if (given != NULL)
		*given = member != NULL;
	if (member == NULL)
		return true;
	before = compile_enter(compiler, name);
	sound = expression_compile(compiler, scope, member, out);
	compile_leave(compiler, before);
	return sound;
}

/* One expression or a list of them that all count. */
static bool compile_all(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, const struct expression **out, size_t *count)
{
	size_t size = json_is_array(value) ? json_array_size(value) : 1;
	struct expression *list = COMPILE_TAKE(compiler, struct expression, size + 1);
	bool sound = true;

	for (size_t i = 0; i < size; i++) {
		size_t before = compiler->at.size;

		if (json_is_array(value))
			compile_enter_element(compiler, i);
		sound = expression_compile(compiler, scope, json_is_array(value) ? json_array_get(value, i) : value, &list[i]) && sound;
		compile_leave(compiler, before);
	}
	*out = list;
	*count = size;
	return sound;
}

/* The slot of a pointer into the item; -1 when there is none, or with a fault. */
static int slot_of(struct compiler *compiler, struct source *source, const json_t *value, const char *name, bool *sound)
{
	const char *pointer = json_string_value(json_object_get(value, name));
	size_t before;
	int slot;

	if (pointer == NULL)
		return -1;
	before = compile_enter(compiler, name);
	slot = pointer_tree_add(&source->item, compiler->arena, text_of(pointer));
	if (slot < 0) {
		compile_fault(compiler, "not_a_pointer", "is no JSON pointer (RFC 6901)");
		*sound = false;
	}
	compile_leave(compiler, before);
	return slot;
}

static bool compile_merge(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct layout *out)
{
	size_t before = compile_enter(compiler, "merge"), inner;
	bool sound;

	out->has_merge = true;
	sound = compile_member(compiler, scope, value, "into", &out->into, NULL);
	sound = compile_member(compiler, scope, value, "fetch", &out->fetch, &out->has_fetch) && sound;
	inner = compile_enter(compiler, "from");
	sound = compile_all(compiler, scope, json_object_get(value, "from"), &out->from, &out->from_count) && sound;
	compile_leave(compiler, inner);
	compile_leave(compiler, before);
	return sound;
}

static bool compile_sequence(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct layout *out)
{
	size_t before = compile_enter(compiler, "sequence");
	const json_t *sum = json_is_object(value) ? json_object_get(value, "sum") : NULL;
	bool sound;

	if (sum != NULL) {
		sound = compile_check(compiler, &sum_shape, value) && compile_all(compiler, scope, sum, &out->sequence, &out->sequence_count);
	} else {
		struct expression *single = COMPILE_TAKE(compiler, struct expression, 1);

		sound = expression_compile(compiler, scope, value, single);
		out->sequence = single;
		out->sequence_count = 1;
	}
	compile_leave(compiler, before);
	return sound;
}

static bool compile_set(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct rule *out)
{
	struct expression *parts = COMPILE_TAKE(compiler, struct expression, 3);
	size_t before = compile_enter(compiler, "set");
	bool sound = compile_check(compiler, &set_shape, value), given;

	if (sound) {
		sound = compile_member(compiler, scope, value, "object", &parts[0], &given);
		out->object = given ? &parts[0] : NULL;
		sound = compile_member(compiler, scope, value, "operation", &parts[1], &given) && sound;
		out->operation = given ? &parts[1] : NULL;
		sound = compile_member(compiler, scope, value, "id", &parts[2], &given) && sound;
		out->id = given ? &parts[2] : NULL;
	}
	compile_leave(compiler, before);
	return sound;
}

static bool compile_rule(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct rule *out)
{
	size_t before;
	bool sound;

	if (!compile_check(compiler, &rule_shape, value))
		return false;
	before = compile_enter(compiler, "when");
	sound = condition_compile(compiler, scope, json_object_get(value, "when"), &out->when);
	compile_leave(compiler, before);
	out->skip = compile_text(compiler, json_object_get(value, "skip"));
	return (json_object_get(value, "set") == NULL || compile_set(compiler, scope, json_object_get(value, "set"), out)) && sound;
}

static bool compile_rules(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct layout *out)
{
	struct rule *rules = COMPILE_TAKE(compiler, struct rule, json_array_size(value) + 1);
	size_t outer = compile_enter(compiler, "rules");
	size_t size = json_array_size(value) <= 100 ? json_array_size(value) : 0;
	bool sound = json_is_array(value) && size == json_array_size(value);

	if (!sound)
		compile_fault(compiler, "wrong_type", "must be a list of at most 100 rules");
	for (size_t i = 0; i < size; i++) {
		size_t before = compile_enter_element(compiler, i);

		sound = compile_rule(compiler, scope, json_array_get(value, i), &rules[out->rule_count++]) && sound;
		compile_leave(compiler, before);
	}
	compile_leave(compiler, outer);
	out->rules = rules;
	return sound;
}

/* How the record of an item is read. */
static bool compile_record(struct compiler *compiler, struct source *source, const json_t *value, struct layout *out)
{
	const json_t *pair = json_object_get(value, "pair"), *fold = json_object_get(value, "fold");
	bool sound = true;

	out->reading.key = compile_text(compiler, json_object_get(fold, "key"));
	out->reading.value = compile_text(compiler, json_object_get(fold, "value"));
	out->record_reading = out->reading;
	out->record_reading.pick = compile_text(compiler, json_object_get(value, "pick"));
	out->record = slot_of(compiler, source, value, "record", &sound);
	out->record_pointer = compile_text(compiler, json_object_get(value, "record"));
	out->fan_out = slot_of(compiler, source, value, "fan_out", &sound);
	out->changed = slot_of(compiler, source, value, "changed", &sound);
	out->pair_name = out->pair_value = -1;
	if (pair != NULL) {
		size_t before = compile_enter(compiler, "pair");

		out->pair_name = slot_of(compiler, source, pair, "name", &sound);
		out->pair_value = slot_of(compiler, source, pair, "value", &sound);
		out->record_pointer = compile_text(compiler, json_object_get(pair, "value"));
		compile_leave(compiler, before);
	}
	return sound;
}

/* A pointer or a list of them; the whole body when there is none. */
static bool compile_items(struct compiler *compiler, const json_t *value, struct layout *out)
{
	size_t size = json_is_array(value) ? json_array_size(value) : 1, before = compile_enter(compiler, "items");
	struct text *items = COMPILE_TAKE(compiler, struct text, size + 1);
	struct pointer_tree tree = {0};
	bool sound = size > 0;

	for (size_t i = 0; i < size; i++) {
		const json_t *pointer = json_is_array(value) ? json_array_get(value, i) : value;

		items[i] = value == NULL ? TEXT("") : compile_text(compiler, pointer);
		sound = sound && items[i].data != NULL && pointer_tree_node(&tree, compiler->arena, items[i]) >= 0;
	}
	if (!sound)
		compile_fault(compiler, "not_a_pointer", "must be a JSON pointer (RFC 6901), or a list of them");
	compile_leave(compiler, before);
	out->items = items;
	out->item_count = size;
	return sound;
}

static bool compile_layout(struct compiler *compiler, struct source *source, const struct lookups *lookups, const json_t *value, struct layout *out)
{
	struct expression_scope scope = {.item = &source->item, .lookups = lookups};
	const json_t *content = json_object_get(value, "content"), *when = json_object_get(value, "when");
	bool sound;

	if (!compile_check(compiler, &layout_shape, value))
		return false;
	out->whole = content != NULL && strcmp(json_string_value(content), "whole") == 0;
	sound = compile_items(compiler, json_object_get(value, "items"), out);
	sound = compile_record(compiler, source, value, out) && sound;
	if (when != NULL) {
		struct condition *condition = COMPILE_TAKE(compiler, struct condition, 1);
		size_t before = compile_enter(compiler, "when");

		sound = condition_compile(compiler, &scope, when, condition) && sound;
		out->when = condition;
		compile_leave(compiler, before);
	}
	sound = compile_member(compiler, &scope, value, "object", &out->object, NULL) && sound;
	sound = compile_member(compiler, &scope, value, "id", &out->id, NULL) && sound;
	sound = compile_member(compiler, &scope, value, "operation", &out->operation, &out->has_operation) && sound;
	sound = compile_member(compiler, &scope, value, "occurred_at", &out->occurred_at, &out->has_occurred_at) && sound;
	sound = compile_member(compiler, &scope, value, "event_id", &out->event_id, &out->has_event_id) && sound;
	if (json_object_get(value, "sequence") != NULL)
		sound = compile_sequence(compiler, &scope, json_object_get(value, "sequence"), out) && sound;
	if (json_object_get(value, "merge") != NULL)
		sound = compile_merge(compiler, &scope, json_object_get(value, "merge"), out) && sound;
	if (json_object_get(value, "rules") != NULL)
		sound = compile_rules(compiler, &scope, json_object_get(value, "rules"), out) && sound;
	return sound;
}

bool layouts_compile(struct compiler *compiler, struct source *source, const struct lookups *lookups, const json_t *value)
{
	struct layout *layouts = COMPILE_TAKE(compiler, struct layout, json_object_size(value) + 1);
	bool sound = true;

	source->layouts = layouts;
	if (!json_is_object(value) || json_object_size(value) == 0 || json_object_size(value) > 20) {
		compile_fault(compiler, "wrong_type", "must be an object of 1 to 20 layouts of deliveries, each with a name");
		return false;
	}
	for (void *at = json_object_iter(compile_iterable(value)); at != NULL; at = json_object_iter_next(compile_iterable(value), at)) {
		size_t before = compile_enter(compiler, json_object_iter_key(at));
		struct layout *layout = &layouts[source->layout_count++];

		layout->name = arena_keep(compiler->arena, text_of(json_object_iter_key(at)));
		sound = compile_layout(compiler, source, lookups, json_object_iter_value(at), layout) && sound;
		compile_leave(compiler, before);
	}
	return sound;
}
