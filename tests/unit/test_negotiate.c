/* Content types, Accept, codings, origins, request ids, traces. */
#include <check.h>

#include "negotiate.h"
#include "route.h"

Suite *suite_negotiate(void);

static const struct {
	const char *type;
	enum media media;
} media_cases[] = {
	{NULL, MEDIA_NONE},
	{"application/json", MEDIA_JSON},
	{"Application/JSON", MEDIA_JSON},
	{"application/json; charset=utf-8", MEDIA_JSON},
	{"application/json;charset=UTF-8", MEDIA_JSON},
	{"application/json; charset=\"utf-8\"", MEDIA_JSON},
	{"application/json ; version=1", MEDIA_JSON},
	{"application/json; charset=iso-8859-1", MEDIA_OTHER},
	{"application/merge-patch+json", MEDIA_MERGE_PATCH},
	{"application/x-ndjson", MEDIA_NDJSON},
	{"application/jsonl", MEDIA_NDJSON},
	{"text/csv", MEDIA_CSV},
	{"application/cloudevents+json; charset=utf-8", MEDIA_CLOUD_EVENT},
	{"application/cloudevents-batch+json", MEDIA_CLOUD_EVENTS},
	{"text/csv; charset=utf-8; header=present", MEDIA_CSV},
	{"text/csv; charset=latin1", MEDIA_OTHER},
	{"text/plain", MEDIA_OTHER},
	{"application/x-www-form-urlencoded", MEDIA_OTHER},
	{"application/jsonx", MEDIA_OTHER},
	{"json", MEDIA_OTHER},
	{"", MEDIA_OTHER},
	{";", MEDIA_OTHER},
};

START_TEST(media)
{
	ck_assert_int_eq(negotiate_media(text_of(media_cases[_i].type)), media_cases[_i].media);
}
END_TEST

enum { J = FORMAT_BIT_JSON, C = FORMAT_BIT_CSV, N = FORMAT_BIT_NDJSON, NOTHING = -1 };

