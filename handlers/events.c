/* CloudEvents: the envelope says what happened to which object, data is a record as the resources take it. */
#include "events.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bulk.h"
#include "json_scan.h"
#include "resources.h"

static const struct field params_fields[] = {
    {.name = "atomic", .type = FIELD_BOOLEAN, .summary = "all or nothing"},
    {.name = "dry_run", .type = FIELD_BOOLEAN, .summary = "try everything, write nothing"},
};
const struct shape events_params = SHAPE("events", params_fields);

static const char *const versions[] = {"1.0", NULL};

/* What we read of an envelope; extensions that others add to it are theirs (CloudEvents 1.0, 3.3). */
static const struct field envelope_fields[] = {
    {.name = "specversion", .type = FIELD_WORD, .required = true, .words = versions},
    {.name = "id", .type = FIELD_STRING, .required = true, .bounded = true, .min = 1, .max = 1000},
    {.name = "source", .type = FIELD_STRING, .required = true, .bounded = true, .min = 1, .max = 1000},
    {.name = "type", .type = FIELD_STRING, .required = true, .bounded = true, .min = 1, .max = 1000},
    {.name = "subject", .type = FIELD_ID},
    {.name = "time", .type = FIELD_DATETIME},
    {.name = "datacontenttype", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 200},
    {.name = "sequence", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 100},
    {.name = "data", .type = FIELD_ANY},
};
static const struct shape envelope_shape = SHAPE("event", envelope_fields);

static const struct resource *const resources[] = {
    &resource_rep,   &resource_team,        &resource_account,  &resource_product,
    &resource_stage, &resource_opportunity, &resource_activity, &resource_fx_rate,
};

/* The last word of a type and what it asks for. */
static const struct operation {
	const char *word, *operation;
	bool full;
} operations[] = {
    {"patch", "patch", false},    {"created", "patch", false},  {"updated", "patch", false}, {"changed", "patch", false},
    {"put", "patch", true},       {"replaced", "patch", true},  {"delete", "delete", false}, {"deleted", "delete", false},
    {"restore", "restore", false}, {"restored", "restore", false}, {"merge", "merge", false},   {"merged", "merge", false},
};

/* An envelope being read. */
struct envelope {
	json_t *event;
	struct text raw;
	const struct resource *resource;
	const struct operation *operation;
	struct buffer event_id;
	struct problems *problems;
};

static struct text member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : (struct text){0};
}

/* The piece behind the last dot; *rest is what is before it. */
static struct text last_piece(struct text text, struct text *rest)
{
	const char *dot = text.size > 0 ? memrchr(text.data, '.', text.size) : NULL;

	*rest = dot != NULL ? (struct text){text.data, (size_t)(dot - text.data)} : (struct text){0};
	return dot != NULL ? (struct text){dot + 1, text.size - rest->size - 1} : text;
}

/* "com.example.opportunity.updated": what is before the last two words is the sender's. */
static void read_type(struct envelope *envelope)
{
	struct text rest, none, operation = last_piece(member(envelope->event, "type"), &rest), kind = last_piece(rest, &none);

	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (text_equal_string(operation, operations[i].word))
			envelope->operation = &operations[i];
	for (size_t i = 0; i < sizeof resources / sizeof *resources; i++)
		if (text_equal_string(kind, resources[i]->kind))
			envelope->resource = resources[i];
	if (envelope->resource == NULL)
		problems_add(envelope->problems, "/type", "unknown_type",
			     "the word before the last must be a kind: rep, team, account, product, stage, opportunity, activity or fx-rate");
	else if (envelope->operation == NULL)
		problems_add(envelope->problems, "/type", "unknown_type",
			     "the last word must be created, updated, changed, patch, replaced, put, deleted, restored or merged");
}

static void check_envelope(struct envelope *envelope)
{
	json_t *known = json_object();
	struct text type = member(envelope->event, "datacontenttype");

	for (size_t i = 0; i < envelope_shape.count; i++) {
		json_t *value = json_object_get(envelope->event, envelope_shape.fields[i].name);

		if (value != NULL)
			json_object_set(known, envelope_shape.fields[i].name, value);
	}
	shape_check(&envelope_shape, known, "", true, envelope->problems);
	json_decref(known);
	if (json_object_get(envelope->event, "data_base64") != NULL)
		problems_add(envelope->problems, "/data_base64", "not_allowed", "data is JSON here");
	if (type.data != NULL && memmem(type.data, type.size, "json", 4) == NULL)
		problems_add(envelope->problems, "/datacontenttype", "not_one_of", "data is JSON here");
}

/* The id of an event is that of its envelope together with the envelope's source: only both are unique (CloudEvents 1.0, 3.1.1). */
static void make_event_id(struct envelope *envelope)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof digest + 1];
	struct buffer *id = &envelope->event_id;

	buffer_append_text(id, member(envelope->event, "id"));
	buffer_append_string(id, "@");
	buffer_append_text(id, member(envelope->event, "source"));
	if (id->size <= 200)
		return;
	crypto_hash_sha256(digest, (const unsigned char *)id->data, id->size);
	sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
	buffer_clear(id);
	buffer_append_string(id, hex);
}

