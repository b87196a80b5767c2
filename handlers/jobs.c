/* Jobs: asked for, and begun. What they do is SQL; who does it is server/job_runner.c. */
#include "jobs.h"

#include "db.h"
#include "route.h"

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

enum err job_or_answer(struct request *request, struct reply *reply)
{
	struct db_result *rows = NULL;
	struct buffer location = {0};
	enum err err = query_ask(request, reply, request->route->statement, &rows);
	struct text job = err == ERR_OK ? db_value(rows, 0, 1) : (struct text){0};

	if (err != ERR_OK)
		return err;
	buffer_append_text(&reply->body, db_value(rows, 0, 0));
	if (job.data != NULL) {
		reply->status = 202;
		buffer_append_string(&location, "/v1/jobs/");
		buffer_append_text(&location, job);
		reply_header(reply, "Location", location.data);
	}
	buffer_free(&location);
	db_result_free(rows);
	return ERR_OK;
}