static const struct {
	const char *accept;
	unsigned offered;
	int format;
} accept_cases[] = {
	{NULL, J | C | N, FORMAT_JSON},
	{NULL, C, FORMAT_CSV},
	{"*/*", J | C | N, FORMAT_JSON},
	{"*/*", C | N, FORMAT_CSV},
	{"application/json", J, FORMAT_JSON},
	{"text/csv", J | C, FORMAT_CSV},
	{"TEXT/CSV", J | C, FORMAT_CSV},
	{"application/x-ndjson", J | C | N, FORMAT_NDJSON},
	{"application/ndjson", J | C | N, FORMAT_NDJSON},
	{"text/*", J | C, FORMAT_CSV},
	{"application/*", J | C | N, FORMAT_JSON},
	{"text/csv;q=0.5, application/json", J | C, FORMAT_JSON},
	{"text/csv;q=0.5, application/json;q=0.4", J | C, FORMAT_CSV},
	{"text/csv; q=0.5 , */*; q=0.1", J | C, FORMAT_CSV},
	{"*/*, text/csv;q=0", C, NOTHING},
	{"text/csv;q=0, */*", J | C, FORMAT_JSON},
	{"application/json;q=0, application/*", J | N, FORMAT_NDJSON},
	{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", J | C, FORMAT_JSON},
	{"application/problem+json", J, FORMAT_JSON},
	{"text/html", J | C, NOTHING},
	{"text/csv", J, NOTHING},
	{"application/json;q=0", J, NOTHING},
	{"application/json;q=x", J, NOTHING},
	{"application/json;q=", J, NOTHING},
	{"", J, NOTHING},
	{",,,", J, NOTHING},
	{"application/json;q=0.0005", J, FORMAT_JSON},
};

START_TEST(accept)
{
	enum format format = FORMAT_JSON;
	bool found = negotiate_format(text_of(accept_cases[_i].accept), accept_cases[_i].offered, &format);

	ck_assert_int_eq(found ? (int)format : NOTHING, accept_cases[_i].format);
}
END_TEST

START_TEST(format_words)
{
	enum format format;

	ck_assert(negotiate_format_word(TEXT("json"), &format) && format == FORMAT_JSON);
	ck_assert(negotiate_format_word(TEXT("csv"), &format) && format == FORMAT_CSV);
	ck_assert(negotiate_format_word(TEXT("ndjson"), &format) && format == FORMAT_NDJSON);
	ck_assert(!negotiate_format_word(TEXT("CSV"), &format));
	ck_assert(!negotiate_format_word(TEXT(""), &format));
}
END_TEST

static const struct {
	const char *accept;
	bool gzip;
} coding_cases[] = {
	{NULL, false},       {"gzip", true},        {"GZIP", true},         {"x-gzip", true},          {"deflate, gzip, br", true},
	{"gzip;q=0", false}, {"gzip; q=0.1", true}, {"*", true},            {"*;q=0", false},          {"*, gzip;q=0", false},
	{"br", false},       {"identity", false},   {"gzip;q=0, *", false}, {"*;q=0, gzip;q=1", true}, {"", false},
};

START_TEST(coding)
{
	ck_assert_int_eq(negotiate_gzip(text_of(coding_cases[_i].accept)), coding_cases[_i].gzip);
}
END_TEST

START_TEST(origins)
{
	ck_assert(negotiate_origin("https://a.example, https://b.example", TEXT("https://b.example")));
	ck_assert(negotiate_origin("*", TEXT("https://x")));
	ck_assert(!negotiate_origin("https://a.example", TEXT("https://a.example.evil")));
	ck_assert(!negotiate_origin("https://a.example", TEXT("http://a.example")));
	ck_assert(!negotiate_origin("https://a.example", TEXT("null")));
	ck_assert(!negotiate_origin("https://a.example", (struct text){0}));
	ck_assert(!negotiate_origin("", TEXT("https://a.example")));
	ck_assert(!negotiate_origin(" , ", TEXT("")));
}
END_TEST

START_TEST(request_ids)
{
	char longest[130];

	for (size_t i = 0; i < sizeof longest; i++)
		longest[i] = 'a';
	ck_assert(negotiate_request_id(TEXT("aZ09._-")));
	ck_assert(negotiate_request_id((struct text){longest, 128}));
	ck_assert(!negotiate_request_id((struct text){longest, 129}));
	ck_assert(!negotiate_request_id(TEXT("")));
	ck_assert(!negotiate_request_id((struct text){0}));
	ck_assert(!negotiate_request_id(TEXT("a b")));
	ck_assert(!negotiate_request_id(TEXT("a\nb")));
	ck_assert(!negotiate_request_id(TEXT("ä")));
}
END_TEST

static const struct {
	const char *parent;
	bool fine;
} trace_cases[] = {
	{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
	{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true},
	{"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
	{"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
	{"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false},
	{"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
	{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", false},
	{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", false},
	{"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
	{"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", false},
	{"", false},
	{NULL, false},
};

START_TEST(traces)
{
	ck_assert_int_eq(negotiate_traceparent(text_of(trace_cases[_i].parent)), trace_cases[_i].fine);
}
END_TEST

Suite *suite_negotiate(void)
{
	Suite *suite = suite_create("negotiate");
	TCase *tcase = tcase_create("negotiate");

	tcase_add_loop_test(tcase, media, 0, sizeof media_cases / sizeof *media_cases);
	tcase_add_loop_test(tcase, accept, 0, sizeof accept_cases / sizeof *accept_cases);
	tcase_add_test(tcase, format_words);
	tcase_add_loop_test(tcase, coding, 0, sizeof coding_cases / sizeof *coding_cases);
	tcase_add_test(tcase, origins);
	tcase_add_test(tcase, request_ids);
	tcase_add_loop_test(tcase, traces, 0, sizeof trace_cases / sizeof *trace_cases);
	suite_add_tcase(suite, tcase);
	return suite;
}
