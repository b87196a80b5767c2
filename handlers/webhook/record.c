/* From the record of an item to events. */
#include <string.h>

#include "glob.h"
#include "json_scan.h"
#include "mapping.h"

enum { NAME_LONGEST = 200 };

/* An event that is being written. */
struct draft {
	struct run *run;
	const struct object_rule *object; /* whose fields are written */
	const struct object_rule *owner;  /* whose record it is */
	const struct meaning *meaning;
	size_t said;       /* attributes that the source said something of */
	size_t customs;
	bool has_money, has_currency;
	bool broken;
};

/* ── writing ────────────────────────────────────────────────────────────────────────────────────── */
static void write_member(struct buffer *out, const char *name, struct text value)
{
	if (value.data == NULL)
		return;
	buffer_append_string(out, out->size > 1 ? ",\"" : "\"");
	buffer_append_string(out, name);
	buffer_append_string(out, "\":");
	buffer_append_json_string(out, value);
}

void record_begin(struct buffer *out, const struct meaning *meaning)
{
	buffer_clear(out);
	buffer_append_string(out, "{");
	write_member(out, "id", meaning->id);
	write_member(out, "occurred_at", meaning->occurred_at);
	write_member(out, "event_id", meaning->event_id);
}

static void write_value(struct buffer *out, struct text name, struct scalar scalar)
{
	if (out->size > 1)
		buffer_append_string(out, ",");
	buffer_append_json_string(out, name);
	buffer_append_string(out, ":");
	scalar_write(scalar, out);
}

/* Where in the item a field comes from, for a problem. */
static const char *place_of(struct run *run, const struct expression *from)
{
	const struct expression *pointer = expression_pointer(from);

	buffer_clear(&run->pointer);
	buffer_append_string(&run->pointer, "");
	if (pointer == NULL)
		return run->pointer.data;
	if (pointer->of_record)
		buffer_append_text(&run->pointer, run->layout->record_pointer);
	if (!pointer->of_record || run->layout->pair_value < 0)
		buffer_append_text(&run->pointer, pointer->text);
	return run->pointer.data;
}

/* Ids of the source get the prefix that keeps sources apart; words of the mapping stay. */
static struct scalar with_prefix(struct run *run, const struct field *field, struct scalar scalar)
{
	struct text prefix = run->source->id_prefix;
	struct buffer out = {0};
	struct json_walk walk;
	struct text raw;

	if (prefix.data == NULL || field == NULL || scalar.ours)
		return scalar;
	if (field->type == FIELD_ID && scalar.type == SCALAR_STRING)
		scalar.text = arena_join(&run->arena, (struct text[]){prefix, scalar.text}, 2);
	if (field->type != FIELD_LIST || field->element->type != FIELD_ID || scalar.type != SCALAR_LIST || !json_walk_open(scalar.text, &walk))
		return scalar;
	buffer_append_string(&out, "[");
	while (json_walk_next(&walk, NULL, &raw) == JSON_STEP_VALUE) {
		struct scalar element = scalar_read(&run->arena, raw);

		if (out.size > 1)
			buffer_append_string(&out, ",");
		buffer_append_json_string(&out, arena_join(&run->arena, (struct text[]){prefix, element.text}, 2));
	}
	buffer_append_string(&out, "]");
	scalar.text = arena_keep(&run->arena, buffer_text(&out));
	buffer_free(&out);
	return scalar;
}

/* ── fields ─────────────────────────────────────────────────────────────────────────────────────── */
/* Whether the list of changed fields names what the record lacks: parts of compound fields vanish when they are cleared. */
static bool is_listed(struct run *run, struct text name)
{
	struct json_walk walk;
	struct text raw;

	if (name.data == NULL || run->layout->changed < 0 || !json_walk_open(run->item[run->layout->changed], &walk) || walk.is_object)
		return false;
	while (json_walk_next(&walk, NULL, &raw) == JSON_STEP_VALUE)
		if (raw.size == name.size + 2 && memcmp(raw.data + 1, name.data, name.size) == 0)
			return true;
	return false;
}

