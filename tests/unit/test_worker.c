/* The worker pool against a scripted database: who is let in, what is written together, what the cache saves, how it ends. */
#include <check.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth.h"
#include "fake_ingest.h"
#include "fake_pq.h"
#include "route.h"
#include "worker.h"

#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define HEADER "Bearer pl_7_k1_" SECRET

/* ── the database ─────────────────────────────────────────────────────────────────────────────── */

static char digest_hex[2 * AUTH_DIGEST_BYTES + 1];
static const char *data_version = "1";
static int batches, batches_each;
static bool batch_fails;       /* STATEMENT_ingest fails for the data's sake */
static bool batch_unavailable; /* the connection is lost while a batch is written */
static int slow_ms;            /* a batch takes so long */

static void script(const struct fake_question *question, struct fake_answer *answer)
{
	if (question->preparing)
		return;
	if (strcmp(question->statement, "auth_key") == 0) {
		*answer = (struct fake_answer){.kind = FAKE_ROWS, .columns = 8, .rows = 1};
		answer->cells[0] = digest_hex;
		answer->cells[1] = "ingest read";
		answer->cells[6] = "f";
	} else if (strcmp(question->statement, "org_version") == 0) {
		*answer = (struct fake_answer){.kind = FAKE_ROWS, .columns = 3, .rows = 1, .cells = {data_version, "1", "2027-01-01"}};
	} else if (strcmp(question->statement, "ingest") == 0) {
		batches++;
		nanosleep(&(struct timespec){.tv_nsec = slow_ms * 1000000L}, NULL);
		if (batch_fails)
			*answer = (struct fake_answer){.kind = FAKE_ERROR, .sqlstate = "22003", .message = "numeric field overflow"};
		else if (batch_unavailable)
			answer->kind = FAKE_LOST;
		else
			fake_ingest_answer(question, answer);
	} else if (strcmp(question->statement, "ingest_each") == 0) {
		batches_each++;
		fake_ingest_answer(question, answer);
	}
}

/* ── the site ─────────────────────────────────────────────────────────────────────────────────── */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* held by a test to keep a handler from ending */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int runs;

static enum err run_fine(struct request *request, struct reply *reply)
{
	ck_assert_ptr_nonnull(request->db);
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	pthread_mutex_lock(&mutex);
	buffer_printf(&reply->body, "run %d", ++runs);
	pthread_mutex_unlock(&mutex);
	return ERR_OK;
}

static enum err run_in_open_transaction(struct request *request, struct reply *reply)
{
	buffer_append_string(&reply->body, "left open");
	return db_begin(request->db);
}

static enum err prepare_body(struct request *request, struct reply *reply, struct ingest_item *item, bool *single)
{
	(void)reply;
	item->kind = TEXT("rep");
	item->id = TEXT("r1");
	item->operation = TEXT("patch");
	item->patch = request->body;
	*single = true;
	return ERR_OK;
}

static const struct route route_read = {.method = METHOD_GET, .path = "/r", .scope = SCOPE_READ, .run = run_fine};
static const struct route route_public = {.method = METHOD_GET, .path = "/p", .run = run_fine};
static const struct route route_admin = {.method = METHOD_POST, .path = "/a", .scope = SCOPE_ADMIN, .run = run_fine};
static const struct route route_write = {
	.method = METHOD_PATCH, .path = "/w", .scope = SCOPE_INGEST, .run = run_fine, .prepare = prepare_body};
static const struct route route_versioned = {
	.method = METHOD_GET, .path = "/v", .scope = SCOPE_READ, .run = run_fine, .versioned = true};
static const struct route route_open = {.method = METHOD_POST, .path = "/o", .scope = SCOPE_INGEST, .run = run_in_open_transaction};

/* ── jobs ─────────────────────────────────────────────────────────────────────────────────────── */

static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int finished;
static struct worker_pool *pool;
static struct settings settings;
static char nothing[] = "";

