#include "bulk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_scan.h"
#include "memory.h"

enum { ID_SHOWN_MAX = 800 }; /* bytes: no id is longer */

struct entry {
	struct ingest_item item;
	struct bulk_place place;
};

struct bulk_error {
	struct bulk_place place;
	size_t order; /* of arrival, to keep the problems of one item together */
	char *id;     /* of the object; NULL: unknown */
	struct problem problem;
};

struct bulk {
	const struct request *request;
	struct item_context context;
	struct text key;       /* Idempotency-Key; absent: none */
	bool dry_run, atomic;
	struct entry *entries; /* of the chunk being collected */
	size_t count, capacity, bytes;
	size_t next_index;
	size_t counts[OUTCOME_COUNT], quarantined;
	struct bulk_error *errors;
	size_t error_count, error_bytes, errors_omitted;
	int64_t data_version;
};

struct bulk *bulk_new(const struct request *request, const struct item_context *context)
{
	struct bulk *bulk = memory_zeroed(1, sizeof *bulk);

	bulk->errors = memory_zeroed(BULK_ERRORS_MAX, sizeof *bulk->errors);
	bulk->request = request;
	bulk->context = *context;
	bulk->key = context->event_id;
	bulk->context.event_id = (struct text){0};
	bulk->context.event_id_is_default = true;
	bulk->context.occurred_at_is_default = true;
	bulk->context.strict = false;
	bulk->dry_run = text_equal_string(request_query(request, "dry_run"), "true");
	bulk->atomic = text_equal_string(request_query(request, "atomic"), "true");
	return bulk;
}

static void drop_entries(struct bulk *bulk)
{
	for (size_t i = 0; i < bulk->count; i++)
		ingest_item_free(&bulk->entries[i].item);
	bulk->count = 0;
	bulk->bytes = 0;
}

void bulk_free(struct bulk *bulk)
{
	if (bulk == NULL)
		return;
	drop_entries(bulk);
	free(bulk->entries);
	for (size_t i = 0; i < bulk->error_count; i++) {
		free(bulk->errors[i].id);
		free(bulk->errors[i].problem.pointer);
		free(bulk->errors[i].problem.code);
		free(bulk->errors[i].problem.message);
	}
	free(bulk->errors);
	free(bulk);
}

static char *copy(const char *string)
{
	return memory_string(string != NULL ? string : "");
}

static void list_error(struct bulk *bulk, struct bulk_place place, struct text id, const struct problem *problem)
{
	struct bulk_error *error = &bulk->errors[bulk->error_count];

	if (bulk->error_count == BULK_ERRORS_MAX || bulk->error_bytes > BULK_ERROR_BYTES_MAX) {
		bulk->errors_omitted++;
		return;
	}
	id.size = id.size > ID_SHOWN_MAX ? 0 : id.size;
	bulk->error_bytes += id.size + strlen(problem->pointer != NULL ? problem->pointer : "") +
			     strlen(problem->message != NULL ? problem->message : "");
	*error = (struct bulk_error){
	    .place = place,
	    .order = bulk->error_count++,
	    .id = id.size > 0 ? memory_string_of(id.data, id.size) : NULL,
	    .problem = {copy(problem->pointer), copy(problem->code), copy(problem->message)},
	};
}

/* raw: the record, for its id if that can be made out; may be the absent text. */
static void reject(struct bulk *bulk, struct bulk_place place, struct text raw, const struct problems *problems)
{
	struct buffer id = {0};

	bulk->counts[OUTCOME_REJECTED]++;
	if (!json_string_decode(json_member(raw, "id"), &id))
		buffer_clear(&id);
	for (size_t i = 0; i < problems->count; i++)
		list_error(bulk, place, buffer_text(&id), &problems->items[i]);
	buffer_free(&id);
}

void bulk_reject(struct bulk *bulk, size_t line, const struct problems *problems)
{
	reject(bulk, (struct bulk_place){bulk->next_index++, line}, (struct text){0}, problems);
}

