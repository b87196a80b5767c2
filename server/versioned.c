/* Reads whose answer depends on the versions of an organisation: all that wait share one look at the versions, which makes
 * repeats cheap and still never shows anyone an answer older than what was committed before they asked. */
#include <stdio.h>
#include <string.h>

#include "pool.h"
#include "route.h"

enum { ORGS_MAX = 64 }; /* organisations of one batch whose versions are remembered; further ones are asked for again */

/* The versions of the organisations in a batch, as they come up; primary and standby may differ. */
struct seen {
	const struct db *db;
	int org_id;
	enum err err;
	struct db_result *row;
	struct cache_version version;
};

struct versions {
	struct seen seen[ORGS_MAX];
	size_t count;
};

static void ask_version(struct db *db, int org_id, struct seen *seen)
{
	char text[16];

	*seen = (struct seen){.db = db, .org_id = org_id};
	snprintf(text, sizeof text, "%d", org_id);
	seen->err = db_run(db, STATEMENT_org_version, (struct db_param[]){{.text = text_of(text)}}, 1, DB_ONE, &seen->row, NULL, NULL);
	if (seen->err != ERR_OK)
		return;
	seen->version.data = db_value(seen->row, 0, 0);
	seen->version.config = db_value(seen->row, 0, 1);
	seen->version.local_date = db_value(seen->row, 0, 2);
}

void job_tag_live(struct db *db, struct job *job)
{
	struct seen seen;

	ask_version(db, job->request.who.org_id, &seen);
	if (seen.err == ERR_OK)
		cache_tag_answer(&job->request, &seen.version, buffer_text(&job->reply.body), job->reply.etag);
	db_result_free(seen.row);
}

/* The read of what a write is about to change: GET on the same path, when its entity tag rests on the versions alone. */
static const struct route *read_of(const struct route *write)
{
	if (write->method != METHOD_PUT && write->method != METHOD_PATCH && write->method != METHOD_DELETE)
		return NULL;
	for (size_t i = 0; i < routes_count; i++)
		if (routes[i].method == METHOD_GET && routes[i].versioned && strcmp(routes[i].path, write->path) == 0)
			return &routes[i];
	return NULL;
}

enum err job_check_unchanged(struct db *db, struct job *job)
{
	const struct text *header = job->request.header != NULL ? job->request.header(&job->request, "if-match") : NULL;
	const struct route *route = header != NULL ? read_of(job->request.route) : NULL;
	struct request read = job->request;
	char tag[CACHE_TAG_SIZE] = "";
	struct seen seen;

	if (route == NULL)
		return ERR_OK;
	read.route = route;
	read.format = FORMAT_JSON;
	read.query_count = 0;
	read.body = (struct text){0};
	ask_version(db, read.who.org_id, &seen);
	if (seen.err == ERR_OK)
		cache_tag(&read, &seen.version, tag);
	db_result_free(seen.row);
	if (seen.err != ERR_OK)
		return seen.err;
	if (etag_matches(*header, tag))
		return ERR_OK;
	return reply_error(&job->reply, ERR_PRECONDITION_FAILED, "If-Match names another state than there is now; read it again");
}

static const struct seen *version_of(struct versions *versions, struct db *db, int org_id)
{
	struct seen *slot;

	for (size_t i = 0; i < versions->count; i++)
		if (versions->seen[i].db == db && versions->seen[i].org_id == org_id)
			return &versions->seen[i];
	if (versions->count == ORGS_MAX) {
		versions->count--;
		db_result_free(versions->seen[versions->count].row);
	}
	slot = &versions->seen[versions->count++];
	ask_version(db, org_id, slot);
	return slot;
}

static bool is_conditional(const struct request *request, const char *tag)
{
	const struct text *header = request->header != NULL ? request->header(request, "if-none-match") : NULL;

	if (request->method != METHOD_GET && request->method != METHOD_HEAD)
		return false;
	/* "*" asks whether there is anything: that shows only when it is read. */
	return header != NULL && memchr(header->data, '"', header->size) != NULL && etag_matches(*header, tag);
}

/* The answer from memory, or on to a worker that makes it. */
static void answer(struct thread *thread, struct job *job, const struct cache_version *version)
{
	struct worker_pool *pool = thread->pool;

	if (job->request.route->live) { /* an export, whose rows are not known beforehand */
		job_export(pool, job);
		return;
	}
	cache_tag(&job->request, version, job->reply.etag);
	if (is_conditional(&job->request, job->reply.etag)) {
		job->reply.status = 304;
		job_finish(job, ERR_OK);
		return;
	}
	if (job->request.answer != NULL) {
		job_export(pool, job);
		return;
	}
	switch (cache_ask(pool->cache, job)) {
	case CACHE_HIT:
		job_finish(job, ERR_OK);
		break;
	case CACHE_WAITS:
		break;
	case CACHE_MISS:
		job->missed = true;
		job_pass(pool, LANE_REQUESTS, job);
		break;
	}
}

void versioned_run(struct thread *thread, struct job *jobs)
{
	struct versions versions = {.count = 0};

	while (jobs != NULL) {
		struct job *job = jobs;
		const struct seen *seen = NULL;
		enum err err;

		jobs = job->next;
		err = job_admit(thread, job);
		if (err == ERR_OK) {
			seen = version_of(&versions, job_db(thread, job), job->request.who.org_id);
			err = seen->err;
		}
		if (err == ERR_OK)
			answer(thread, job, &seen->version);
		else
			job_finish(job, err);
	}
	for (size_t i = 0; i < versions.count; i++)
		db_result_free(versions.seen[i].row);
}
