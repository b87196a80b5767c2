#include "item.h"

#include <stdio.h>
#include <string.h>

#include "json_scan.h"
#include "shape_text.h"

/* What a record says of its event. */
struct envelope {
	struct text id, occurred_at, event_id, operation, merged_into;
};

static const struct field id_field = {.name = "id", .type = FIELD_ID};

static bool is_patch(struct text operation)
{
	return operation.data == NULL || text_equal_string(operation, "patch");
}

/* A member that is a text, or a number as it was written. */
static struct text member_text(const json_t *record, struct text raw, const char *name)
{
	const json_t *value = json_object_get(record, name);

	if (json_is_string(value))
		return (struct text){json_string_value(value), json_string_length(value)};
	return json_is_number(value) ? json_member(raw, name) : (struct text){0};
}

static bool is_named(const struct problems *problems, const char *pointer)
{
	for (size_t i = 0; i < problems->count; i++)
		if (strcmp(problems->items[i].pointer, pointer) == 0)
			return true;
	return false;
}

/* Numbers as they were written, of a valid text: those beyond what is kept exactly are named by their place, unless something
 * else is wrong there. */
static void check_numbers(struct text raw, struct problems *problems)
{
	struct text number;
	size_t at = 0;

	while (json_next_number(raw, &at, &number) && problems->count < SHAPE_PROBLEMS_MAX) {
		struct buffer pointer = {0};

		if (value_is_decimal(number))
			continue;
		buffer_append_string(&pointer, "");
		json_pointer_at(raw, (size_t)(number.data - raw.data), &pointer);
		if (!is_named(problems, pointer.data))
			problems_add(problems, pointer.data, "out_of_range",
				     "the number %.*s is out of range: 30 digits before and 30 after the point are kept",
				     number.size > 60 ? 60 : (int)number.size, number.data);
		buffer_free(&pointer);
	}
}

/* A value that can be given in two places: twice is fine when it is the same. */
static struct text resolve(struct text own, struct text given, bool is_default, const char *pointer, struct problems *problems)
{
	if (own.data == NULL)
		return given;
	if (given.data != NULL && !is_default && !text_equal(own, given))
		problems_add(problems, pointer, "given_twice", "the record says otherwise than the request: \"%.*s\"",
			     (int)text_beginning(given, 60).size, given.data);
	return own;
}

static bool check_id(const struct item_context *context, struct text id, struct problems *problems)
{
	struct text_fault fault;
	const char *message;

	if (!text_fits(&id_field, id, &fault)) {
		problems_add(problems, "/id", fault.code, "%s", fault.message);
		return false;
	}
	if (context->resource->check_id != NULL && !context->resource->check_id(id, &message)) {
		problems_add(problems, "/id", "not_an_id", "%s", message);
		return false;
	}
	return true;
}

/* The members of the envelope that only entries have. */
static void check_operation(const struct item_context *context, const json_t *record, const struct envelope *envelope,
			    struct problems *problems)
{
	bool merge = text_equal_string(envelope->operation, "merge");

	if (context->form != ITEM_ENTRY) {
		if (envelope->operation.data != NULL)
			problems_add(problems, "/operation", "not_allowed", "an operation is for records that are posted; here the method says it");
		if (envelope->merged_into.data != NULL)
			problems_add(problems, "/merged_into", "not_allowed", "a merge is posted, with operation merge, or to …/merge");
		return;
	}
	if (merge && envelope->merged_into.data == NULL)
		problems_add(problems, "/merged_into", "required", "a merge names the id of the object that stays");
	if (!merge && envelope->merged_into.data != NULL)
		problems_add(problems, "/merged_into", "not_allowed", "goes with operation merge only");
	if (is_patch(envelope->operation))
		return;
	for (size_t i = ENVELOPE_FIELDS; i < context->resource->shape->count; i++) {
		const char *name = context->resource->shape->fields[i].name;
		char pointer[80];

		if (json_object_get(record, name) == NULL)
			continue;
		snprintf(pointer, sizeof pointer, "/%s", name);
		problems_add(problems, pointer, "not_allowed", "a %.*s carries no attributes", (int)envelope->operation.size, envelope->operation.data);
	}
}

