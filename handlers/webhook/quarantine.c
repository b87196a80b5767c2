/* Replays: what lies in quarantine goes through the mapping of its source as it is now, and is written like a delivery. */
#include "quarantine.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "deliveries.h"
#include "json_scan.h"
#include "memory.h"
#include "route.h"

static const char *const statuses[] = {"open", "replayed", "discarded", "all", NULL};
static const char *const resync_statuses[] = {"open", "done", "all", NULL};

#define REASON {.name = "reason", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 100, .summary = "code it was refused for"}
#define SOURCE {.name = "source", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 100, .summary = "of this source only"}
#define CURSOR {.name = "cursor", .type = FIELD_STRING, .summary = "next of the page before"}

static const struct field list_fields[] = {
    REASON,
    SOURCE,
    {.name = "status", .type = FIELD_WORD, .words = statuses, .summary = "open when absent"},
    CURSOR,
    {.name = "limit", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000, .summary = "items a page"},
};
const struct shape quarantine_list_params = SHAPE("quarantine", list_fields);

static const struct field replay_fields[] = {
    REASON,
    SOURCE,
    CURSOR,
    {.name = "limit", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000, .summary = "items sent through by one call"},
};
const struct shape quarantine_replay_params = SHAPE("replay", replay_fields);

static const struct field resync_fields[] = {
    SOURCE,
    {.name = "status", .type = FIELD_WORD, .words = resync_statuses, .summary = "open when absent"},
    CURSOR,
    {.name = "limit", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000, .summary = "objects a page"},
};
const struct shape resync_list_params = SHAPE("resync", resync_fields);

/* Columns of STATEMENT_quarantine_take. */
enum { COLUMN_ID, COLUMN_SOURCE, COLUMN_FORM, COLUMN_PAYLOAD, COLUMN_ENCODING, COLUMN_HEADERS, COLUMN_REASON, COLUMN_OCCURRED, COLUMN_MORE };

struct entry {
	struct text source;
	struct buffer body;     /* when the payload is base64 */
	json_t *event;          /* when it is an event */
	struct intake *intake;
	bool written;
};

struct replay {
	struct request *request;
	struct reply *reply;
	struct db_result *rows;
	struct entry *entries;
	size_t count;
	size_t replayed;
};

/* ── one row ────────────────────────────────────────────────────────────────────────────────────── */

static struct text header_of(const void *context, const char *name, size_t nth)
{
	const json_t *kept = context;
	const json_t *value = json_object_get(kept, name);

	return nth == 0 && json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : (struct text){0};
}

/* Query parameters are kept among the headers, behind a question mark. */
static struct text query_of(const void *context, const char *name, size_t nth)
{
	struct buffer key = {0};
	struct text value;

	buffer_append_string(&key, "?");
	buffer_append_string(&key, name);
	value = header_of(context, key.data, nth);
	buffer_free(&key);
	return value;
}

static struct text payload_of(struct replay *replay, size_t row)
{
	struct text payload = db_value(replay->rows, row, COLUMN_PAYLOAD);
	struct buffer *body = &replay->entries[row].body;

	if (!text_equal(db_value(replay->rows, row, COLUMN_ENCODING), TEXT("base64")))
		return payload;
	buffer_reserve(body, payload.size + 1);
	if (sodium_base642bin((unsigned char *)body->data, payload.size + 1, payload.data, payload.size, NULL, &body->size, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0)
		body->size = 0;
	return (struct text){body->data, body->size};
}

static void map_row(struct replay *replay, size_t row, const struct known_source *known)
{
	struct text headers_text = db_value(replay->rows, row, COLUMN_HEADERS);
	json_t *headers = headers_text.data != NULL ? json_loadb(headers_text.data, headers_text.size, 0, NULL) : NULL;
	struct delivery delivery = {.method = TEXT("POST"), .url = TEXT(""), .body = payload_of(replay, row), .now_ms = clock_unix_ms(),
				    .header = header_of, .query = query_of, .context = headers};
	struct intake *intake = replay->entries[row].intake = intake_new(delivery.body);

	if (known != NULL && known->compiled != NULL)
		(void)delivery_read(known, &delivery, intake, NULL, NULL);
	else
		intake_add_aside(intake, 0, delivery.body, (struct text){0}, (struct text){0}, "no_source", "",
				 known == NULL ? "there is no such source any more" : "the document of the source is not sound");
	json_decref(headers);
}

static struct text string_member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : (struct text){0};
}

