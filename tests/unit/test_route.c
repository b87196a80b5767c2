/* Matching of raw paths, decoding, query strings. */
#include <check.h>
#include <string.h>

#include "route.h"

Suite *suite_route(void);

static const struct route table[] = {
	{.method = METHOD_GET, .path = "/healthz"},
	{.method = METHOD_GET, .path = "/v1/accounts"},
	{.method = METHOD_POST, .path = "/v1/accounts"},
	{.method = METHOD_GET, .path = "/v1/accounts/{id}"},
	{.method = METHOD_PUT, .path = "/v1/accounts/{id}"},
	{.method = METHOD_GET, .path = "/v1/accounts/{id}/history"},
	{.method = METHOD_GET, .path = "/v1/metrics/{key}/rows"},
	{.method = METHOD_POST, .path = "/v1/strategies/check"},
	{.method = METHOD_GET, .path = "/v1/strategies/{id}"},
	{.method = METHOD_GET, .path = "/v1/strategies/latest"},
	{.method = METHOD_GET, .path = "/a/{x}/{y}"},
	{.method = METHOD_GET, .path = "/a/{x}/fixed"},
	{.method = METHOD_GET, .path = "/a/fixed/{y}"},
};

enum { ROWS = sizeof table / sizeof *table };
enum { G = 1 << METHOD_GET | 1 << METHOD_HEAD, P = 1 << METHOD_POST, U = 1 << METHOD_PUT, O = 1 << METHOD_OPTIONS };

static const struct {
	enum method method;
	const char *path;
	enum err err;
	int row;
	unsigned allow;
	const char *param; /* the first, raw */
} cases[] = {
	{METHOD_GET, "/healthz", ERR_OK, 0, G | O, NULL},
	{METHOD_HEAD, "/healthz", ERR_OK, 0, G | O, NULL},
	{METHOD_POST, "/healthz", ERR_METHOD_NOT_ALLOWED, -1, G | O, NULL},
	{METHOD_OPTIONS, "/v1/accounts", ERR_METHOD_NOT_ALLOWED, -1, G | P | O, NULL},
	{METHOD_GET, "/v1/accounts", ERR_OK, 1, G | P | O, NULL},
	{METHOD_POST, "/v1/accounts", ERR_OK, 2, G | P | O, NULL},
	{METHOD_GET, "/v1/accounts/a1", ERR_OK, 3, G | U | O, "a1"},
	{METHOD_PUT, "/v1/accounts/a%2Fb", ERR_OK, 4, G | U | O, "a%2Fb"},
	{METHOD_GET, "/v1/accounts/%C3%A4", ERR_OK, 3, G | U | O, "%C3%A4"},
	{METHOD_GET, "/v1/accounts/a1/history", ERR_OK, 5, G | O, "a1"},
	{METHOD_GET, "/v1/metrics/win_rate/rows", ERR_OK, 6, G | O, "win_rate"},
	/* a literal segment wins, but only for the methods it has */
	{METHOD_GET, "/v1/strategies/latest", ERR_OK, 9, G | O, NULL},
	{METHOD_POST, "/v1/strategies/check", ERR_OK, 7, G | P | O, NULL},
	{METHOD_GET, "/v1/strategies/check", ERR_OK, 8, G | P | O, "check"},
	{METHOD_GET, "/a/fixed/fixed", ERR_OK, 12, G | O, "fixed"},
	{METHOD_GET, "/a/b/fixed", ERR_OK, 11, G | O, "b"},
	{METHOD_GET, "/a/b/c", ERR_OK, 10, G | O, "b"},
	/* not found */
	{METHOD_GET, "/", ERR_NOT_FOUND, -1, 0, NULL},
	{METHOD_GET, "/nothing", ERR_NOT_FOUND, -1, 0, NULL},
	{METHOD_GET, "/healthz/", ERR_NOT_FOUND, -1, 0, NULL},
	{METHOD_GET, "//healthz", ERR_NOT_FOUND, -1, 0, NULL},
	{METHOD_GET, "/healthzz", ERR_NOT_FOUND, -1, 0, NULL},
	{METHOD_GET, "/health", ERR_NOT_FOUND, -1, 0, NULL},
	{METHOD_GET, "/HEALTHZ", ERR_NOT_FOUND, -1, 0, NULL},
	{METHOD_GET, "/%68ealthz", ERR_NOT_FOUND, -1, 0, NULL},
	{METHOD_GET, "/v1/accounts/", ERR_NOT_FOUND, -1, 0, NULL},
	{METHOD_GET, "/v1/accounts//history", ERR_NOT_FOUND, -1, 0, NULL},
	{METHOD_GET, "/v1/accounts/a/b/history", ERR_NOT_FOUND, -1, 0, NULL},
	{METHOD_GET, "/v1/../healthz", ERR_NOT_FOUND, -1, 0, NULL},
	/* unreadable, whatever they might match */
	{METHOD_GET, "", ERR_INVALID_PATH, -1, 0, NULL},
	{METHOD_GET, "healthz", ERR_INVALID_PATH, -1, 0, NULL},
	{METHOD_GET, "/v1/accounts/a%00b", ERR_INVALID_PATH, -1, 0, NULL},
	{METHOD_GET, "/v1/accounts/a%0ab", ERR_INVALID_PATH, -1, 0, NULL},
	{METHOD_GET, "/v1/accounts/a%7F", ERR_INVALID_PATH, -1, 0, NULL},
	{METHOD_GET, "/v1/accounts/a\tb", ERR_INVALID_PATH, -1, 0, NULL},
	{METHOD_GET, "/v1/accounts/%", ERR_INVALID_PATH, -1, 0, NULL},
	{METHOD_GET, "/v1/accounts/%4", ERR_INVALID_PATH, -1, 0, NULL},
	{METHOD_GET, "/v1/accounts/%zz", ERR_INVALID_PATH, -1, 0, NULL},
	{METHOD_GET, "/v1/accounts/%+1", ERR_INVALID_PATH, -1, 0, NULL},
	{METHOD_GET, "/v1/accounts/%C3", ERR_INVALID_PATH, -1, 0, NULL},
	{METHOD_GET, "/v1/accounts/%C0%80", ERR_INVALID_PATH, -1, 0, NULL},
	{METHOD_GET, "/v1/accounts/%ED%A0%80", ERR_INVALID_PATH, -1, 0, NULL},
	{METHOD_GET, "/nothing/%zz", ERR_INVALID_PATH, -1, 0, NULL},
};

