/* The group commit of deliveries: written together, with what is set aside of them, and what becomes of one that cannot be. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake_ingest.h"
#include "route.h"
#include "worker.h"

Suite *suite_commit(void);

enum { DELIVERIES = 60 };

/* ── the database ─────────────────────────────────────────────────────────────────────────────── */

static int ingests, asides;
static bool lost; /* the connection is, while something is put into quarantine */

/* A row an item; it refuses what is "poison", unless that is the reason why it is put there. */
static void answer_aside(const struct fake_question *question, struct fake_answer *answer)
{
	int count = fake_array_count(question->values[2]);

	*answer = (struct fake_answer){.kind = FAKE_ROWS, .columns = 2, .rows = count};
	for (int i = 0; i < count; i++) {
		struct text payload = fake_array_element(question->values[9], i);

		if (memmem(payload.data, payload.size, "poison", 6) != NULL &&
		    !text_equal(fake_array_element(question->values[2], i), TEXT("not_storable"))) {
			*answer = (struct fake_answer){.kind = FAKE_ERROR, .sqlstate = "22P02", .message = "invalid input value"};
			return;
		}
		answer->cells[2 * i] = fake_number(i);
		answer->cells[2 * i + 1] = fake_number(++asides);
	}
}

static void script(const struct fake_question *question, struct fake_answer *answer)
{
	if (question->preparing)
		return;
	if (strcmp(question->statement, "ingest") == 0) {
		ingests++;
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
		fake_ingest_answer(question, answer);
	} else if (strcmp(question->statement, "quarantine_put") == 0) {
		if (lost)
			answer->kind = FAKE_LOST;
		else
			answer_aside(question, answer);
	}
}

/* ── the site ─────────────────────────────────────────────────────────────────────────────────── */

static struct ingest_item item_of(struct text patch)
{
	struct ingest_item item = {.kind = TEXT("rep"), .id = TEXT("r1"), .operation = TEXT("patch"), .patch = patch, .partial = true};

	ingest_item_own(&item);
	return item;
}

/* Each word of the body is an item: "aside…" and "poison" are set aside, the others are events. */
static enum err take(struct request *request, struct reply *reply, struct intake **made)
{
	struct intake *intake = intake_new(request->body);
	const char *at = request->body.data;

	(void)reply;
	request->who.org_id = 1;
	strcpy(request->who.source, "crm");
	for (size_t index = 0; *at != '\0'; index++) {
		struct text word = {at, strcspn(at, " ")};

		if (strncmp(at, "aside", 5) == 0 || strncmp(at, "poison", 6) == 0) {
			intake_add_aside(intake, index, word, (struct text){0}, (struct text){0}, "not_json", "", "no JSON");
		} else {
			struct ingest_item item = item_of(word);

			intake_add_event(intake, index, word, &item);
		}
		at += word.size + strspn(at + word.size, " ");
	}
	*made = intake;
	return ERR_OK;
}

static enum err settled(struct request *request, struct reply *reply, const struct intake *intake, enum err err)
{
	(void)request;
	if (err == ERR_OK)
		intake_reply(intake, reply);
	return err;
}

static const struct route route_deliver = {.method = METHOD_POST, .path = "/d", .raw = true, .take = take, .settled = settled};

/* ── jobs ─────────────────────────────────────────────────────────────────────────────────────── */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int finished;
static struct worker_pool *pool;
static struct settings settings;
static char nothing[] = "";
static struct job jobs[DELIVERIES];