static int64_t read_sequence(struct text sequence)
{
	int64_t number = 0;

	if (sequence.size == 0 || sequence.size > 18)
		return 0;
	for (size_t i = 0; i < sequence.size; i++) {
		if (sequence.data[i] < '0' || sequence.data[i] > '9')
			return 0;
		number = number * 10 + (sequence.data[i] - '0');
	}
	return number;
}

/* Where the object stands: in subject, or in the record itself. */
static struct text object_id(const struct envelope *envelope)
{
	struct text subject = member(envelope->event, "subject");
	const json_t *data = json_object_get(envelope->event, "data");

	return subject.data != NULL ? subject : member(data, "id");
}

/* Problems of the record are problems of /data. */
static void move_problems(struct problems *from, struct problems *to)
{
	for (size_t i = 0; i < from->count; i++) {
		struct buffer pointer = {0};

		buffer_printf(&pointer, "/data%s", from->items[i].pointer);
		problems_add(to, pointer.data, from->items[i].code, "%s", from->items[i].message);
		buffer_free(&pointer);
	}
	problems_free(from);
}

static void read_record(struct envelope *envelope, struct ingest_item *item, bool strict)
{
	const struct operation *operation = envelope->operation;
	struct problems found = {0};
	struct item_context context = {
	    .resource = envelope->resource,
	    .form = operation->full ? ITEM_FULL : ITEM_ENTRY,
	    .id = object_id(envelope),
	    .occurred_at = member(envelope->event, "time"),
	    .event_id = buffer_text(&envelope->event_id),
	    .strict = strict,
	};
	json_t *data = json_object_get(envelope->event, "data");

	if (strcmp(operation->operation, "patch") == 0) {
		if (data == NULL)
			problems_add(envelope->problems, "/data", "required", "the record");
		else if (item_read(&context, json_member(envelope->raw, "data"), item, &found) != ITEM_SOUND && found.count == 0)
			problems_add(&found, "", "invalid", "the record cannot be read");
	} else if (context.id.data == NULL) {
		problems_add(envelope->problems, "/subject", "required", "the id of the object");
	} else if (strcmp(operation->operation, "merge") == 0 && member(data, "merged_into").data == NULL) {
		problems_add(&found, "/merged_into", "required", "a merge names the id of the object that stays");
	} else {
		item_make(&context, operation->operation, member(data, "merged_into"), item, &found);
	}
	move_problems(&found, envelope->problems);
}

/* False with problems. */
static bool read_event(struct text raw, bool strict, struct ingest_item *item, struct problems *problems)
{
	struct envelope envelope = {.raw = raw, .problems = problems};
	const char *code, *message;
	size_t before = problems->count;

	envelope.event = json_parse_strict(raw, &code, &message);
	if (envelope.event == NULL)
		problems_add(problems, "", code, "%s", message);
	else if (!json_is_object(envelope.event))
		problems_add(problems, "", "wrong_type", "must be an object");
	else
		check_envelope(&envelope);
	if (problems->count == before)
		read_type(&envelope);
	if (problems->count == before) {
		make_event_id(&envelope);
		read_record(&envelope, item, strict);
	}
	if (problems->count == before)
		item->source_seq = read_sequence(member(envelope.event, "sequence"));
	else
		ingest_item_free(item);
	buffer_free(&envelope.event_id);
	json_decref(envelope.event);
	return problems->count == before;
}

enum err events_post_one(struct request *request, struct reply *reply, struct ingest_item *item, bool *single)
{
	struct json_walk walk;
	bool whole = request_query(request, "dry_run").data == NULL && request_query(request, "atomic").data == NULL;

	*single = false;
	if (!whole || (json_walk_open(request->body, &walk) && !walk.is_object))
		return ERR_OK;
	*single = true;
	if (read_event(request->body, true, item, &reply->problems))
		return ERR_OK;
	if (strcmp(reply->problems.items[0].code, "invalid_json") == 0)
		return reply_error(reply, ERR_INVALID_JSON, "%s", reply->problems.items[0].message);
	return reply_error(reply, ERR_VALIDATION_FAILED, "the event cannot be accepted as it is: %zu problem%s", reply->problems.count,
			   reply->problems.count == 1 ? "" : "s");
}

static enum err add_event(struct bulk *bulk, struct text raw)
{
	struct problems problems = {0};
	struct ingest_item item = {0};
	enum err err = ERR_OK;

	if (read_event(raw, false, &item, &problems))
		err = bulk_put(bulk, &item);
	else
		bulk_reject(bulk, 0, &problems);
	ingest_item_free(&item);
	problems_free(&problems);
	return err;
}

enum err events_post(struct request *request, struct reply *reply)
{
	struct item_context context = {.form = ITEM_ENTRY};
	struct json_fault fault;
	struct json_walk walk;
	struct text element;
	struct bulk *bulk;
	enum err err = ERR_OK;

	if (!json_scan_valid(request->body, NULL, &fault) || !json_walk_open(request->body, &walk))
		return reply_error(reply, ERR_INVALID_JSON, "the body is neither an event nor an array of them");
	bulk = bulk_new(request, &context);
	if (walk.is_object)
		err = add_event(bulk, request->body);
	while (!walk.is_object && err == ERR_OK && json_walk_next(&walk, NULL, &element) == JSON_STEP_VALUE)
		err = add_event(bulk, element);
	if (err == ERR_OK)
		err = bulk_finish(bulk, reply);
	bulk_free(bulk);
	return err;
}