static void count_results(struct bulk *bulk, const struct ingest_result *results)
{
	for (size_t i = 0; i < bulk->count; i++) {
		const struct ingest_result *result = &results[i];
		struct problem problem = {result->pointer, result->code, result->message};

		bulk->counts[result->outcome]++;
		bulk->quarantined += result->quarantined;
		if (result->outcome == OUTCOME_REJECTED)
			list_error(bulk, bulk->entries[i].place, bulk->entries[i].item.id, &problem);
	}
}

/* Writes the chunk. An atomic write that has rejected items already is only tried, to find what else is wrong. */
static enum err flush(struct bulk *bulk)
{
	bool dry_run = bulk->dry_run || (bulk->atomic && bulk->counts[OUTCOME_REJECTED] > 0);
	struct ingest_result *results = memory_zeroed(bulk->count + 1, sizeof *results);
	struct ingest_item **items = memory_zeroed(bulk->count + 1, sizeof *items);
	int64_t data_version = bulk->data_version;
	enum err err = ERR_OK;

	for (size_t i = 0; i < bulk->count; i++)
		items[i] = &bulk->entries[i].item;
	if (bulk->count > 0)
		err = ingest_write(bulk->request->db, &bulk->request->who, items, bulk->count, dry_run, bulk->atomic, &data_version, results);
	if (err == ERR_OK) {
		count_results(bulk, results);
		bulk->data_version = data_version;
	}
	for (size_t i = 0; i < bulk->count; i++)
		ingest_result_free(&results[i]);
	free(results);
	free(items);
	drop_entries(bulk);
	return err;
}

static bool is_full(const struct bulk *bulk)
{
	bool whole = bulk->dry_run || bulk->atomic;

	return bulk->count >= (whole ? BULK_WHOLE_ITEMS : BULK_CHUNK_ITEMS) || bulk->bytes >= (whole ? BULK_WHOLE_BYTES : BULK_CHUNK_BYTES);
}

static struct entry *new_entry(struct bulk *bulk)
{
	if (bulk->count == bulk->capacity) {
		bulk->capacity = bulk->capacity == 0 ? 64 : bulk->capacity * 2;
		bulk->entries = memory_grown(bulk->entries, bulk->capacity * sizeof *bulk->entries);
	}
	bulk->entries[bulk->count] = (struct entry){0};
	return &bulk->entries[bulk->count];
}

static enum err make_room(struct bulk *bulk)
{
	if (!is_full(bulk))
		return ERR_OK;
	return bulk->atomic ? ERR_BODY_TOO_LARGE : flush(bulk);
}

enum err bulk_put(struct bulk *bulk, struct ingest_item *item)
{
	struct bulk_place place = {bulk->next_index++, 0};
	struct entry *entry;
	enum err err = make_room(bulk);

	if (err != ERR_OK)
		return err;
	entry = new_entry(bulk);
	entry->place = place;
	entry->item = *item;
	*item = (struct ingest_item){0};
	bulk->count++;
	bulk->bytes += entry->item.memory.size;
	return ERR_OK;
}

enum err bulk_add(struct bulk *bulk, struct text raw, size_t line)
{
	struct bulk_place place = {bulk->next_index++, line};
	struct problems problems = {0};
	struct buffer event_id = {0};
	struct entry *entry;
	enum err err = make_room(bulk);

	if (err != ERR_OK)
		return err;
	entry = new_entry(bulk);
	if (bulk->key.data != NULL) {
		buffer_append_text(&event_id, bulk->key);
		buffer_printf(&event_id, ":%zu", place.index);
		bulk->context.event_id = buffer_text(&event_id);
	}
	if (raw.size > ITEM_MAX)
		problems_add(&problems, "", "too_long", "a record has at most 1 MiB");
	if (problems.count == 0 && item_read(&bulk->context, raw, &entry->item, &problems) == ITEM_SOUND) {
		entry->place = place;
		bulk->count++;
		bulk->bytes += entry->item.memory.size;
	} else {
		reject(bulk, place, raw, &problems);
	}
	problems_free(&problems);
	buffer_free(&event_id);
	return ERR_OK;
}

