/* Problem documents, headers, entity tags, the list of errors. */
#include <check.h>
#include <jansson.h>
#include <string.h>

#include "request.h"

Suite *suite_reply(void);

static json_t *render(struct reply *reply, enum err err)
{
	json_t *document;

	reply_render_error(reply, err, "r-1");
	document = json_loadb(reply->body.data, reply->body.size, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(document);
	return document;
}

static void assert_member(const json_t *document, const char *name, const char *value)
{
	ck_assert_str_eq(json_string_value(json_object_get(document, name)), value);
}

START_TEST(problem)
{
	struct reply reply = {0};
	json_t *document, *errors;

	problems_add(&reply.problems, "/amount", "not_a_number", "\"%s\" is not a number", "x\n\"y");
	problems_add(&reply.problems, "/stage", "required", "stage is required");
	ck_assert_int_eq(reply_error(&reply, ERR_VALIDATION_FAILED, "%d fields", 2), ERR_VALIDATION_FAILED);
	buffer_append_string(&reply.body, "what a handler had begun");
	snprintf(reply.etag, sizeof reply.etag, "e1");
	document = render(&reply, ERR_VALIDATION_FAILED);
	ck_assert_int_eq(reply.status, 422);
	ck_assert_str_eq(reply.content_type, "application/problem+json");
	ck_assert_str_eq(reply.etag, "");
	ck_assert(reply.no_store);
	assert_member(document, "type", "urn:plumbline:problem:validation_failed");
	assert_member(document, "code", "validation_failed");
	assert_member(document, "title", "Some fields cannot be accepted");
	assert_member(document, "detail", "2 fields");
	assert_member(document, "request_id", "r-1");
	ck_assert_int_eq(json_integer_value(json_object_get(document, "status")), 422);
	errors = json_object_get(document, "errors");
	ck_assert_uint_eq(json_array_size(errors), 2);
	assert_member(json_array_get(errors, 0), "pointer", "/amount");
	assert_member(json_array_get(errors, 0), "code", "not_a_number");
	assert_member(json_array_get(errors, 0), "message", "\"x\n\"y\" is not a number");
	assert_member(json_array_get(errors, 1), "code", "required");
	json_decref(document);
	reply_free(&reply);
	ck_assert_ptr_null(reply.body.data);
}
END_TEST

START_TEST(sentences_that_are_too_long)
{
	struct reply reply = {0};
	char sentence[2 * SENTENCE_MAX] = "";

	for (size_t i = 0; i < sizeof sentence - 2; i += 2)
		memcpy(sentence + i, "\xC3\xA4", 3); /* ä: the limit falls in the middle of one */
	problems_add(&reply.problems, "/name", "too_long", "%s", sentence);
	reply_error(&reply, ERR_VALIDATION_FAILED, "%s", sentence);
	ck_assert_uint_eq(strlen(reply.problems.items[0].message), SENTENCE_MAX - 1);
	ck_assert_uint_eq(reply.detail.size, SENTENCE_MAX - 1);
	ck_assert(text_is_clean_utf8(text_of(reply.problems.items[0].message)) && text_is_clean_utf8(buffer_text(&reply.detail)));
	reply_free(&reply);
}
END_TEST

START_TEST(problem_of_bytes_that_are_no_text)
{
	struct reply reply = {0};
	json_t *document;

	reply_error(&reply, ERR_NOT_FOUND, "no \xff\xfe here");
	document = render(&reply, ERR_NOT_FOUND);
	assert_member(document, "detail", "no \xEF\xBF\xBD\xEF\xBF\xBD here");
	json_decref(document);
	reply_free(&reply);
}
END_TEST

START_TEST(every_error)
{
	enum err err = (enum err)_i;
	struct reply reply = {0};
	json_t *document = render(&reply, err);
	const char *headers = buffer_text(&reply.headers).data;

	ck_assert_int_eq(error_by_code(error_info(err)->code), err);
	ck_assert_int_eq(reply.status, error_info(err)->status);
	assert_member(document, "code", error_info(err)->code);
	ck_assert_ptr_null(json_object_get(document, "detail"));
	ck_assert_int_eq(strstr(headers, "Retry-After: ") != NULL, reply.status == 503 || reply.status == 429);
	ck_assert_int_eq(strstr(headers, "WWW-Authenticate: Bearer") != NULL, reply.status == 401);
	json_decref(document);
	reply_free(&reply);
}
END_TEST

START_TEST(unknown_code)
{
	ck_assert_int_eq(error_by_code("no_such_code"), ERR_INTERNAL);
}
END_TEST

START_TEST(headers)
{
	struct reply reply = {0};

	reply_header(&reply, "Link", "</v1/x>; rel=\"next\"");
	reply_header(&reply, "X-Bad", "a\r\nX-Injected: 1");
	reply_header(&reply, "X-Bad", "a\x7f");
	reply_header(&reply, "retry-after", "30");
	ck_assert_str_eq(reply.headers.data, "Link: </v1/x>; rel=\"next\"\r\nretry-after: 30\r\n");
	/* a handler's own Retry-After stays the only one */
	reply_render_error(&reply, ERR_OVERLOADED, "r");
	ck_assert_ptr_null(strstr(reply.headers.data, "Retry-After: 1\r\n"));
	reply_free(&reply);
}
END_TEST

static const struct {
	const char *header;
	bool matches;
} etag_cases[] = {
	{"\"abc\"", true},
	{"W/\"abc\"", true},
	{"\"abc-gzip\"", true},
	{"W/\"abc-gzip\"", true},
	{"*", true},
	{" * ", true},
	{"\"x\", \"abc\"", true},
	{"\"x\" ,\t\"abc\" , \"y\"", true},
	{"\"x\",\"y\"", false},
	{"abc", false},
	{"\"ab\"", false},
	{"\"abcd\"", false},
	{"\"ABC\"", false},
	{"\"-gzip\"", false},
	{"\"\"", false},
	{"", false},
	{",", false},
	{"W/", false},
	{"\"", false},
};

START_TEST(etags)
{
	ck_assert_int_eq(etag_matches(text_of(etag_cases[_i].header), "abc"), etag_cases[_i].matches);
}
END_TEST

START_TEST(etag_absent)
{
	ck_assert(!etag_matches((struct text){0}, "abc"));
	ck_assert(!etag_matches(TEXT("*"), ""));
}
END_TEST

START_TEST(queries)
{
	struct request request = {.query = {{TEXT("a"), TEXT("1")}, {TEXT("b"), TEXT("")}}, .query_count = 2};

	ck_assert(text_equal_string(request_query(&request, "a"), "1"));
	ck_assert(text_equal_string(request_query(&request, "b"), ""));
	ck_assert_ptr_null(request_query(&request, "c").data);
}
END_TEST

Suite *suite_reply(void)
{
	Suite *suite = suite_create("reply");
	TCase *tcase = tcase_create("reply");

	tcase_add_test(tcase, problem);
	tcase_add_test(tcase, sentences_that_are_too_long);
	tcase_add_test(tcase, problem_of_bytes_that_are_no_text);
	tcase_add_loop_test(tcase, every_error, 1, ERR_COUNT);
	tcase_add_test(tcase, unknown_code);
	tcase_add_test(tcase, headers);
	tcase_add_loop_test(tcase, etags, 0, sizeof etag_cases / sizeof *etag_cases);
	tcase_add_test(tcase, etag_absent);
	tcase_add_test(tcase, queries);
	suite_add_tcase(suite, tcase);
	return suite;
}