static void make(const struct item_context *context, const struct envelope *envelope, struct text raw, struct ingest_item *item)
{
	struct buffer merge = {0};

	*item = (struct ingest_item){
	    .kind = text_of(context->resource->kind),
	    .id = envelope->id,
	    .operation = envelope->operation.data != NULL ? envelope->operation : TEXT("patch"),
	    .full = context->form == ITEM_FULL,
	    .strict = context->strict,
	    .occurred_at = envelope->occurred_at,
	    .event_id = envelope->event_id,
	    .patch = is_patch(envelope->operation) ? raw : TEXT("{}"),
	};
	if (envelope->merged_into.data != NULL) {
		buffer_append_string(&merge, "{\"merged_into\":");
		buffer_append_json_string(&merge, envelope->merged_into);
		buffer_append_string(&merge, "}");
		item->patch = buffer_text(&merge);
	}
	ingest_item_own(item);
	buffer_free(&merge);
}

static void check_record(const struct item_context *context, const json_t *record, struct text raw, struct envelope *envelope,
			 struct problems *problems)
{
	const struct resource *resource = context->resource;
	bool whole = context->form == ITEM_FULL;
	struct text_fault fault;
	struct text own;

	shape_check_text(resource->shape, record, raw, "", whole, problems);
	if (!json_is_object(record))
		return;
	if (resource->check != NULL)
		resource->check(record, raw, whole, problems);
	own = member_text(record, raw, "id");
	if (own.data == NULL && context->id.data == NULL && json_object_get(record, "id") == NULL)
		problems_add(problems, "/id", "required", "every record names its id");
	*envelope = (struct envelope){
	    .id = resolve(own, context->id, false, "/id", problems),
	    .occurred_at = resolve(member_text(record, raw, "occurred_at"), context->occurred_at, context->occurred_at_is_default, "/occurred_at", problems),
	    .event_id = resolve(member_text(record, raw, "event_id"), context->event_id, context->event_id_is_default, "/event_id", problems),
	    .operation = member_text(record, raw, "operation"),
	    .merged_into = member_text(record, raw, "merged_into"),
	};
	check_operation(context, record, envelope, problems);
	/* What is wrong with an id as such has been said by the shape, when it is the record's own. */
	if (envelope->id.data != NULL && (own.data == NULL || text_fits(&id_field, own, &fault)))
		check_id(context, envelope->id, problems);
}

static struct text trimmed(struct text raw)
{
	while (raw.size > 0 && memchr(" \t\r\n", raw.data[0], 4) != NULL)
		raw = (struct text){raw.data + 1, raw.size - 1};
	while (raw.size > 0 && memchr(" \t\r\n", raw.data[raw.size - 1], 4) != NULL)
		raw.size--;
	return raw;
}

/* What the parser does not take: too large a number is named by its place all the same. */
static enum item_verdict refuse_text(struct text raw, const char *code, const char *message, struct problems *problems)
{
	size_t before = problems->count;

	if (strcmp(code, "out_of_range") == 0)
		check_numbers(raw, problems);
	if (problems->count == before)
		problems_add(problems, "", code, "%s", message);
	return strcmp(code, "invalid_json") == 0 ? ITEM_NOT_JSON : ITEM_REFUSED;
}

enum item_verdict item_read(const struct item_context *context, struct text raw, struct ingest_item *item, struct problems *problems)
{
	struct envelope envelope = {0};
	size_t before = problems->count;
	const char *code, *message;
	json_t *record;

	raw = trimmed(raw);
	record = json_parse_strict(raw, &code, &message);
	if (record == NULL)
		return refuse_text(raw, code, message, problems);
	check_record(context, record, raw, &envelope, problems);
	check_numbers(raw, problems);
	if (problems->count == before)
		make(context, &envelope, raw, item);
	json_decref(record);
	return problems->count == before ? ITEM_SOUND : ITEM_REFUSED;
}

bool item_make(const struct item_context *context, const char *operation, struct text into, struct ingest_item *item,
	       struct problems *problems)
{
	struct envelope envelope = {
	    .id = context->id,
	    .occurred_at = context->occurred_at,
	    .event_id = context->event_id,
	    .operation = text_of(operation),
	    .merged_into = into,
	};

	if (!check_id(context, context->id, problems))
		return false;
	make(context, &envelope, (struct text){0}, item);
	return true;
}
