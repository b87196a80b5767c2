#include "ingest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "memory.h"

/* Columns of STATEMENT_ingest and STATEMENT_ingest_each. */
enum { COLUMN_INDEX, COLUMN_OUTCOME, COLUMN_EVENT_ID, COLUMN_OCCURRED_AT, COLUMN_CODE, COLUMN_POINTER, COLUMN_MESSAGE,
       COLUMN_QUARANTINED, COLUMN_DATA_VERSION, COLUMN_CHANGES = COLUMN_QUARANTINED /* of STATEMENT_source_try */ };

enum { ARRAY_KIND, ARRAY_ID, ARRAY_OPERATION, ARRAY_FULL, ARRAY_STRICT, ARRAY_OCCURRED_AT, ARRAY_EVENT_ID, ARRAY_PATCH,
       ARRAY_SOURCE_SEQ, ARRAY_COUNT };

static const char *const outcome_words[OUTCOME_COUNT] = {
    [OUTCOME_ACCEPTED] = "accepted",   [OUTCOME_DUPLICATE] = "duplicate", [OUTCOME_STALE] = "stale",
    [OUTCOME_UNCHANGED] = "unchanged", [OUTCOME_REJECTED] = "rejected",
};

const char *ingest_outcome_word(enum outcome outcome)
{
	return outcome_words[outcome];
}

void ingest_item_own(struct ingest_item *item)
{
	struct text *const texts[] = {&item->id, &item->operation, &item->occurred_at, &item->event_id, &item->patch};
	size_t size = 0, count = sizeof texts / sizeof *texts;

	for (size_t i = 0; i < count; i++)
		size += texts[i]->size;
	buffer_reserve(&item->memory, size); /* so that it does not move below */
	for (size_t i = 0; i < count; i++) {
		size_t start = item->memory.size;

		if (texts[i]->data == NULL)
			continue;
		buffer_append_text(&item->memory, *texts[i]);
		texts[i]->data = item->memory.data + start;
	}
}

void ingest_item_free(struct ingest_item *item)
{
	if (item == NULL)
		return;
	buffer_free(&item->memory);
	*item = (struct ingest_item){0};
}

void ingest_result_free(struct ingest_result *result)
{
	if (result == NULL)
		return;
	free(result->event_id);
	free(result->occurred_at);
	free(result->code);
	free(result->pointer);
	free(result->message);
	*result = (struct ingest_result){0};
}

/* The parallel arrays of the statement; made once, used for both tries. */
struct batch {
	struct db_array arrays[ARRAY_COUNT];
	char org_id[16];
	const char *source;
	size_t count;
};

static struct text strictness(const struct ingest_item *item)
{
	if (item->partial)
		return TEXT("p");
	return item->strict ? TEXT("t") : TEXT("f");
}

static void batch_make(struct batch *batch, const struct principal *who, struct ingest_item *const *items, size_t count)
{
	snprintf(batch->org_id, sizeof batch->org_id, "%d", who->org_id);
	batch->source = who->source;
	batch->count = count;
	for (size_t i = 0; i < count; i++) {
		const struct ingest_item *item = items[i];
		char source_seq[24];

		snprintf(source_seq, sizeof source_seq, "%" PRId64, item->source_seq);
		db_array_add(&batch->arrays[ARRAY_KIND], item->kind);
		db_array_add(&batch->arrays[ARRAY_ID], item->id);
		db_array_add(&batch->arrays[ARRAY_OPERATION], item->operation);
		db_array_add(&batch->arrays[ARRAY_FULL], item->full ? TEXT("t") : TEXT("f"));
		db_array_add(&batch->arrays[ARRAY_STRICT], strictness(item));
		db_array_add(&batch->arrays[ARRAY_OCCURRED_AT], item->occurred_at);
		db_array_add(&batch->arrays[ARRAY_EVENT_ID], item->event_id);
		db_array_add(&batch->arrays[ARRAY_PATCH], item->patch);
		db_array_add(&batch->arrays[ARRAY_SOURCE_SEQ], item->source_seq != 0 ? text_of(source_seq) : (struct text){0});
	}
}

static void batch_free(struct batch *batch)
{
	for (int i = 0; i < ARRAY_COUNT; i++)
		db_array_free(&batch->arrays[i]);
}

static enum err batch_run(struct db *db, struct batch *batch, enum statement statement, struct db_result **rows)
{
	struct db_param params[2 + ARRAY_COUNT] = {{.text = text_of(batch->org_id)}, {.text = text_of(batch->source)}};

	for (int i = 0; i < ARRAY_COUNT; i++)
		params[2 + i] = db_array_param(&batch->arrays[i]);
	return db_run(db, statement, params, 2 + ARRAY_COUNT, DB_MANY, rows, NULL, NULL);
}

bool ingest_is_of_the_data(enum err err)
{
	return err != ERR_OK && error_info(err)->status != 503;
}

static enum err write_rows(struct db *db, struct batch *batch, struct db_result **rows)
{
	bool inside = db_in_transaction(db);
	enum err err = inside ? db_savepoint(db) : ERR_OK;

	if (err == ERR_OK)
		err = batch_run(db, batch, STATEMENT_ingest, rows);
	/* Item by item, only the one item at fault comes to harm. */
	if (!ingest_is_of_the_data(err))
		return err;
	err = inside ? db_rollback_to_savepoint(db) : ERR_OK;
	return err == ERR_OK ? batch_run(db, batch, STATEMENT_ingest_each, rows) : err;
}

static char *copy(struct text text)
{
	char *made;

	if (text.data == NULL)
		return NULL;
	made = memory_string_of(text.data, text.size);
	return made;
}