START_TEST(find)
{
	struct route_match match = route_find_in(table, ROWS, cases[_i].method, text_of(cases[_i].path));

	ck_assert_msg(match.err == cases[_i].err, "%s: %s", cases[_i].path, error_info(match.err)->code);
	ck_assert_ptr_eq(match.route, cases[_i].row < 0 ? NULL : &table[cases[_i].row]);
	ck_assert_uint_eq(match.allow, cases[_i].allow);
	ck_assert_uint_eq(match.param_count > 0, cases[_i].param != NULL);
	if (cases[_i].param != NULL)
		ck_assert(text_equal_string(match.params[0], cases[_i].param));
}
END_TEST

START_TEST(find_long_segments)
{
	char path[6000] = "/v1/accounts/";

	memset(path + 13, 'a', 4000);
	ck_assert_int_eq(route_find_in(table, ROWS, METHOD_GET, text_of(path)).err, ERR_OK);
	memset(path + 13, 'a', 5000);
	ck_assert_int_eq(route_find_in(table, ROWS, METHOD_GET, text_of(path)).err, ERR_INVALID_PATH);
	/* longer in its escapes than what it stands for */
	path[13] = '\0';
	for (int i = 0; i < 800; i++)
		strcat(path, "%61");
	ck_assert_int_eq(route_find_in(table, ROWS, METHOD_GET, text_of(path)).err, ERR_OK);
}
END_TEST

/* The real table: every row is found by its own path, and nothing stands in its way. */
START_TEST(find_every_row)
{
	for (size_t i = 0; i < routes_count; i++) {
		struct route_match match = route_find(routes[i].method, text_of(routes[i].path));

		ck_assert_msg(match.route == &routes[i], "%s %s is hidden", method_name(routes[i].method), routes[i].path);
		ck_assert((routes[i].run != NULL) != (routes[i].take != NULL && routes[i].settled != NULL));
		ck_assert_ptr_nonnull(routes[i].operation_id);
	}
}
END_TEST

START_TEST(methods)
{
	for (int i = 0; i < METHOD_COUNT; i++)
		ck_assert_int_eq(method_by_name(text_of(method_name((enum method)i))), i);
	ck_assert_int_eq(method_by_name(TEXT("get")), METHOD_COUNT);
	ck_assert_int_eq(method_by_name(TEXT("GETS")), METHOD_COUNT);
	ck_assert_int_eq(method_by_name(TEXT("")), METHOD_COUNT);
}
END_TEST