static int compare_errors(const void *a, const void *b)
{
	const struct bulk_error *one = a, *other = b;

	if (one->place.index != other->place.index)
		return one->place.index < other->place.index ? -1 : 1;
	return one->order < other->order ? -1 : 1;
}

static const char *const count_names[OUTCOME_COUNT] = {
    [OUTCOME_ACCEPTED] = "accepted",   [OUTCOME_DUPLICATE] = "duplicate", [OUTCOME_STALE] = "stale",
    [OUTCOME_UNCHANGED] = "unchanged", [OUTCOME_REJECTED] = "rejected",
};

static void append_error(struct buffer *body, const struct bulk_error *error)
{
	buffer_printf(body, "{\"index\":%zu", error->place.index);
	if (error->place.line > 0)
		buffer_printf(body, ",\"line\":%zu", error->place.line);
	if (error->id != NULL) {
		buffer_append_string(body, ",\"id\":");
		buffer_append_json_string(body, text_of(error->id));
	}
	buffer_append_string(body, ",\"pointer\":");
	buffer_append_json_string(body, text_of(error->problem.pointer));
	buffer_append_string(body, ",\"code\":");
	buffer_append_json_string(body, text_of(error->problem.code));
	buffer_append_string(body, ",\"message\":");
	buffer_append_json_string(body, text_of(error->problem.message));
	buffer_append_string(body, "}");
}

static void append_answer(const struct bulk *bulk, struct buffer *body)
{
	buffer_append_string(body, "{");
	for (int i = 0; i < OUTCOME_COUNT; i++)
		buffer_printf(body, "\"%s\":%zu,", count_names[i], bulk->counts[i]);
	if (bulk->quarantined > 0)
		buffer_printf(body, "\"quarantined\":%zu,", bulk->quarantined);
	buffer_append_string(body, "\"errors\":[");
	for (size_t i = 0; i < bulk->error_count; i++) {
		buffer_append_string(body, i == 0 ? "\n" : ",\n");
		append_error(body, &bulk->errors[i]);
	}
	buffer_append_string(body, "]");
	if (bulk->errors_omitted > 0)
		buffer_printf(body, ",\"errors_omitted\":%zu", bulk->errors_omitted);
	if (bulk->dry_run)
		buffer_append_string(body, ",\"dry_run\":true}\n");
	else
		buffer_printf(body, ",\"data_version\":%" PRId64 "}\n", bulk->data_version);
}

/* The problems of an atomic write as pointers into the array that was sent. */
static enum err refuse_all(const struct bulk *bulk, struct reply *reply)
{
	size_t rejected = bulk->counts[OUTCOME_REJECTED];

	for (size_t i = 0; i < bulk->error_count; i++) {
		const struct bulk_error *error = &bulk->errors[i];
		struct buffer pointer = {0};

		buffer_printf(&pointer, "/%zu", error->place.index);
		buffer_append_string(&pointer, error->problem.pointer);
		problems_add(&reply->problems, pointer.data, error->problem.code, "%s", error->problem.message);
		buffer_free(&pointer);
	}
	return reply_error(reply, ERR_VALIDATION_FAILED, "%zu of %zu items cannot be accepted; nothing was stored", rejected, bulk->next_index);
}

enum err bulk_finish(struct bulk *bulk, struct reply *reply)
{
	enum err err = flush(bulk);

	if (err != ERR_OK)
		return err;
	qsort(bulk->errors, bulk->error_count, sizeof *bulk->errors, compare_errors);
	if (bulk->atomic && bulk->counts[OUTCOME_REJECTED] > 0)
		return refuse_all(bulk, reply);
	append_answer(bulk, &reply->body);
	return ERR_OK;
}

void bulk_say_so_far(const struct bulk *bulk, struct buffer *detail)
{
	if (bulk->atomic || bulk->dry_run) {
		buffer_append_string(detail, "nothing was stored");
		return;
	}
	buffer_append_string(detail, "until then:");
	for (int i = 0; i < OUTCOME_COUNT; i++)
		buffer_printf(detail, " %s %zu%s", count_names[i], bulk->counts[i], i + 1 < OUTCOME_COUNT ? "," : "");
}
