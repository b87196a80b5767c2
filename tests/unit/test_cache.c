#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "route.h"

static const struct route route = {.method = METHOD_GET, .path = "/v1/metrics/{key}", .versioned = true};
static const struct route other_route = {.method = METHOD_GET, .path = "/v1/alignment", .versioned = true};

static const struct cache_version version = {{"10", 2}, {"2", 1}, {"2027-03-01", 10}};

/* A request as of one question; tests change one thing of it. */
static struct request question(void)
{
	struct request request = {.route = &route, .method = METHOD_GET, .path_param_count = 1, .query_count = 2};

	request.path_params[0] = TEXT("bookings_share");
	request.query[0] = (struct param){TEXT("by"), TEXT("rep")};
	request.query[1] = (struct param){TEXT("period"), TEXT("2026-Q4")};
	request.who.org_id = 1;
	request.who.read_scope = READ_SELF;
	strcpy(request.who.key_id, "k1");
	strcpy(request.who.rep_id, "r1");
	return request;
}

static bool same_tag(const struct request *request, const struct cache_version *at)
{
	struct request plain = question();
	char tag[CACHE_TAG_SIZE], plain_tag[CACHE_TAG_SIZE];

	cache_tag(&plain, &version, plain_tag);
	cache_tag(request, at, tag);
	ck_assert_uint_eq(strlen(tag), CACHE_TAG_SIZE - 1);
	return strcmp(tag, plain_tag) == 0;
}

START_TEST(tags_that_are_the_same)
{
	struct request request = question();
	struct param first = request.query[0];

	ck_assert(same_tag(&request, &version));
	request.query[0] = request.query[1];
	request.query[1] = first;
	ck_assert_msg(same_tag(&request, &version), "the order of parameters makes another question");
	strcpy(request.who.key_id, "k2");
	request.method = METHOD_HEAD;
	ck_assert_msg(same_tag(&request, &version), "another key that sees the same makes another question");
}
END_TEST

