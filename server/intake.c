#include "intake.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "memory.h"

struct intake *intake_new(struct text body)
{
	struct intake *intake = memory_zeroed(1, sizeof *intake);

	intake->body = body;
	return intake;
}

static void drop_parts(struct intake *intake)
{
	for (size_t i = 0; i < intake->count; i++) {
		ingest_item_free(&intake->parts[i].item);
		ingest_result_free(&intake->parts[i].result);
		buffer_free(&intake->parts[i].memory);
	}
	intake->count = 0;
}

void intake_free(struct intake *intake)
{
	if (intake == NULL)
		return;
	drop_parts(intake);
	free(intake->parts);
	buffer_free(&intake->headers);
	buffer_free(&intake->unpacked);
	free(intake);
}

static struct intake_part *add(struct intake *intake, enum part_type type, size_t index, struct text raw)
{
	struct intake_part *part;

	if (intake->count == intake->capacity) {
		intake->capacity = intake->capacity == 0 ? 16 : intake->capacity * 2;
		intake->parts = memory_grown(intake->parts, intake->capacity * sizeof *intake->parts);
	}
	part = &intake->parts[intake->count++];
	*part = (struct intake_part){.type = type, .index = index, .raw = raw};
	return part;
}

/* Copies texts into the part's memory and points them there. */
static void keep(struct intake_part *part)
{
	struct text *const texts[] = {&part->kind, &part->id, &part->code, &part->pointer, &part->message};
	size_t size = 0, count = sizeof texts / sizeof *texts;

	for (size_t i = 0; i < count; i++)
		size += texts[i]->size;
	buffer_reserve(&part->memory, size + 1); /* so that it does not move below */
	for (size_t i = 0; i < count; i++) {
		size_t start = part->memory.size;

		if (texts[i]->data == NULL)
			continue;
		buffer_append_text(&part->memory, *texts[i]);
		texts[i]->data = part->memory.data + start;
	}
}

struct intake_part *intake_add_event(struct intake *intake, size_t index, struct text raw, struct ingest_item *item)
{
	struct intake_part *part = add(intake, PART_EVENT, index, raw);

	part->item = *item;
	*item = (struct ingest_item){0};
	return part;
}

struct intake_part *intake_add_aside(struct intake *intake, size_t index, struct text raw, struct text kind, struct text id,
				     const char *code, const char *pointer, const char *message)
{
	struct intake_part *part = add(intake, PART_ASIDE, index, raw);

	part->kind = kind;
	part->id = id;
	part->code = text_of(code);
	part->pointer = text_of(pointer);
	part->message = text_of(message);
	keep(part);
	return part;
}

struct intake_part *intake_add_notice(struct intake *intake, size_t index, struct text raw, struct text kind, struct text id,
				      const char *message)
{
	struct intake_part *part = add(intake, PART_NOTICE, index, raw);

	part->kind = kind;
	part->id = id;
	part->message = text_of(message);
	keep(part);
	return part;
}

struct intake_part *intake_add_ignored(struct intake *intake, size_t index, struct text raw, const char *message)
{
	struct intake_part *part = add(intake, PART_IGNORED, index, raw);

	part->message = text_of(message);
	keep(part);
	return part;
}

void intake_set_aside_whole(struct intake *intake, const char *code, const char *message)
{
	drop_parts(intake);
	intake_add_aside(intake, 0, intake->body, (struct text){0}, (struct text){0}, code, "", message);
}

size_t intake_events(const struct intake *intake)
{
	size_t count = 0;

	for (size_t i = 0; i < intake->count; i++)
		count += intake->parts[i].type == PART_EVENT;
	return count;
}

/* ── quarantine ─────────────────────────────────────────────────────────────────────────────────── */

static bool is_inside(struct text outer, struct text inner)
{
	return inner.data >= outer.data && inner.data + inner.size <= outer.data + outer.size;
}

void intake_payload(const struct intake *intake, const struct intake_part *part, struct buffer *out)
{
	struct text body = intake->body, first = intake->parts[0].raw, last = intake->parts[intake->count - 1].raw;

	/* Items stand in the body one after another: what is before the first and behind the last is common to all. */
	if (!is_inside(body, first) || !is_inside(body, last) || !is_inside(body, part->raw)) {
		buffer_append_text(out, part->raw);
		return;
	}
	buffer_append(out, body.data, (size_t)(first.data - body.data));
	buffer_append_text(out, part->raw);
	buffer_append(out, last.data + last.size, (size_t)(body.data + body.size - (last.data + last.size)));
}

