/* Metrics and what they mean. The answers are statements; here is what may be asked. */
#include "metrics.h"

#include <stdio.h>

#include "checked.h"
#include "db.h"
#include "question.h"
#include "route.h"

const struct shape dictionary_params = {.name = "dictionary"};

static const struct field metric_fields[] = {
	QUESTION_GROUPS,
	QUESTION_TIME,
	QUESTION_COMPARE,
	QUESTION_TERMS,
	QUESTION_FILTERS,
	QUESTION_OPTIONS,
	QUESTION_METRIC_OPTIONS,
};
const struct shape metric_params = SHAPE("metric", metric_fields);

static const struct field metric_rows_fields[] = {
	QUESTION_GROUPS,
	QUESTION_TIME,
	QUESTION_COMPARE,
	QUESTION_TERMS,
	QUESTION_FILTERS,
	QUESTION_OPTIONS,
	QUESTION_METRIC_OPTIONS,
	{.name = "cursor", .type = FIELD_STRING, .summary = "next of the page before"},
	{.name = "limit", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000, .summary = "rows a page"},
};
const struct shape metric_rows_params = SHAPE("metric_rows", metric_rows_fields);

static const struct field leaderboard_fields[] = {
	QUESTION_WORD("by", "rep or team"),
	QUESTION_TIME,
	QUESTION_COMPARE,
	QUESTION_TERMS,
	QUESTION_FILTERS,
	QUESTION_OPTIONS,
	QUESTION_METRIC_OPTIONS,
};
const struct shape leaderboard_params = SHAPE("leaderboard", leaderboard_fields);

static const struct field metric_key = {.name = "key", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 200};
static const struct field query_fields[] = {
	{.name = "metrics", .type = FIELD_LIST, .required = true, .no_null = true, .element = &metric_key, .summary = "keys of metrics"},
	QUESTION_GROUPS,
	QUESTION_TIME,
	QUESTION_COMPARE,
	QUESTION_TERMS,
	QUESTION_FILTERS,
	QUESTION_OPTIONS,
	QUESTION_METRIC_OPTIONS,
};
const struct shape query_shape = SHAPE("question", query_fields);
const struct shape query_params = {.name = "query"};

/* The pointers of the problems found so far, as a JSON array. */
static void append_pointers(struct buffer *out, const struct problems *problems)
{
	buffer_append_string(out, "[");
	for (size_t i = 0; i < problems->count; i++) {
		buffer_append_string(out, i > 0 ? "," : "");
		buffer_append_json_string(out, text_of(problems->items[i].pointer));
	}
	buffer_append_string(out, "]");
}

static enum err ask(struct request *request, struct reply *reply, struct db_result **rows)
{
	struct buffer json = {0}, wrong = {0};
	struct db_param params[3];
	char org_id[16];
	enum err err;

	snprintf(org_id, sizeof org_id, "%d", request->who.org_id);
	request_to_json(request, &json);
	append_pointers(&wrong, &reply->problems);
	params[0] = (struct db_param){.text = text_of(org_id)};
	params[1] = (struct db_param){.text = buffer_text(&json)};
	params[2] = (struct db_param){.text = buffer_text(&wrong)};
	buffer_clear(&reply->detail);
	err = db_run(request->db, STATEMENT_metric_query, params, 3, DB_ONE, rows, &reply->problems, &reply->detail);
	buffer_free(&json);
	buffer_free(&wrong);
	return err;
}

/* Types, bounds and names are checked here, meaning in SQL; what both find is told together. */
enum err metrics_query(struct request *request, struct reply *reply)
{
	struct db_result *rows = NULL;
	enum err err = checked_body(request, reply, &query_shape, true);

	if (err == ERR_OK || err == ERR_VALIDATION_FAILED)
		err = ask(request, reply, &rows);
	if ((err == ERR_OK || err == ERR_VALIDATION_FAILED) && reply->problems.count > 0)
		err = reply_error(reply, ERR_VALIDATION_FAILED, "the question cannot be answered: %zu problem%s", reply->problems.count,
				  reply->problems.count == 1 ? "" : "s");
	if (err == ERR_OK)
		query_reply(request, rows, reply);
	db_result_free(rows);
	return err;
}