static void on_done(struct job *job)
{
	(void)job;
	pthread_mutex_lock(&mutex);
	finished++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static void deliver(const char *const *bodies, int count)
{
	for (int i = 0; i < count; i++) {
		jobs[i] = (struct job){.done = on_done};
		jobs[i].request.route = &route_deliver;
		jobs[i].request.method = METHOD_POST;
		jobs[i].request.body = text_of(bodies[i]);
		ck_assert(worker_submit(pool, &jobs[i]));
	}
	pthread_mutex_lock(&mutex);
	while (finished < count)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

static void end(int count)
{
	for (int i = 0; i < count; i++) {
		intake_free(jobs[i].intake);
		reply_free(&jobs[i].reply);
	}
}

static void set_up(void)
{
	fake_pq_reset(script);
	settings = (struct settings){.database_url = nothing, .database_read_url = nothing, .workers = 2, .queue = 300, .batch = 64,
				     .prepare = true, .statement_timeout_ms = 1000, .cache_max = 1 << 20, .secret_key = nothing, .public_url = nothing};
	pool = worker_pool_start(&settings, NULL);
	ck_assert_ptr_nonnull(pool);
}

static void tear_down(void)
{
	worker_pool_stop(pool);
}

START_TEST(written_together)
{
	const char *bodies[DELIVERIES];

	for (int i = 0; i < DELIVERIES; i++)
		bodies[i] = i % 3 == 0 ? "one two three" : i % 3 == 1 ? "one aside bad" : "aside";
	deliver(bodies, DELIVERIES);
	for (int i = 0; i < DELIVERIES; i++) {
		static const char *const starts[] = {"{\"accepted\":3,\"quarantined\":0,", "{\"accepted\":1,\"quarantined\":2,", "{\"accepted\":0,\"quarantined\":1,"};
		const char *body = buffer_text(&jobs[i].reply.body).data;

		ck_assert_int_eq(jobs[i].reply.err, ERR_OK);
		ck_assert_msg(strncmp(body, starts[i % 3], strlen(starts[i % 3])) == 0, "%s", body);
	}
	ck_assert_msg(ingests < DELIVERIES / 3, "%d batches", ingests);
	ck_assert_int_gt(fake_ingest_largest, 3);
	ck_assert_int_eq(asides, DELIVERIES / 3 * 3);
	ck_assert_int_eq(fake_pq_asked("BEGIN"), fake_pq_asked("COMMIT"));
	ck_assert_int_eq(fake_pq_asked("ROLLBACK"), 0);
	end(DELIVERIES);
}
END_TEST

/* One that cannot be stored at all is found among the others, and lies in quarantine whole. */
START_TEST(poison)
{
	const char *const bodies[] = {"one", "two aside", "one poison two", "three"};

	deliver(bodies, 4);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(jobs[i].reply.err, ERR_OK);
	ck_assert_ptr_nonnull(strstr(jobs[0].reply.body.data, "{\"accepted\":1,\"quarantined\":0,"));
	ck_assert_ptr_nonnull(strstr(jobs[1].reply.body.data, "{\"accepted\":1,\"quarantined\":1,"));
	ck_assert_ptr_nonnull(strstr(jobs[2].reply.body.data, "{\"accepted\":0,\"quarantined\":1,"));
	ck_assert_ptr_nonnull(strstr(jobs[2].reply.body.data, "\"code\":\"not_storable\""));
	ck_assert_ptr_nonnull(strstr(jobs[3].reply.body.data, "{\"accepted\":1,\"quarantined\":0,"));
	end(4);
}
END_TEST

/* Nothing of a delivery counts before all of it is committed. */
START_TEST(database_away)
{
	const char *const bodies[] = {"one two aside", "three"};

	lost = true;
	deliver(bodies, 1);
	ck_assert_int_eq(jobs[0].reply.err, ERR_DATABASE_UNAVAILABLE);
	ck_assert_int_eq(fake_pq_asked("COMMIT"), 0);
	end(1);
}
END_TEST

Suite *suite_commit(void)
{
	Suite *suite = suite_create("commit");
	TCase *tests = tcase_create("deliveries");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, written_together);
	tcase_add_test(tests, poison);
	tcase_add_test(tests, database_away);
	suite_add_tcase(suite, tests);
	return suite;
}