static const struct {
	const char *raw;
	bool plus;
	const char *decoded; /* NULL: refused */
} decode_cases[] = {
	{"", false, ""},         {"a%20b", false, "a b"}, {"a+b", false, "a+b"}, {"a+b", true, "a b"},
	{"%2B", true, "+"},      {"%c3%A4", false, "ä"},  {"ä", false, "ä"},     {"%25", false, "%"},
	{"%00", false, NULL},    {"%1f", false, NULL},    {"\x7f", false, NULL}, {"a%", false, NULL},
	{"a%a", false, NULL},    {"%-1", false, NULL},    {"%ff", false, NULL},  {"\xff", false, NULL},
};

START_TEST(decode)
{
	char to[64];
	long size = percent_decode(text_of(decode_cases[_i].raw), decode_cases[_i].plus, to);

	if (decode_cases[_i].decoded == NULL)
		ck_assert_int_eq(size, -1);
	else
		ck_assert(size >= 0 && text_equal_string((struct text){to, (size_t)size}, decode_cases[_i].decoded));
}
END_TEST

static const struct {
	const char *raw;
	const char *flat; /* "name=value;" of all; NULL: refused */
	const char *pointer;
} query_cases[] = {
	{"", "", NULL},
	{"a=1", "a=1;", NULL},
	{"a=1&b=2", "a=1;b=2;", NULL},
	{"a=1&a=2", "a=1;a=2;", NULL},
	{"a", "a=;", NULL},
	{"a=", "a=;", NULL},
	{"=1", "=1;", NULL},
	{"&&a=1&", "a=1;", NULL},
	{"a=b=c", "a=b=c;", NULL},
	{"a%3Db=%26", "a=b=&;", NULL},
	{"q=a+b%2Bc", "q=a b+c;", NULL},
	{"caf%C3%A9=%E2%82%AC", "café=€;", NULL},
	{"a=%00", NULL, "a"},
	{"a=1&b=%zz", NULL, "b"},
	{"a=%ff", NULL, "a"},
	{"%00=1", NULL, ""},
	{"%=1", NULL, ""},
};

START_TEST(query)
{
	struct param items[QUERY_PARAMS_MAX];
	struct problems problems = {0};
	struct buffer flat = {0};
	char memory[256];
	size_t count;
	bool fine = query_parse(text_of(query_cases[_i].raw), memory, items, &count, &problems);

	ck_assert_int_eq(fine, query_cases[_i].flat != NULL);
	for (size_t i = 0; fine && i < count; i++) {
		buffer_append_text(&flat, items[i].name);
		buffer_append_string(&flat, "=");
		buffer_append_text(&flat, items[i].value);
		buffer_append_string(&flat, ";");
	}
	if (fine) {
		ck_assert_str_eq(buffer_text(&flat).data, query_cases[_i].flat);
		ck_assert_uint_eq(problems.count, 0);
	} else {
		ck_assert_uint_eq(problems.count, 1);
		ck_assert_str_eq(problems.items[0].pointer, query_cases[_i].pointer);
		ck_assert_str_eq(problems.items[0].code, "invalid_text");
	}
	buffer_free(&flat);
	problems_free(&problems);
}
END_TEST

START_TEST(query_of_too_many)
{
	struct param items[QUERY_PARAMS_MAX];
	struct problems problems = {0};
	struct buffer raw = {0};
	char memory[1024];
	size_t count;

	for (int i = 0; i < QUERY_PARAMS_MAX; i++)
		buffer_printf(&raw, "p%d=%d&", i, i);
	ck_assert(query_parse(buffer_text(&raw), memory, items, &count, &problems));
	ck_assert_uint_eq(count, QUERY_PARAMS_MAX);
	buffer_append_string(&raw, "one=more");
	ck_assert(!query_parse(buffer_text(&raw), memory, items, &count, &problems));
	ck_assert_str_eq(problems.items[0].code, "too_many");
	buffer_free(&raw);
	problems_free(&problems);
}
END_TEST

Suite *suite_route(void)
{
	Suite *suite = suite_create("route");
	TCase *tcase = tcase_create("route");

	tcase_add_loop_test(tcase, find, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tcase, find_long_segments);
	tcase_add_test(tcase, find_every_row);
	tcase_add_test(tcase, methods);
	tcase_add_loop_test(tcase, decode, 0, sizeof decode_cases / sizeof *decode_cases);
	tcase_add_loop_test(tcase, query, 0, sizeof query_cases / sizeof *query_cases);
	tcase_add_test(tcase, query_of_too_many);
	suite_add_tcase(suite, tcase);
	return suite;
}