static bool is_money(const struct field *field)
{
	return field != NULL && (strcmp(field->name, "amount") == 0 || strcmp(field->name, "list_price") == 0);
}

static void write_field(struct draft *draft, const struct field_rule *rule)
{
	struct run *run = draft->run;
	struct scalar scalar = expression_evaluate(&rule->from, &run->evaluation);
	const struct field *field = rule->field;

	if (scalar.type == SCALAR_ABSENT && is_listed(run, rule->dotted))
		scalar.type = SCALAR_NULL;
	scalar = with_prefix(run, field, scalar_convert(&run->arena, scalar, &rule->convert));
	/* An object would be no value of an attribute; it is as if no rule named it. */
	if (field == NULL && scalar.type == SCALAR_OBJECT)
		scalar = scalar_broken("wrong_type", "is an object: say with unwrap which member of it counts");
	if (field == NULL && scalar.type == SCALAR_LIST)
		scalar = scalar_convert(&run->arena, scalar, &(struct convert_options){.conversion = CONVERT_LIST});
	if (scalar.type == SCALAR_BROKEN) {
		draft->broken = true;
		run_problem(run, scalar.code, place_of(run, &rule->from), scalar.message);
	}
	if (scalar.type == SCALAR_ABSENT || scalar.type == SCALAR_BROKEN)
		return;
	if (scalar.type == SCALAR_NULL && (!draft->object->null_clears || (field != NULL && (field->required || field->no_null))))
		return;
	draft->said += !rule->constant;
	draft->has_money = draft->has_money || (is_money(field) && scalar.type != SCALAR_NULL);
	draft->has_currency = draft->has_currency || (field != NULL && field->type == FIELD_CURRENCY && scalar.type != SCALAR_NULL);
	write_value(field != NULL ? &run->record : &run->attributes, rule->name, scalar);
}

/* Amounts of sources that have one currency and so do not send it. */
static void write_currency(struct draft *draft)
{
	struct text currency = draft->run->source->currency;
	const struct shape *shape = draft->object->resource->shape;

	if (currency.data == NULL || !draft->has_money || draft->has_currency)
		return;
	for (size_t i = 0; i < shape->count; i++)
		if (strcmp(shape->fields[i].name, "currency") == 0)
			write_value(&draft->run->record, TEXT("currency"), scalar_string(currency));
}

/* ── members that no field names ────────────────────────────────────────────────────────────────── */
static bool has_field(const struct object_rule *object, struct text name, bool below)
{
	for (size_t i = 0; i < object->field_count; i++)
		if ((object->fields[i].field == NULL) == below && text_equal(object->fields[i].name, name))
			return true;
	return false;
}

/* The rule whose pattern fits: one that skips, else the longest. */
static const struct custom_rule *find_custom(const struct object_rule *object, int node, struct text name)
{
	const struct custom_rule *found = NULL;

	for (size_t i = 0; i < object->custom_count; i++) {
		const struct custom_rule *rule = &object->custom[i];

		if (rule->node != node || !glob_matches(rule->pattern, name))
			continue;
		if (rule->skip)
			return rule;
		if (found == NULL || rule->pattern.size > found->pattern.size)
			found = rule;
	}
	return found;
}

/* False: not a value for an attribute. */
static bool write_custom(struct draft *draft, const struct custom_rule *rule, struct text name, struct text raw)
{
	struct run *run = draft->run;
	struct scalar scalar = scalar_read(&run->arena, raw);

	for (size_t i = 0; i < rule->unwrap_count && scalar.type == SCALAR_OBJECT; i++) {
		struct text member = json_member(scalar.text, rule->unwrap[i].data);

		if (member.data != NULL)
			scalar = scalar_read(&run->arena, member);
	}
	scalar = scalar_convert(&run->arena, scalar, &rule->convert);
	if (scalar.type == SCALAR_LIST)
		scalar = scalar_convert(&run->arena, scalar, &(struct convert_options){.conversion = CONVERT_LIST});
	if (scalar.type == SCALAR_OBJECT || scalar.type == SCALAR_BROKEN || ++draft->customs > CUSTOM_MAX)
		return false;
	if (name.size > rule->strip.size && rule->strip.size > 0 && memcmp(name.data + name.size - rule->strip.size, rule->strip.data, rule->strip.size) == 0)
		name.size -= rule->strip.size;
	if (has_field(draft->object, name, true))
		return true;
	draft->said++;
	if (scalar.type != SCALAR_NULL || draft->object->null_clears)
		write_value(&run->attributes, name, scalar);
	return true;
}