static void on_done(struct job *job)
{
	pthread_mutex_lock(&mutex);
	ck_assert_msg(job->owner == NULL, "a job was finished twice");
	job->owner = job;
	finished++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static void wait_for(int count)
{
	pthread_mutex_lock(&mutex);
	while (finished < count)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

static void job_make(struct job *job, const struct route *route)
{
	*job = (struct job){.done = on_done, .credential = {.text = TEXT(HEADER)}};
	job->request.route = route;
	job->request.method = route->method;
}

static void job_end(struct job *job)
{
	ingest_item_free(&job->item);
	reply_free(&job->reply);
}

/* One job from start to end. */
static enum err do_one(struct job *job, const struct route *route)
{
	int before = finished;

	job_make(job, route);
	ck_assert(worker_submit(pool, job));
	wait_for(before + 1);
	return job->reply.err;
}

static void set_up(void)
{
	unsigned char bytes[AUTH_DIGEST_BYTES];

	auth_digest(TEXT(SECRET), bytes);
	sodium_bin2hex(digest_hex, sizeof digest_hex, bytes, sizeof bytes);
	fake_pq_reset(script);
	settings = (struct settings){.database_url = nothing, .database_read_url = nothing, .workers = 3, .queue = 300, .batch = 64,
				     .prepare = true, .statement_timeout_ms = 1000, .cache_max = 1 << 20};
	pool = worker_pool_start(&settings, NULL);
	ck_assert_ptr_nonnull(pool);
}

static void tear_down(void)
{
	worker_pool_stop(pool);
	worker_pool_stop(NULL);
}

/* ── admission ────────────────────────────────────────────────────────────────────────────────── */

START_TEST(served)
{
	struct job job;

	ck_assert_int_eq(do_one(&job, &route_read), ERR_OK);
	ck_assert(text_equal_string(reply_body(&job.reply), "run 1"));
	ck_assert_int_eq(job.request.who.org_id, 7);
	job_end(&job);
	ck_assert_int_eq(do_one(&job, &route_public), ERR_OK);
	ck_assert_int_eq(job.request.who.org_id, 0);
	job_end(&job);
}
END_TEST

START_TEST(refused)
{
	struct job job;

	ck_assert_int_eq(do_one(&job, &route_admin), ERR_FORBIDDEN);
	ck_assert_str_eq(job.reply.detail.data, "this needs a key with scope admin");
	job_end(&job);
	job_make(&job, &route_read);
	job.credential = (struct credential){.text = TEXT("Bearer nonsense")};
	ck_assert(worker_submit(pool, &job));
	wait_for(2);
	ck_assert_int_eq(job.reply.err, ERR_UNAUTHORIZED);
	job_end(&job);
	job_make(&job, &route_read);
	job.request.query[0] = (struct param){TEXT("format"), TEXT("json")};
	job.request.query[1] = (struct param){TEXT("nonsense"), TEXT("1")};
	job.request.query_count = 2;
	ck_assert(worker_submit(pool, &job));
	wait_for(3);
	ck_assert_int_eq(job.reply.err, ERR_UNKNOWN_PARAMETER);
	ck_assert_uint_eq(job.reply.problems.count, 1);
	ck_assert_str_eq(job.reply.problems.items[0].pointer, "nonsense");
	ck_assert_int_eq(runs, 0);
	job_end(&job);
}
END_TEST

START_TEST(database_away)
{
	struct job job;

	fake_pq_refuse(true);
	ck_assert_int_eq(do_one(&job, &route_read), ERR_DATABASE_UNAVAILABLE);
	job_end(&job);
	ck_assert_int_eq(do_one(&job, &route_versioned), ERR_DATABASE_UNAVAILABLE);
	job_end(&job);
}
END_TEST

START_TEST(transaction_left_open)
{
	struct job job;

	ck_assert_int_eq(do_one(&job, &route_open), ERR_OK);
	job_end(&job);
	worker_pool_stop(pool);
	pool = NULL;
	ck_assert_int_eq(fake_pq_asked("ROLLBACK"), 1);
}
END_TEST

/* ── group commit ─────────────────────────────────────────────────────────────────────────────── */

enum { MANY = 256 };

static struct job many[MANY];
static char patches[MANY][24];

static void submit_many(void)
{
	for (int i = 0; i < MANY; i++) {
		job_make(&many[i], &route_write);
		snprintf(patches[i], sizeof patches[i], "patch %d", i);
		many[i].request.body = text_of(patches[i]);
		ck_assert(worker_submit(pool, &many[i]));
	}
	wait_for(MANY);
}

static void end_many(void)
{
	for (int i = 0; i < MANY; i++)
		job_end(&many[i]);
}

START_TEST(written_together)
{
	slow_ms = 5;
	submit_many();
	for (int i = 0; i < MANY; i++) {
		char expected[64];

		snprintf(expected, sizeof expected, "{\"id\":\"r1\",\"event_id\":\"%s\",", patches[i]);
		ck_assert_int_eq(many[i].reply.err, ERR_OK);
		ck_assert_int_eq(many[i].reply.status, 200);
		ck_assert_msg(strncmp(many[i].reply.body.data, expected, strlen(expected)) == 0, "job %d got: %s", i,
			      many[i].reply.body.data);
	}
	ck_assert_msg(batches < MANY / 2, "%d batches for %d events", batches, MANY);
	ck_assert_msg(fake_ingest_largest > 1 && fake_ingest_largest <= settings.batch, "the largest batch had %d events", fake_ingest_largest);
	ck_assert_int_eq(batches_each, 0);
	end_many();
}
END_TEST

START_TEST(one_bad_event_harms_nobody)
{
	batch_fails = true;
	slow_ms = 5;
	for (int i = 0; i < MANY; i++)
		snprintf(patches[i], sizeof patches[i], "%s", "");
	submit_many();
	ck_assert_int_eq(batches_each, batches);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(many[i].reply.err, ERR_OK);
	end_many();
	job_make(&many[0], &route_write);
	many[0].request.body = TEXT("bad");
	ck_assert(worker_submit(pool, &many[0]));
	wait_for(MANY + 1);
	ck_assert_int_eq(many[0].reply.err, ERR_VALIDATION_FAILED);
	ck_assert_uint_eq(many[0].reply.problems.count, 1);
	ck_assert_str_eq(many[0].reply.problems.items[0].pointer, "/amount");
	ck_assert_str_eq(many[0].reply.problems.items[0].code, "not_a_number");
	job_end(&many[0]);
}
END_TEST

START_TEST(batch_lost)
{
	batch_unavailable = true;
	submit_many();
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(many[i].reply.err, ERR_DATABASE_UNAVAILABLE);
	ck_assert_msg(batches_each == 0, "a lost connection is not the data's fault");
	end_many();
}
END_TEST

START_TEST(organisations_and_sources_apart)
{
	slow_ms = 20;
	for (int i = 0; i < 60; i++) {
		job_make(&many[i], &route_write);
		snprintf(patches[i], sizeof patches[i], "patch %d", i);
		many[i].authenticated = true;
		/* Organisations 1, 5 and 9 share a committer. */
		many[i].request.who = (struct principal){.org_id = 1 + i % 3 * 4, .source = "api"};
		many[i].single = true;
		many[i].item = (struct ingest_item){.kind = TEXT("rep"), .id = TEXT("x"), .operation = TEXT("patch"), .patch = text_of(patches[i])};
		ck_assert(commit_submit(pool, &many[i]));
	}
	wait_for(60);
	for (int i = 0; i < 60; i++) {
		ck_assert_int_eq(many[i].reply.err, ERR_OK);
		ck_assert_ptr_nonnull(strstr(many[i].reply.body.data, patches[i]));
		job_end(&many[i]);
	}
	ck_assert_msg(fake_ingest_largest <= 20, "%d events of a batch, only 20 have the same organisation", fake_ingest_largest);
}
END_TEST

/* ── the cache ────────────────────────────────────────────────────────────────────────────────── */

static struct text if_none_match;

static const struct text *header_of(const struct request *request, const char *name)
{
	(void)request;
	return strcmp(name, "if-none-match") == 0 ? &if_none_match : NULL;
}

START_TEST(answers_are_kept)
{
	char tag[84];
	struct job job;

	ck_assert_int_eq(do_one(&job, &route_versioned), ERR_OK);
	ck_assert(text_equal_string(reply_body(&job.reply), "run 1"));
	snprintf(tag, sizeof tag, "\"%s\"", job.reply.etag);
	job_end(&job);
	ck_assert_int_eq(do_one(&job, &route_versioned), ERR_OK);
	ck_assert(text_equal_string(reply_body(&job.reply), "run 1"));
	job_end(&job);

	if_none_match = text_of(tag);
	job_make(&job, &route_versioned);
	job.request.header = header_of;
	ck_assert(worker_submit(pool, &job));
	wait_for(3);
	ck_assert_int_eq(job.reply.status, 304);
	ck_assert_uint_eq(job.reply.body.size, 0);
	job_end(&job);

	data_version = "2";
	job_make(&job, &route_versioned);
	job.request.header = header_of;
	ck_assert(worker_submit(pool, &job));
	wait_for(4);
	ck_assert_int_ne(job.reply.status, 304);
	ck_assert(text_equal_string(reply_body(&job.reply), "run 2"));
	job_end(&job);
}
END_TEST

START_TEST(equal_questions_run_once)
{
	pthread_mutex_lock(&gate);
	for (int i = 0; i < 100; i++) {
		job_make(&many[i], &route_versioned);
		ck_assert(worker_submit(pool, &many[i]));
	}
	while (worker_queue_depth(pool) > 0)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	pthread_mutex_unlock(&gate);
	wait_for(100);
	for (int i = 0; i < 100; i++) {
		ck_assert(text_equal_string(reply_body(&many[i].reply), "run 1"));
		job_end(&many[i]);
	}
	ck_assert_msg(fake_pq_asked("org_version") < 100, "the version was asked for once a request");
}
END_TEST

/* ── limits and the end ───────────────────────────────────────────────────────────────────────── */

START_TEST(full_queue)
{
	enum { LIMIT = 100, RUNNING = 3 };
	int taken = 0;

	worker_pool_stop(pool);
	settings.queue = LIMIT;
	pool = worker_pool_start(&settings, NULL);
	pthread_mutex_lock(&gate);
	/* As soon as every worker is held up, LIMIT jobs wait and not one more. */
	while (taken < LIMIT + RUNNING) {
		job_make(&many[taken], &route_read);
		if (worker_submit(pool, &many[taken]))
			taken++;
	}
	job_make(&many[taken], &route_read);
	for (int i = 0; i < 1000; i++)
		ck_assert_msg(!worker_submit(pool, &many[taken]), "a full queue took a job");
	ck_assert_uint_eq(worker_queue_depth(pool), LIMIT);
	pthread_mutex_unlock(&gate);
	wait_for(taken);
	for (int i = 0; i < taken; i++) {
		ck_assert_int_eq(many[i].reply.err, ERR_OK);
		job_end(&many[i]);
	}
}
END_TEST

static void *stop_pool(void *unused)
{
	(void)unused;
	worker_pool_stop(pool);
	return NULL;
}

START_TEST(stopping_finishes_what_waits)
{
	pthread_t stopper;

	pthread_mutex_lock(&gate);
	for (int i = 0; i < 100; i++) {
		job_make(&many[i], i % 2 == 0 ? &route_write : &route_versioned);
		many[i].request.body = i % 2 == 0 ? TEXT("x") : (struct text){0};
		ck_assert(worker_submit(pool, &many[i]));
	}
	worker_pool_refuse(pool);
	job_make(&many[100], &route_read);
	ck_assert_msg(!worker_submit(pool, &many[100]), "a pool that shuts down took a job");
	ck_assert(!commit_submit(pool, &many[100]));
	pthread_create(&stopper, NULL, stop_pool, NULL);
	pthread_mutex_unlock(&gate);
	pthread_join(stopper, NULL);
	pool = NULL;
	ck_assert_int_eq(finished, 100);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(many[i].reply.err, ERR_OK);
		job_end(&many[i]);
	}
}
END_TEST

START_TEST(cancelling_answers_what_waits)
{
	int refused_count = 0;

	pthread_mutex_lock(&gate);
	for (int i = 0; i < 100; i++) {
		job_make(&many[i], &route_read);
		ck_assert(worker_submit(pool, &many[i]));
	}
	while (worker_queue_depth(pool) > 97)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	worker_pool_cancel(pool);
	pthread_mutex_unlock(&gate);
	wait_for(100);
	for (int i = 0; i < 100; i++) {
		ck_assert(many[i].reply.err == ERR_OK || many[i].reply.err == ERR_SHUTTING_DOWN);
		refused_count += many[i].reply.err == ERR_SHUTTING_DOWN;
		job_end(&many[i]);
	}
	/* A thread that has taken its job and not begun it refuses that one too. */
	ck_assert_int_ge(refused_count, 97);
	ck_assert_int_le(refused_count, 100);
}
END_TEST

Suite *suite_worker(void);
Suite *suite_worker(void)
{
	Suite *suite = suite_create("worker");
	TCase *cases = tcase_create("worker");

	tcase_set_timeout(cases, 60);
	tcase_add_checked_fixture(cases, set_up, tear_down);
	tcase_add_test(cases, served);
	tcase_add_test(cases, refused);
	tcase_add_test(cases, database_away);
	tcase_add_test(cases, transaction_left_open);
	tcase_add_test(cases, written_together);
	tcase_add_test(cases, one_bad_event_harms_nobody);
	tcase_add_test(cases, batch_lost);
	tcase_add_test(cases, organisations_and_sources_apart);
	tcase_add_test(cases, answers_are_kept);
	tcase_add_test(cases, equal_questions_run_once);
	tcase_add_test(cases, full_queue);
	tcase_add_test(cases, stopping_finishes_what_waits);
	tcase_add_test(cases, cancelling_answers_what_waits);
	suite_add_tcase(suite, cases);
	return suite;
}
