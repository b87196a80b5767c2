/* Jobs: asked for, and begun. What they do is SQL; who does it is server/job_runner.c. */
#include "jobs.h"

#include <stdio.h>
#include <time.h>

#include "clock.h"
#include "db.h"
#include "ready.h"
#include "route.h"
#include "service.h"

enum { WAIT_MAX_S = 20, WAIT_STEP_MS = 50 };

static const char *const statuses[] = {"queued", "running", "done", "failed", NULL};
static const char *const kinds[] = {"publish", "settings", "rebuild", NULL};

static const struct field list_fields[] = {
    {.name = "status", .type = FIELD_WORD, .words = statuses, .summary = "jobs in this state only"},
    {.name = "kind", .type = FIELD_WORD, .words = kinds, .summary = "jobs of this kind only"},
    {.name = "object", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 300, .summary = "such as strategy/s3"},
    {.name = "cursor", .type = FIELD_STRING, .summary = "next of the page before"},
    {.name = "limit", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000, .summary = "jobs a page"},
};
const struct shape job_list_params = SHAPE("jobs", list_fields);

static const struct field begin_fields[] = {
    {.name = "async", .type = FIELD_BOOLEAN, .summary = "true: do not wait for the end; publishing is then a job, however little there is to judge"},
};
const struct shape job_begin_params = SHAPE("begin", begin_fields);

/* Where the job of a request stands: what to answer when it is done, and the job when it is finished. */
static enum err ask_outcome(struct request *request, struct reply *reply, struct text job, struct db_result **rows)
{
	struct buffer json = {0};
	struct db_param params[3];
	char org_id[16];
	enum err err;

	snprintf(org_id, sizeof org_id, "%d", request->who.org_id);
	request_to_json(request, &json);
	params[0] = (struct db_param){.text = text_of(org_id)};
	params[1] = (struct db_param){.text = buffer_text(&json)};
	params[2] = (struct db_param){.text = job};
	err = db_run(request->db, STATEMENT_job_outcome, params, 3, DB_ONE, rows, &reply->problems, &reply->detail);
	buffer_free(&json);
	return err;
}

/* Waits for a job as long as a client would for an answer. ERR_OK with rows NULL: it is not finished yet. There is one unfinished job
 * an organisation, so one worker at most waits for it. */
static enum err wait_for(struct request *request, struct reply *reply, struct text job, struct db_result **rows)
{
	int64_t until_ns = clock_monotonic_ns() + WAIT_MAX_S * INT64_C(1000000000);
	const struct timespec nap = {.tv_nsec = WAIT_STEP_MS * 1000000L};

	*rows = NULL;
	while (ready_state(request->service->ready) != READY_DRAINING && clock_monotonic_ns() < until_ns) {
		enum err err = ask_outcome(request, reply, job, rows);

		if (err != ERR_OK || db_value(*rows, 0, 1).data != NULL)
			return err;
		db_result_free(*rows);
		*rows = NULL;
		nanosleep(&nap, NULL);
	}
	return ERR_OK;
}

static void answer_job(struct reply *reply, struct text document, struct text id)
{
	struct buffer location = {0};

	buffer_append_text(&reply->body, document);
	reply->status = 202;
	buffer_append_string(&location, "/v1/jobs/");
	buffer_append_text(&location, id);
	reply_header(reply, "Location", location.data);
	buffer_free(&location);
}

enum err job_or_answer(struct request *request, struct reply *reply)
{
	bool async = text_equal_string(request_query(request, "async"), "true");
	struct db_result *rows = NULL, *outcome = NULL;
	enum err err = query_ask(request, reply, request->route->statement, &rows);
	struct text job = err == ERR_OK ? db_value(rows, 0, 1) : (struct text){0};

	if (err != ERR_OK)
		return err;
	if (job.data != NULL && !async)
		err = wait_for(request, reply, job, &outcome);
	/* What was begun goes on whatever became of the waiting. */
	if (job.data == NULL)
		buffer_append_text(&reply->body, db_value(rows, 0, 0));
	else if (err != ERR_OK || outcome == NULL)
		answer_job(reply, db_value(rows, 0, 0), job);
	else if (db_value(outcome, 0, 0).data == NULL)
		answer_job(reply, db_value(outcome, 0, 1), job);
	else
		buffer_append_text(&reply->body, db_value(outcome, 0, 0));
	db_result_free(outcome);
	db_result_free(rows);
	return ERR_OK;
}

enum err job_events(struct request *request, struct reply *reply)
{
	struct db_result *rows = NULL;
	enum err err = query_ask(request, reply, request->route->statement, &rows);

	db_result_free(rows);
	if (err == ERR_NOT_FOUND)
		reply_error(reply, err, "there is no job \"%.*s\"", (int)request->path_params[0].size, request->path_params[0].data);
	reply->content_type = "text/event-stream; charset=utf-8";
	reply->no_store = true;
	reply_header(reply, "X-Accel-Buffering", "no"); /* nginx would hold events back */
	return err;
}