static enum outcome outcome_of(struct text word)
{
	for (int i = 0; i < OUTCOME_COUNT; i++)
		if (text_equal_string(word, outcome_words[i]))
			return (enum outcome)i;
	return OUTCOME_COUNT;
}

/* What both kinds of rows begin with. */
static struct ingest_result read_result(const struct db_result *rows, size_t row)
{
	return (struct ingest_result){
	    .outcome = outcome_of(db_value(rows, row, COLUMN_OUTCOME)),
	    .event_id = copy(db_value(rows, row, COLUMN_EVENT_ID)),
	    .occurred_at = copy(db_value(rows, row, COLUMN_OCCURRED_AT)),
	    .code = copy(db_value(rows, row, COLUMN_CODE)),
	    .pointer = copy(db_value(rows, row, COLUMN_POINTER)),
	    .message = copy(db_value(rows, row, COLUMN_MESSAGE)),
	};
}

/* True when the answer is a row an item, in their order. */
static bool is_row_an_item(const struct db_result *rows, size_t count)
{
	if (db_rows(rows) != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (strtoull(db_value(rows, i, COLUMN_INDEX).data, NULL, 10) != i ||
		    outcome_of(db_value(rows, i, COLUMN_OUTCOME)) == OUTCOME_COUNT)
			return false;
	return true;
}

static bool read_results(const struct db_result *rows, size_t count, int64_t *data_version, struct ingest_result *results)
{
	if (!is_row_an_item(rows, count))
		return false;
	for (size_t i = 0; i < count; i++) {
		results[i] = read_result(rows, i);
		results[i].quarantined = text_equal_string(db_value(rows, i, COLUMN_QUARANTINED), "t");
	}
	*data_version = strtoll(db_value(rows, count - 1, COLUMN_DATA_VERSION).data, NULL, 10);
	return true;
}

static bool any_rejected(const struct ingest_result *results, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (results[i].outcome == OUTCOME_REJECTED)
			return true;
	return false;
}

enum err ingest_write(struct db *db, const struct principal *who, struct ingest_item *const *items, size_t count,
		      bool dry_run, bool atomic, int64_t *data_version, struct ingest_result *results)
{
	bool own = (dry_run || atomic) && !db_in_transaction(db);
	struct batch batch = {0};
	struct db_result *rows = NULL;
	enum err err = ERR_OK;

	if (count == 0) {
		*data_version = 0;
		return ERR_OK;
	}
	batch_make(&batch, who, items, count);
	if (own)
		err = db_begin(db);
	if (err == ERR_OK)
		err = write_rows(db, &batch, &rows);
	if (err == ERR_OK && !read_results(rows, count, data_version, results))
		err = ERR_INTERNAL;
	if (own && (err != ERR_OK || dry_run || any_rejected(results, count)))
		db_rollback(db);
	else if (own)
		err = db_commit(db);
	db_result_free(rows);
	batch_free(&batch);
	return err;
}

enum err ingest_try(struct db *db, const struct principal *who, struct ingest_item *const *items, size_t count,
		    struct ingest_result *results, char **changes)
{
	struct batch batch = {0};
	struct db_result *rows = NULL;
	enum err err = db_begin(db);

	batch_make(&batch, who, items, count);
	if (err == ERR_OK)
		err = batch_run(db, &batch, STATEMENT_source_try, &rows);
	if (err == ERR_OK && !is_row_an_item(rows, count))
		err = ERR_INTERNAL;
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		results[i] = read_result(rows, i);
		changes[i] = copy(db_value(rows, i, COLUMN_CHANGES));
	}
	db_rollback(db);
	db_result_free(rows);
	batch_free(&batch);
	return err;
}

static enum err refuse_single(const struct ingest_result *result, struct reply *reply)
{
	const char *code = result->code != NULL ? result->code : "invalid";
	const char *message = result->message != NULL ? result->message : "the event cannot be stored";
	enum err err = ERR_VALIDATION_FAILED;

	if (strcmp(code, error_info(ERR_EVENT_ID_REUSED)->code) == 0)
		err = ERR_EVENT_ID_REUSED;
	else if (strcmp(code, "unknown_object") == 0)
		err = ERR_NOT_FOUND; /* the address names nothing: that is what a client asks a 404 for */
	problems_add(&reply->problems, result->pointer != NULL ? result->pointer : "", code, "%s", message);
	return reply_error(reply, err, "%s%s", message, result->quarantined ? " The event is kept in quarantine." : "");
}

static void append_member(struct buffer *body, const char *name, struct text value)
{
	buffer_printf(body, "\"%s\":", name);
	if (value.data != NULL)
		buffer_append_json_string(body, value);
	else
		buffer_append_string(body, "null");
	buffer_append_string(body, ",");
}

enum err ingest_reply_single(const struct ingest_result *result, const struct ingest_item *item, int64_t data_version, struct reply *reply)
{
	struct buffer *body = &reply->body;

	if (result->outcome == OUTCOME_REJECTED)
		return refuse_single(result, reply);
	buffer_clear(body);
	buffer_append_string(body, "{");
	append_member(body, "id", item->id);
	append_member(body, "event_id", text_of(result->event_id));
	append_member(body, "occurred_at", text_of(result->occurred_at));
	append_member(body, "outcome", text_of(outcome_words[result->outcome]));
	buffer_printf(body, "\"data_version\":%" PRId64, data_version);
	for (int i = 0; i < OUTCOME_COUNT; i++)
		buffer_printf(body, ",\"%s\":%d", outcome_words[i], i == (int)result->outcome);
	buffer_append_string(body, ",\"errors\":[]}\n");
	reply->status = 200;
	return ERR_OK;
}
