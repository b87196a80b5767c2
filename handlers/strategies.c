/* Strategies: the document is checked whole here, so that one answer names every problem; all else is statements. */
#include "strategies.h"

#include "db.h"
#include "route.h"
#include "strategy_check.h"

static const char *const statuses[] = {"draft", "publishing", "published", NULL};

static const struct field list_fields[] = {
    {.name = "effective_at", .type = FIELD_DATE_OR_DATETIME, .summary = "those in force for somebody then; a day: at its start"},
    {.name = "status", .type = FIELD_WORD, .words = statuses, .summary = "drafts, published ones, or the one a job is publishing only"},
    {.name = "cursor", .type = FIELD_STRING, .summary = "next of the page before"},
    {.name = "limit", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000, .summary = "strategies a page"},
};
const struct shape strategy_list_params = SHAPE("strategies", list_fields);

static const struct field diff_fields[] = {
    {.name = "against", .type = FIELD_ID, .summary = "the other strategy; the one in force now when absent"},
};
const struct shape strategy_diff_params = SHAPE("diff", diff_fields);

/* Checks the document in the body; ERR_OK when it can be stored. */
static enum err check_document(struct request *request, struct reply *reply)
{
	const char *code, *message;
	json_t *document = json_parse_strict(request->body, &code, &message);
	enum err err = ERR_OK;

	if (document == NULL) {
		problems_add(&reply->problems, "", code, "%s", message);
		return reply_error(reply, ERR_INVALID_JSON, "%s", message);
	}
	if (!strategy_check(document, request->body, &reply->problems))
		err = reply_error(reply, ERR_VALIDATION_FAILED, "the strategy document cannot be accepted: %zu problem%s",
				  reply->problems.count, reply->problems.count == 1 ? "" : "s");
	json_decref(document);
	return err;
}

enum err strategy_post(struct request *request, struct reply *reply)
{
	struct db_result *rows = NULL;
	struct buffer location = {0};
	enum err err = check_document(request, reply);

	if (err == ERR_OK)
		err = query_ask(request, reply, STATEMENT_strategy_create, &rows);
	if (err == ERR_OK) {
		reply->status = 201;
		buffer_append_text(&reply->body, db_value(rows, 0, 0));
		buffer_append_string(&location, "/v1/strategies/");
		buffer_append_text(&location, db_value(rows, 0, 1));
		reply_header(reply, "Location", location.data);
	}
	db_result_free(rows);
	buffer_free(&location);
	return err;
}

enum err strategy_put(struct request *request, struct reply *reply)
{
	enum err err = check_document(request, reply);

	return err == ERR_OK ? query_run(request, reply) : err;
}
