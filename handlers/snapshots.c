#include "snapshots.h"

#include <string.h>

#include "db.h"
#include "metrics.h"
#include "route.h"

static const char *const forms[] = {"metric", "alignment", "query", NULL};

static const struct field list_fields[] = {
    {.name = "of", .type = FIELD_WORD, .words = forms, .summary = "snapshots of this form only"},
    {.name = "cursor", .type = FIELD_STRING, .summary = "next of the page before"},
    {.name = "limit", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000, .summary = "snapshots a page"},
};
const struct shape snapshot_list_params = SHAPE("snapshots", list_fields);

static const struct field fields[] = {
    {.name = "name", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 200, .summary = "for people"},
    {.name = "of", .type = FIELD_WORD, .required = true, .no_null = true, .words = forms, .summary = "what kind of question"},
    {.name = "metric", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 200, .summary = "key, of a snapshot of a metric"},
    {.name = "question", .type = FIELD_ANY, .summary = "the parameters of the question"},
};
static const struct shape shape = SHAPE("snapshot", fields);

static bool is_form(const json_t *body, const char *form)
{
	const char *value = json_string_value(json_object_get(body, "of"));

	return value != NULL && strcmp(value, form) == 0;
}

/* What each form takes: the metric's key, and the parameters that its GET takes. */
static void check_question(const json_t *body, struct problems *problems)
{
	const json_t *question = json_object_get(body, "question"), *metric = json_object_get(body, "metric");

	if (is_form(body, "metric") && metric == NULL)
		problems_add(problems, "/metric", "required", "the key of the metric");
	if (!is_form(body, "metric") && metric != NULL)
		problems_add(problems, "/metric", "not_applicable", "only a snapshot of a metric names one");
	if (question == NULL || json_is_null(question)) {
		if (is_form(body, "query"))
			problems_add(problems, "/question", "required", "what POST /v1/query takes");
		return;
	}
	if (!json_is_object(question)) {
		problems_add(problems, "/question", "wrong_type", "must be an object");
		return;
	}
	if (is_form(body, "metric"))
		shape_check(&metric_params, question, "/question", false, problems);
	else if (is_form(body, "alignment"))
		shape_check(&alignment_params, question, "/question", false, problems);
	else if (is_form(body, "query"))
		shape_check(&query_shape, question, "/question", true, problems);
}

static enum err check(struct request *request, struct reply *reply)
{
	const char *code, *message;
	json_t *body = json_parse_strict(request->body, &code, &message);
	enum err err = ERR_OK;

	if (body == NULL) {
		problems_add(&reply->problems, "", code, "%s", message);
		return reply_error(reply, ERR_INVALID_JSON, "%s", message);
	}
	if (!json_is_object(body)) {
		problems_add(&reply->problems, "", "wrong_type", "must be an object");
	} else {
		shape_check_text(&shape, body, request->body, "", true, &reply->problems);
		check_question(body, &reply->problems);
	}
	if (reply->problems.count > 0)
		err = reply_error(reply, ERR_VALIDATION_FAILED, "the snapshot cannot be accepted: %zu problem%s", reply->problems.count,
				  reply->problems.count == 1 ? "" : "s");
	json_decref(body);
	return err;
}

enum err snapshot_post(struct request *request, struct reply *reply)
{
	struct db_result *rows = NULL;
	struct buffer location = {0};
	enum err err = check(request, reply);

	if (err == ERR_OK)
		err = query_ask(request, reply, request->route->statement, &rows);
	if (err == ERR_OK) {
		reply->status = 201;
		buffer_append_text(&reply->body, db_value(rows, 0, 0));
		buffer_append_string(&location, "/v1/snapshots/");
		buffer_append_text(&location, db_value(rows, 0, 1));
		reply_header(reply, "Location", location.data);
	}
	db_result_free(rows);
	buffer_free(&location);
	return err;
}