enum { ASIDE_REASON, ASIDE_POINTER, ASIDE_MESSAGE, ASIDE_KIND, ASIDE_ID, ASIDE_EVENT_ID, ASIDE_OCCURRED_AT, ASIDE_PAYLOAD,
       ASIDE_ENCODING, ASIDE_HEADERS, ASIDE_COUNT };

static bool is_refused(const struct intake_part *part)
{
	return part->type == PART_EVENT && part->result.outcome == OUTCOME_REJECTED;
}

static void add_base64(struct db_array *array, struct text bytes)
{
	size_t size = sodium_base64_encoded_len(bytes.size, sodium_base64_VARIANT_ORIGINAL);
	char *encoded = memory_take(size);

	sodium_bin2base64(encoded, size, (const unsigned char *)bytes.data, bytes.size, sodium_base64_VARIANT_ORIGINAL);
	db_array_add(array, text_of(encoded));
	free(encoded);
}

static void add_payload(struct db_array *arrays, const struct intake *intake, const struct intake_part *part)
{
	struct buffer payload = {0};

	buffer_append_string(&payload, "");
	intake_payload(intake, part, &payload);
	if (text_is_clean_utf8(buffer_text(&payload))) {
		db_array_add(&arrays[ASIDE_PAYLOAD], buffer_text(&payload));
		db_array_add(&arrays[ASIDE_ENCODING], TEXT("text"));
	} else {
		add_base64(&arrays[ASIDE_PAYLOAD], buffer_text(&payload));
		db_array_add(&arrays[ASIDE_ENCODING], TEXT("base64"));
	}
	db_array_add(&arrays[ASIDE_HEADERS], intake->headers.size > 0 ? buffer_text(&intake->headers) : (struct text){0});
	buffer_free(&payload);
}

/* What stands in an answer or in the database of a text that may hold anything. */
static struct text clean(struct text text)
{
	return text_is_clean_utf8(text) ? text : (struct text){0};
}

static void add_aside(struct db_array *arrays, const struct intake *intake, const struct intake_part *part)
{
	const struct ingest_item *item = &part->item;
	bool refused = is_refused(part);

	db_array_add(&arrays[ASIDE_REASON], refused ? text_of(part->result.code) : part->code);
	db_array_add(&arrays[ASIDE_POINTER], refused ? text_of(part->result.pointer) : clean(part->pointer));
	db_array_add(&arrays[ASIDE_MESSAGE], refused ? text_of(part->result.message) : clean(part->message));
	db_array_add(&arrays[ASIDE_KIND], refused ? item->kind : part->kind);
	db_array_add(&arrays[ASIDE_ID], refused ? item->id : clean(part->id));
	db_array_add(&arrays[ASIDE_EVENT_ID], refused ? item->event_id : (struct text){0});
	db_array_add(&arrays[ASIDE_OCCURRED_AT], refused ? item->occurred_at : (struct text){0});
	add_payload(arrays, intake, part);
}

bool intake_goes_aside(const struct intake_part *part)
{
	return part->type == PART_ASIDE || is_refused(part);
}

static enum err read_ids(const struct db_result *rows, struct intake *const *intakes, size_t count)
{
	size_t row = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < intakes[i]->count; k++)
			if (intake_goes_aside(&intakes[i]->parts[k])) {
				if (row == db_rows(rows))
					return ERR_INTERNAL;
				intakes[i]->parts[k].quarantine_id = strtoll(db_value(rows, row++, 1).data, NULL, 10);
			}
	return ERR_OK;
}

static enum err put_aside(struct db *db, const struct principal *who, struct intake *const *intakes, size_t count)
{
	struct db_array arrays[ASIDE_COUNT] = {0};
	struct db_param params[2 + ASIDE_COUNT] = {0};
	struct db_result *rows = NULL;
	char org_id[16];
	enum err err = ERR_OK;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < intakes[i]->count; k++)
			if (intake_goes_aside(&intakes[i]->parts[k]))
				add_aside(arrays, intakes[i], &intakes[i]->parts[k]);
	if (arrays[0].count > 0) {
		snprintf(org_id, sizeof org_id, "%d", who->org_id);
		params[0].text = text_of(org_id);
		params[1].text = text_of(who->source);
		for (int i = 0; i < ASIDE_COUNT; i++)
			params[2 + i] = db_array_param(&arrays[i]);
		err = db_run(db, STATEMENT_quarantine_put, params, 2 + ASIDE_COUNT, DB_MANY, &rows, NULL, NULL);
	}
	if (err == ERR_OK && rows != NULL)
		err = read_ids(rows, intakes, count);
	db_result_free(rows);
	for (int i = 0; i < ASIDE_COUNT; i++)
		db_array_free(&arrays[i]);
	return err;
}