START_TEST(tags_that_differ)
{
	struct request request = question();

#define DIFFERS(change)                                                                                                                \
	do {                                                                                                                           \
		request = question();                                                                                                  \
		change;                                                                                                                \
		ck_assert_msg(!same_tag(&request, &version), "the tag does not depend on: " #change);                                  \
	} while (0)
	DIFFERS(request.route = &other_route);
	DIFFERS(request.path_params[0] = TEXT("win_rate"));
	DIFFERS(request.query[0].value = TEXT("team"));
	DIFFERS(request.query_count = 1);
	DIFFERS(request.format = FORMAT_CSV);
	DIFFERS(request.body = TEXT("{}"));
	DIFFERS(request.who.org_id = 2);
	DIFFERS(request.who.read_scope = READ_ALL);
	DIFFERS(request.who.read_scope = READ_TEAM);
	DIFFERS(strcpy(request.who.rep_id, "r2"));
	DIFFERS(strcpy(request.who.team_id, "t"));
	/* Parts do not run into each other. */
	DIFFERS((request.query[0].name = TEXT("byr"), request.query[0].value = TEXT("ep")));
#undef DIFFERS
	request = question();
	ck_assert(!same_tag(&request, &(struct cache_version){TEXT("11"), TEXT("2"), TEXT("2027-03-01")}));
	ck_assert(!same_tag(&request, &(struct cache_version){TEXT("10"), TEXT("3"), TEXT("2027-03-01")}));
	ck_assert(!same_tag(&request, &(struct cache_version){TEXT("10"), TEXT("2"), TEXT("2027-03-02")}));
}
END_TEST

static void job_reset(struct job *job, const char *tag)
{
	reply_free(&job->reply);
	*job = (struct job){0};
	strcpy(job->reply.etag, tag);
}

static void answer(struct job *job, const char *body)
{
	job->reply.err = ERR_OK;
	job->reply.content_type = "text/csv";
	buffer_append_string(&job->reply.body, body);
}

#define TAG_A "00000001aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TAG_B "00000001bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" /* the same bucket */

START_TEST(kept_and_found)
{
	struct cache *cache = cache_new(1 << 20, NULL);
	struct job job = {0};

	job_reset(&job, TAG_A);
	ck_assert_int_eq(cache_ask(cache, &job), CACHE_MISS);
	reply_header(&job.reply, "RateLimit", "mine");
	size_t from = job.reply.headers.size;
	reply_header(&job.reply, "Link", "<next>");
	answer(&job, "a,b\n");
	ck_assert_ptr_null(cache_settle(cache, &job, from));
	job_reset(&job, TAG_B);
	ck_assert_int_eq(cache_ask(cache, &job), CACHE_MISS);
	answer(&job, "other");
	ck_assert_ptr_null(cache_settle(cache, &job, 0));
	job_reset(&job, TAG_A);
	reply_header(&job.reply, "RateLimit", "yours");
	ck_assert_int_eq(cache_ask(cache, &job), CACHE_HIT);
	ck_assert(text_equal_string(reply_body(&job.reply), "a,b\n"));
	ck_assert_str_eq(job.reply.content_type, "text/csv");
	ck_assert_str_eq(job.reply.headers.data, "RateLimit: yours\r\nLink: <next>\r\n");
	job_reset(&job, "");
	cache_free(cache);
	cache_free(NULL);
}
END_TEST

START_TEST(equal_questions_wait)
{
	struct cache *cache = cache_new(1 << 20, NULL);
	struct job jobs[4] = {{0}};
	struct job *done;

	for (int i = 0; i < 4; i++)
		job_reset(&jobs[i], TAG_A);
	ck_assert_int_eq(cache_ask(cache, &jobs[0]), CACHE_MISS);
	for (int i = 1; i < 4; i++)
		ck_assert_int_eq(cache_ask(cache, &jobs[i]), CACHE_WAITS);
	answer(&jobs[0], "once");
	done = cache_settle(cache, &jobs[0], 0);
	for (int i = 1; i < 4; i++, done = done->next) {
		ck_assert_ptr_eq(done, &jobs[i]);
		ck_assert(text_equal_string(reply_body(&done->reply), "once"));
		ck_assert_int_eq(done->reply.err, ERR_OK);
	}
	ck_assert_ptr_null(done);
	for (int i = 0; i < 4; i++)
		job_reset(&jobs[i], "");
	cache_free(cache);
}
END_TEST

START_TEST(failures_are_shared_and_forgotten)
{
	struct cache *cache = cache_new(1 << 20, NULL);
	struct job first = {0}, second = {0};

	job_reset(&first, TAG_A);
	job_reset(&second, TAG_A);
	ck_assert_int_eq(cache_ask(cache, &first), CACHE_MISS);
	ck_assert_int_eq(cache_ask(cache, &second), CACHE_WAITS);
	first.reply.err = reply_error(&first.reply, ERR_INVALID_PARAMETER, "no such period");
	problems_add(&first.reply.problems, "period", "invalid_period", "no such period");
	ck_assert_ptr_eq(cache_settle(cache, &first, 0), &second);
	ck_assert_int_eq(second.reply.err, ERR_INVALID_PARAMETER);
	ck_assert_str_eq(second.reply.detail.data, "no such period");
	ck_assert_str_eq(second.reply.problems.items[0].code, "invalid_period");
	job_reset(&first, TAG_A);
	ck_assert_msg(cache_ask(cache, &first) == CACHE_MISS, "a failure was kept");
	first.reply.err = ERR_INTERNAL;
	ck_assert_ptr_null(cache_settle(cache, &first, 0));
	job_reset(&first, "");
	job_reset(&second, "");
	cache_free(cache);
}
END_TEST

static enum cache_answer ask_number(struct cache *cache, int number, const char *body)
{
	struct job job = {0};
	enum cache_answer found;
	char tag[CACHE_TAG_SIZE];

	snprintf(tag, sizeof tag, "%08x%032d", (unsigned)number, number);
	job_reset(&job, tag);
	found = cache_ask(cache, &job);
	if (found == CACHE_MISS) {
		answer(&job, body);
		ck_assert_ptr_null(cache_settle(cache, &job, 0));
	}
	job_reset(&job, "");
	return found;
}

START_TEST(bounded)
{
	char body[1001];
	struct cache *cache = cache_new(40000, NULL);

	memset(body, 'x', 1000);
	body[1000] = '\0';
	ck_assert_int_eq(ask_number(cache, 0, body), CACHE_MISS);
	for (int i = 1; i < 1000; i++) {
		ck_assert_int_eq(ask_number(cache, i, body), CACHE_MISS);
		ck_assert_msg(ask_number(cache, 0, body) == CACHE_HIT, "what is used goes before what is not, after %d", i);
	}
	ck_assert_int_eq(ask_number(cache, 999, body), CACHE_HIT);
	ck_assert_msg(ask_number(cache, 1, body) == CACHE_MISS, "a thousand answers of a thousand bytes fit into 40,000");
	cache_free(cache);
}
END_TEST

START_TEST(too_large_and_none)
{
	struct cache *cache = cache_new(4000, NULL);
	char body[1001];

	memset(body, 'x', 1000);
	body[1000] = '\0';
	ck_assert_int_eq(ask_number(cache, 1, body), CACHE_MISS);
	ck_assert_msg(ask_number(cache, 1, body) == CACHE_MISS, "one answer took a quarter of the cache");
	cache_free(cache);
	cache = cache_new(0, NULL);
	ck_assert_int_eq(ask_number(cache, 1, "x"), CACHE_MISS);
	ck_assert_int_eq(ask_number(cache, 1, "x"), CACHE_MISS);
	cache_free(cache);
}
END_TEST

Suite *suite_cache(void);
Suite *suite_cache(void)
{
	Suite *suite = suite_create("cache");
	TCase *cases = tcase_create("cache");

	tcase_add_test(cases, tags_that_are_the_same);
	tcase_add_test(cases, tags_that_differ);
	tcase_add_test(cases, kept_and_found);
	tcase_add_test(cases, equal_questions_wait);
	tcase_add_test(cases, failures_are_shared_and_forgotten);
	tcase_add_test(cases, bounded);
	tcase_add_test(cases, too_large_and_none);
	suite_add_tcase(suite, cases);
	return suite;
}