static void visit_member(void *context, int node, struct text raw_name, struct text value)
{
	struct draft *draft = context;
	struct run *run = draft->run;
	struct scalar name = scalar_read(&run->arena, raw_name);
	const struct custom_rule *rule = NULL;

	if (name.type == SCALAR_STRING && name.text.size <= NAME_LONGEST)
		rule = find_custom(draft->object, node, name.text);
	if (draft->object->copies || (rule != NULL && (rule->skip || write_custom(draft, rule, name.text, value))))
		return;
	/* Where the record is the item itself, what says what happened stands beside its values. */
	if (run->layout->record < 0 && node == 0 && pointer_tree_names(&run->source->item, raw_name))
		return;
	run->counts->unmapped++;
	if (run->sink->unmapped != NULL && name.type == SCALAR_STRING)
		run->sink->unmapped(run->sink->context, draft->owner->name.data, name.text);
}

/* A record in our own form: its members as they are, but for those that say what happened. */
static void copy_members(struct draft *draft, struct text record)
{
	static const char *const envelope[] = {"\"id\"", "\"occurred_at\"", "\"event_id\"", "\"operation\"", "\"merged_into\"", "\"object\"", "\"kind\""};
	struct buffer *out = &draft->run->record;
	struct json_walk walk;
	struct text name, value;

	if (!json_walk_open(record, &walk) || !walk.is_object)
		return;
	while (json_walk_next(&walk, &name, &value) == JSON_STEP_VALUE) {
		/* An activity has a kind of its own. */
		size_t count = sizeof envelope / sizeof *envelope - (draft->object->resource == &resource_activity);
		bool ours = false;

		for (size_t i = 0; i < count; i++)
			ours = ours || text_equal_string(name, envelope[i]);
		/* What a field names, as source or as target, is that field's. */
		if (ours || pointer_tree_names(&draft->object->tree, name) || has_field(draft->object, (struct text){name.data + 1, name.size - 2}, false))
			continue;
		draft->said++;
		if (out->size > 1)
			buffer_append_string(out, ",");
		buffer_append_text(out, name);
		buffer_append_string(out, ":");
		buffer_append_text(out, value);
	}
}

/* ── events ─────────────────────────────────────────────────────────────────────────────────────── */
static void emit_draft(struct draft *draft, bool further)
{
	struct run *run = draft->run;
	const struct meaning *meaning = draft->meaning;
	struct mapped mapped = {
		.type = MAPPED_EVENT,
		.resource = draft->object->resource,
		.id = meaning->id,
		.operation = text_of(operation_words[meaning->operation]),
		.occurred_at = meaning->occurred_at,
		.event_id = meaning->event_id,
		.sequence = meaning->sequence,
		.partial = further || !run->layout->whole,
	};

	if (draft->broken)
		return;
	if (draft->said == 0 && meaning->operation == OPERATION_PATCH) {
		mapped.type = MAPPED_IGNORED;
		mapped.reason = "it sets nothing that the mapping names";
		if (!further)
			run_emit(run, &mapped);
		return;
	}
	write_currency(draft);
	if (run->attributes.size > 1) {
		buffer_append_string(&run->attributes, "}");
		buffer_append_string(&run->record, run->record.size > 1 ? ",\"attributes\":" : "\"attributes\":");
		buffer_append_text(&run->record, buffer_text(&run->attributes));
	}
	buffer_append_string(&run->record, "}");
	mapped.record = buffer_text(&run->record);
	run_emit(run, &mapped);
}