enum err intake_note_resync(struct db *db, const struct principal *who, struct intake *const *intakes, size_t count)
{
	struct db_array kinds = {0}, ids = {0}, reasons = {0};
	char org_id[16];
	enum err err = ERR_OK;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < intakes[i]->count; k++) {
			const struct intake_part *part = &intakes[i]->parts[k];

			if (part->type != PART_NOTICE)
				continue;
			db_array_add(&kinds, part->kind);
			db_array_add(&ids, part->id.data != NULL ? part->id : TEXT(""));
			db_array_add(&reasons, part->message.data != NULL ? part->message : TEXT(""));
		}
	if (kinds.count > 0) {
		snprintf(org_id, sizeof org_id, "%d", who->org_id);
		err = db_run(db, STATEMENT_resync_put,
			     (struct db_param[]){{.text = text_of(org_id)},
						 {.text = text_of(who->source)},
						 db_array_param(&kinds),
						 db_array_param(&ids),
						 db_array_param(&reasons)},
			     5, DB_NONE, NULL, NULL, NULL);
	}
	db_array_free(&kinds);
	db_array_free(&ids);
	db_array_free(&reasons);
	return err;
}

enum err intake_settle(struct db *db, const struct principal *who, struct intake *const *intakes, size_t count)
{
	enum err err = put_aside(db, who, intakes, count);

	return err == ERR_OK ? intake_note_resync(db, who, intakes, count) : err;
}

/* ── the answer ─────────────────────────────────────────────────────────────────────────────────── */

struct intake_counts intake_count(const struct intake *intake)
{
	struct intake_counts counts = {0};

	for (size_t i = 0; i < intake->count; i++) {
		const struct intake_part *part = &intake->parts[i];

		counts.quarantined += intake_goes_aside(part);
		counts.accepted += part->type == PART_EVENT && !is_refused(part);
		counts.notices += part->type == PART_NOTICE;
		counts.ignored += part->type == PART_IGNORED;
	}
	return counts;
}

static void append_text(struct buffer *body, const char *name, struct text value)
{
	if (value.data == NULL)
		return;
	buffer_printf(body, ",\"%s\":", name);
	buffer_append_json_string(body, value);
}

static const char *outcome_word(const struct intake_part *part)
{
	if (intake_goes_aside(part))
		return "quarantined";
	switch (part->type) {
	case PART_EVENT:
		return ingest_outcome_word(part->result.outcome);
	case PART_NOTICE:
		return "resync";
	case PART_ASIDE:
	case PART_IGNORED:
		break;
	}
	return "ignored";
}

static void append_part(const struct intake_part *part, struct buffer *body)
{
	bool event = part->type == PART_EVENT, refused = is_refused(part);

	buffer_printf(body, "{\"index\":%zu,\"outcome\":\"%s\"", part->index, outcome_word(part));
	append_text(body, "kind", event ? part->item.kind : part->kind);
	append_text(body, "id", event ? part->item.id : part->id);
	if (event)
		append_text(body, "event_id", text_of(part->result.event_id));
	append_text(body, "code", refused ? text_of(part->result.code) : part->code);
	append_text(body, "pointer", refused ? text_of(part->result.pointer) : part->pointer);
	append_text(body, "message", refused ? text_of(part->result.message) : part->message);
	if (part->quarantine_id != 0)
		buffer_printf(body, ",\"quarantine_id\":%" PRId64, part->quarantine_id);
	buffer_append_string(body, "}");
}

void intake_append_items(const struct intake *intake, struct buffer *body)
{
	buffer_append_string(body, "\"items\":[");
	for (size_t i = 0; i < intake->count; i++) {
		buffer_append_string(body, i == 0 ? "\n" : ",\n");
		append_part(&intake->parts[i], body);
	}
	buffer_append_string(body, "]");
}

void intake_reply(const struct intake *intake, struct reply *reply)
{
	struct intake_counts counts = intake_count(intake);

	buffer_clear(&reply->body);
	buffer_printf(&reply->body, "{\"accepted\":%zu,\"quarantined\":%zu,\"ignored\":%zu,", counts.accepted, counts.quarantined,
		      counts.ignored + counts.notices);
	intake_append_items(intake, &reply->body);
	buffer_append_string(&reply->body, "}\n");
	reply->status = 200;
}