/* An event as pl.quarantine kept it. Somebody has looked at it: an id that was used before with other content is not held against it. */
static void read_event(struct replay *replay, size_t row)
{
	struct text payload = db_value(replay->rows, row, COLUMN_PAYLOAD);
	bool reused = text_equal(db_value(replay->rows, row, COLUMN_REASON), TEXT("event_id_reused"));
	json_t *event = replay->entries[row].event = json_loadb(payload.data, payload.size, JSON_DECODE_INT_AS_REAL, NULL);
	struct text sequence = json_member(payload, "source_seq");
	struct text occurred_at = string_member(event, "occurred_at");
	struct ingest_item item = {
	    .kind = string_member(event, "kind"),
	    .id = string_member(event, "id"),
	    .operation = string_member(event, "operation"),
	    .full = json_is_true(json_object_get(event, "full")),
	    .partial = true,
	    .occurred_at = occurred_at.data != NULL ? occurred_at : db_value(replay->rows, row, COLUMN_OCCURRED),
	    .event_id = reused ? (struct text){0} : string_member(event, "event_id"),
	    .source_seq = sequence.data != NULL ? strtoll(sequence.data, NULL, 10) : 0,
	    .patch = json_member(payload, "patch"),
	};

	replay->entries[row].intake = intake_new(payload);
	ingest_item_own(&item);
	intake_add_event(replay->entries[row].intake, 0, payload, &item);
}

/* ── all rows of one source ─────────────────────────────────────────────────────────────────────── */

static enum err read_source(struct replay *replay, struct text name_text, struct known_source **known)
{
	struct request *request = replay->request;
	struct buffer name = {0};
	enum err err;

	buffer_append_text(&name, name_text);
	err = registry_read(request->service->settings, request->db, request->who.org_id, name.data, (struct text){0}, known, NULL);
	buffer_free(&name);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err write_events(struct replay *replay, size_t first, const struct principal *who)
{
	size_t events = 0, at = 0;
	struct ingest_item **items;
	struct ingest_result *results;
	int64_t data_version;
	enum err err;

	for (size_t i = first; i < replay->count; i++)
		if (text_equal_string(replay->entries[i].source, who->source))
			events += intake_events(replay->entries[i].intake);
	items = memory_zeroed(events + 1, sizeof *items);
	results = memory_zeroed(events + 1, sizeof *results);
	for (size_t i = first; i < replay->count; i++)
		for (size_t k = 0; text_equal_string(replay->entries[i].source, who->source) && k < replay->entries[i].intake->count; k++)
			if (replay->entries[i].intake->parts[k].type == PART_EVENT)
				items[at++] = &replay->entries[i].intake->parts[k].item;
	err = ingest_write(replay->request->db, who, items, events, false, false, &data_version, results);
	at = 0;
	for (size_t i = first; err == ERR_OK && i < replay->count; i++)
		for (size_t k = 0; text_equal_string(replay->entries[i].source, who->source) && k < replay->entries[i].intake->count; k++)
			if (replay->entries[i].intake->parts[k].type == PART_EVENT)
				replay->entries[i].intake->parts[k].result = results[at++];
	free(items);
	free(results);
	return err;
}

static enum err write_source(struct replay *replay, size_t first)
{
	struct text name = replay->entries[first].source;
	struct principal who = {.org_id = replay->request->who.org_id};
	struct known_source *known = NULL;
	enum err err = read_source(replay, name, &known);

	if (err != ERR_OK)
		return err;
	memcpy(who.source, name.data, name.size < sizeof who.source ? name.size : sizeof who.source - 1);
	for (size_t i = first; i < replay->count; i++) {
		if (!text_equal(replay->entries[i].source, name))
			continue;
		replay->entries[i].written = true;
		if (text_equal(db_value(replay->rows, i, COLUMN_FORM), TEXT("event")))
			read_event(replay, i);
		else
			map_row(replay, i, known);
	}
	err = write_events(replay, first, &who);
	for (size_t i = first; err == ERR_OK && i < replay->count; i++)
		if (text_equal(replay->entries[i].source, name))
			err = intake_note_resync(replay->request->db, &who, &replay->entries[i].intake, 1);
	known_source_free(known);
	return err;
}

/* ── the end ────────────────────────────────────────────────────────────────────────────────────── */

/* Why a row stays open; NULL: nothing of it was refused. */
static const struct intake_part *refused_part(const struct intake *intake)
{
	for (size_t i = 0; i < intake->count; i++)
		if (intake_goes_aside(&intake->parts[i]))
			return &intake->parts[i];
	return NULL;
}

static enum err settle(struct replay *replay)
{
	struct db_array arrays[4] = {0};
	struct buffer json = {0};
	struct request *request = replay->request;
	char org_id[16];
	enum err err;