static void begin_draft(struct draft *draft, const struct meaning *meaning)
{
	draft->meaning = meaning;
	record_begin(&draft->run->record, meaning);
	buffer_clear(&draft->run->attributes);
	buffer_append_string(&draft->run->attributes, "{");
}

/* A further object that the record speaks of, from the same slots. */
static void map_also(struct run *run, const struct object_rule *also, const struct meaning *owner)
{
	struct meaning meaning = *owner;
	struct draft draft = {.run = run, .object = also, .owner = owner->object};
	struct scalar id;

	run->evaluation.unwrap = also->unwrap;
	run->evaluation.unwrap_count = also->unwrap_count;
	if (also->when != NULL && !condition_holds(also->when, &run->evaluation))
		return;
	id = scalar_convert(&run->arena, expression_evaluate(&also->id, &run->evaluation), &(struct convert_options){.conversion = CONVERT_STRING});
	if (id.type != SCALAR_STRING)
		return;
	meaning.object = also;
	meaning.operation = OPERATION_PATCH;
	meaning.id = id.ours || run->source->id_prefix.data == NULL ? id.text : arena_join(&run->arena, (struct text[]){run->source->id_prefix, id.text}, 2);
	if (owner->event_id.data != NULL)
		meaning.event_id = arena_join(&run->arena, (struct text[]){owner->event_id, TEXT(":"), also->name}, 3);
	begin_draft(&draft, &meaning);
	for (size_t i = 0; i < also->field_count; i++)
		write_field(&draft, &also->fields[i]);
	emit_draft(&draft, true);
}

/* The record's text; of a pair, absent. False with a problem when there is none. */
static bool find_record(struct run *run, struct text *record)
{
	const struct layout *layout = run->layout;

	*record = layout->record >= 0 ? run->item[layout->record] : run->raw;
	if (layout->pair_name >= 0) {
		*record = (struct text){0};
		return true;
	}
	if (record->size > 0 && (record->data[0] == '{' || (record->data[0] == '[' && layout->record_reading.key.data != NULL)))
		return true;
	run_problem(run, "no_record", layout->record_pointer.data != NULL ? layout->record_pointer.data : "", "no record stands there");
	return false;
}

static void scan_record(struct run *run, struct draft *draft, struct text record)
{
	const struct layout *layout = run->layout;
	struct pointer_scan scan = {.tree = &draft->object->tree, .reading = &layout->record_reading, .slots = run->slots, .visit = visit_member,
				    .context = draft};
	struct text name = layout->pair_name >= 0 ? run->item[layout->pair_name] : (struct text){0};

	if (record.data != NULL)
		pointer_scan(&scan, record);
	else if (name.size >= 2 && name.data[0] == '"' && run->item[layout->pair_value].data != NULL)
		pointer_scan_member(&scan, name, run->item[layout->pair_value]);
	else
		pointer_scan(&scan, TEXT("{}"));
	if (scan.doubled < 0)
		return;
	draft->broken = true;
	run_problem(run, "duplicate_key", layout->record_pointer.data != NULL ? layout->record_pointer.data : "", "a name stands twice in the record");
}

void record_map(struct run *run, const struct meaning *meaning)
{
	const struct object_rule *object = meaning->object;
	struct draft draft = {.run = run, .object = object, .owner = object};
	struct text record;

	if (!find_record(run, &record))
		return;
	run->evaluation.record = run->slots;
	run->evaluation.unwrap = object->unwrap;
	run->evaluation.unwrap_count = object->unwrap_count;
	begin_draft(&draft, meaning);
	scan_record(run, &draft, record);
	if (object->copies)
		copy_members(&draft, record);
	for (size_t i = 0; i < object->field_count && !draft.broken; i++)
		write_field(&draft, &object->fields[i]);
	emit_draft(&draft, false);
	for (size_t i = 0; i < object->also_count && !draft.broken && !run->stopped; i++)
		map_also(run, &object->also[i], meaning);
	run->evaluation.record = NULL;
}