	for (size_t i = 0; i < replay->count; i++) {
		const struct intake_part *part = refused_part(replay->entries[i].intake);
		bool event = part != NULL && part->type == PART_EVENT;

		replay->replayed += part == NULL;
		db_array_add(&arrays[0], db_value(replay->rows, i, COLUMN_ID));
		db_array_add(&arrays[1], part == NULL ? (struct text){0} : event ? text_of(part->result.code) : part->code);
		db_array_add(&arrays[2], part == NULL ? (struct text){0} : event ? text_of(part->result.pointer) : part->pointer);
		db_array_add(&arrays[3], part == NULL ? (struct text){0} : event ? text_of(part->result.message) : part->message);
	}
	snprintf(org_id, sizeof org_id, "%d", request->who.org_id);
	request_to_json(request, &json);
	err = db_run(request->db, STATEMENT_quarantine_settle,
		     (struct db_param[]){{.text = text_of(org_id)}, {.text = buffer_text(&json)}, db_array_param(&arrays[0]),
					 db_array_param(&arrays[1]), db_array_param(&arrays[2]), db_array_param(&arrays[3])},
		     6, DB_NONE, NULL, NULL, NULL);
	for (int i = 0; i < 4; i++)
		db_array_free(&arrays[i]);
	buffer_free(&json);
	return err;
}

static void answer_one(const struct replay *replay)
{
	struct buffer *body = &replay->reply->body;

	buffer_append_string(body, "{\"id\":");
	buffer_append_text(body, db_value(replay->rows, 0, COLUMN_ID));
	buffer_printf(body, ",\"status\":\"%s\",", replay->replayed == 1 ? "replayed" : "open");
	intake_append_items(replay->entries[0].intake, body);
	buffer_append_string(body, "}\n");
}

/* The cursor is the number of the last row, as pl.number_cursor reads it. */
static void answer_page(const struct replay *replay)
{
	struct buffer *body = &replay->reply->body;
	size_t last = replay->count - 1;
	char cursor[48];

	buffer_printf(body, "{\"replayed\":%zu,\"still_open\":%zu,\"next\":", replay->replayed, replay->count - replay->replayed);
	if (replay->count > 0 && text_equal(db_value(replay->rows, last, COLUMN_MORE), TEXT("t"))) {
		struct text id = db_value(replay->rows, last, COLUMN_ID);

		sodium_bin2base64(cursor, sizeof cursor, (const unsigned char *)id.data, id.size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
		buffer_printf(body, "\"%s\"}\n", cursor);
	} else {
		buffer_append_string(body, "null}\n");
	}
}

static enum err work(struct replay *replay)
{
	enum err err = ERR_OK;

	replay->count = db_rows(replay->rows);
	replay->entries = memory_zeroed(replay->count + 1, sizeof *replay->entries);
	for (size_t i = 0; i < replay->count; i++)
		replay->entries[i].source = db_value(replay->rows, i, COLUMN_SOURCE);
	for (size_t i = 0; err == ERR_OK && i < replay->count; i++)
		if (!replay->entries[i].written)
			err = write_source(replay, i);
	return err == ERR_OK && replay->count > 0 ? settle(replay) : err;
}

static void release(struct replay *replay)
{
	for (size_t i = 0; replay->entries != NULL && i < replay->count; i++) {
		intake_free(replay->entries[i].intake);
		buffer_free(&replay->entries[i].body);
		json_decref(replay->entries[i].event);
	}
	free(replay->entries);
	db_result_free(replay->rows);
}

enum err quarantine_replay(struct request *request, struct reply *reply)
{
	struct replay replay = {.request = request, .reply = reply};
	struct buffer json = {0};
	char org_id[16];
	enum err err = db_begin(request->db);

	snprintf(org_id, sizeof org_id, "%d", request->who.org_id);
	request_to_json(request, &json);
	if (err == ERR_OK)
		err = db_run(request->db, STATEMENT_quarantine_take,
			     (struct db_param[]){{.text = text_of(org_id)}, {.text = buffer_text(&json)}}, 2, DB_MANY, &replay.rows,
			     &reply->problems, &reply->detail);
	if (err == ERR_OK)
		err = work(&replay);
	if (err == ERR_OK)
		err = db_commit(request->db);
	else if (db_in_transaction(request->db))
		db_rollback(request->db);
	if (err == ERR_OK && request->path_param_count > 0)
		answer_one(&replay);
	else if (err == ERR_OK)
		answer_page(&replay);
	release(&replay);
	buffer_free(&json);
	return err;
}
