/* Values on their way from a source: decimals, times, conversions, pointers. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "webhook/glob.h"
#include "webhook/moment.h"
#include "webhook/number.h"
#include "webhook/pointer_tree.h"
#include "webhook/scalar.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define NINES "999999999999999999999999999999"

static void check_text(struct text got, const char *expected, const char *given)
{
	ck_assert_msg(expected == NULL ? got.data == NULL : text_equal_string(got, expected), "%s gives %.*s", given, (int)got.size, got.data != NULL ? got.data : "nothing");
}

static const struct {
	const char *text, *scale;
	int places;
	const char *made; /* NULL: none */
} numbers[] = {
	{"45000.10", NULL, NUMBER_ANY, "45000.10"},
	{"-0.0", NULL, NUMBER_ANY, "-0.0"},
	{"1e3", NULL, NUMBER_ANY, "1e3"},
	{"007", NULL, NUMBER_ANY, "7"},
	{"-007.50", NULL, NUMBER_ANY, "-7.5"},
	{"0.200000000000000011102230246251565404236316680908203125", NULL, NUMBER_ANY, "0.200000000000000011102230246252"},
	{"0.200000000000000011102230246251565404236316680908203125", NULL, 4, "0.2"},
	{"12345678901234567890.123456789", "0.01", NUMBER_ANY, "123456789012345678.90123456789"},
	{"100000", "0.01", NUMBER_ANY, "1000"},
	{"15", "60", NUMBER_ANY, "900"},
	{"180500", "0.001", NUMBER_ANY, "180.5"},
	{"1.5e-3", "1000", NUMBER_ANY, "1.5"},
	{"1.5E+3", "1", 0, "1500"},
	{"9.995", NULL, 2, "10"},
	{"-9.995", NULL, 2, "-10"},
	{"99.5", NULL, 0, "100"},
	{"0.5", NULL, 0, "1"},
	{"0.4", NULL, 0, "0"},
	{"-0.4", NULL, 0, "0"},
	{"0.0004", NULL, 2, "0"},
	{"0.05", NULL, 1, "0.1"},
	{"0", "0.01", NUMBER_ANY, "0"},
	{NINES, NULL, NUMBER_ANY, NINES},
	{NINES, "10", NUMBER_ANY, NULL},
	{NINES "9", NULL, NUMBER_ANY, NULL},
	{"1e30", "1", NUMBER_ANY, NULL},
	{"1e400", NULL, NUMBER_ANY, NULL},
	{"1e-400", NULL, NUMBER_ANY, NULL},
	{"1e", "1", NUMBER_ANY, NULL},
	{"1ex", "1", NUMBER_ANY, NULL},
	{"1.", NULL, 2, NULL},
	{".5", NULL, 2, NULL},
	{"+5", NULL, 2, NULL},
	{"12,5", NULL, NUMBER_ANY, NULL},
	{"1 000", NULL, NUMBER_ANY, NULL},
	{"NaN", NULL, NUMBER_ANY, NULL},
	{"", NULL, 2, NULL},
	{"-", NULL, 2, NULL},
	{"5", "x", NUMBER_ANY, NULL},
};

START_TEST(decimals)
{
	struct arena arena = {0};

	check_text(number_make(&arena, text_of(numbers[_i].text), text_of(numbers[_i].scale), numbers[_i].places), numbers[_i].made, numbers[_i].text);
	arena_free(&arena);
}
END_TEST

static const struct {
	const char *text;
	enum moment_unit unit;
	const char *time, *date;
} moments[] = {
	{"2026-01-14T18:16:56.057Z", MOMENT_AUTO, "2026-01-14T18:16:56.057Z", "2026-01-14"},
	{"2026-01-14T23:30:00+02:00", MOMENT_AUTO, "2026-01-14T23:30:00+02:00", "2026-01-14"},
	{"2020-05-09T03:04:32.000+0000", MOMENT_AUTO, "2020-05-09T03:04:32.000+00:00", "2020-05-09"},
	{"2020-05-09T03:04:32-0730", MOMENT_AUTO, "2020-05-09T03:04:32-07:30", "2020-05-09"},
	{"2022-11-24 15:39:48", MOMENT_AUTO, "2022-11-24 15:39:48Z", "2022-11-24"},
	{"2026-01-14T18:16:56.057000", MOMENT_AUTO, "2026-01-14T18:16:56.057000Z", "2026-01-14"},
	{"2026-01-14T18:16", MOMENT_AUTO, "2026-01-14T18:16:00Z", "2026-01-14"},
	{"2026-01-14T18:16Z", MOMENT_AUTO, "2026-01-14T18:16:00Z", "2026-01-14"},
	{"2026-01-14", MOMENT_AUTO, "2026-01-14T00:00:00Z", "2026-01-14"},
	{"1782371972793", MOMENT_AUTO, "2026-06-25T07:19:32.793Z", "2026-06-25"},
	{"1782371972793", MOMENT_MILLISECONDS, "2026-06-25T07:19:32.793Z", "2026-06-25"},
	{"1782371972", MOMENT_AUTO, "2026-06-25T07:19:32Z", "2026-06-25"},
	{"1782371972", MOMENT_SECONDS, "2026-06-25T07:19:32Z", "2026-06-25"},
	{"1782371972", MOMENT_MILLISECONDS, "1970-01-21T15:06:11.972Z", "1970-01-21"},
	{"1680840600882126", MOMENT_AUTO, "2023-04-07T04:10:00.882126Z", "2023-04-07"},
	{"-1500", MOMENT_MILLISECONDS, "1969-12-31T23:59:58.500Z", "1969-12-31"},
	{"0", MOMENT_SECONDS, "1970-01-01T00:00:00Z", "1970-01-01"},
	{"/Date(1506409448000-0700)/", MOMENT_AUTO, "2017-09-26T07:04:08Z", "2017-09-26"},
	{"/Date(1506409448000+1400)/", MOMENT_AUTO, "2017-09-26T07:04:08Z", "2017-09-26"},
	{"/Date(1506384247000)/", MOMENT_AUTO, "2017-09-26T00:04:07Z", "2017-09-26"},
	{"/Date(-62135596800000)/", MOMENT_AUTO, "0001-01-01T00:00:00Z", "0001-01-01"},
	{"/Date(x)/", MOMENT_AUTO, NULL, NULL},
	{"/Date()/", MOMENT_AUTO, NULL, NULL},
	{"/Date(5)", MOMENT_AUTO, NULL, NULL},
	{"999999999999999999", MOMENT_SECONDS, NULL, NULL},
	{"253402300800", MOMENT_SECONDS, NULL, NULL},
	{"9999999999999999999", MOMENT_AUTO, NULL, NULL},
	{"2026-02-30", MOMENT_AUTO, NULL, NULL},
	{"2026-02-28T25:00", MOMENT_AUTO, NULL, NULL},
	{"2026-01-14T18:16:56+2", MOMENT_AUTO, NULL, NULL},
	{"14.01.2026", MOMENT_AUTO, NULL, NULL},
	{"soon", MOMENT_AUTO, NULL, NULL},
	{"1.5", MOMENT_AUTO, NULL, NULL},
	{"", MOMENT_AUTO, NULL, NULL},
};

START_TEST(times)
{
	struct arena arena = {0};

	check_text(moment_make(&arena, text_of(moments[_i].text), moments[_i].unit), moments[_i].time, moments[_i].text);
	check_text(moment_date(&arena, text_of(moments[_i].text), moments[_i].unit), moments[_i].date, moments[_i].text);
	arena_free(&arena);
}
END_TEST

static const struct {
	const char *raw;
	enum conversion conversion;
	const char *made; /* JSON; or the code of what is wrong */
} conversions[] = {
	{"\"a\\u00e4\"", CONVERT_NONE, "\"aä\""},
	{"\"\\ud800\"", CONVERT_NONE, "invalid_text"},
	{"\"\"", CONVERT_NUMBER, "null"},
	{"null", CONVERT_DATE, "null"},
	{"5.50", CONVERT_STRING, "\"5.50\""},
	{"true", CONVERT_STRING, "\"true\""},
	{"[1]", CONVERT_STRING, "wrong_type"},
	{"{}", CONVERT_STRING, "wrong_type"},
	{"\" 12 \"", CONVERT_NUMBER, "12"},
	{"true", CONVERT_NUMBER, "not_a_number"},
	{"[5]", CONVERT_NUMBER, "not_a_number"},
	{"\"2.5\"", CONVERT_INTEGER, "3"},
	{"\"TRUE\"", CONVERT_BOOLEAN, "true"},
	{"\"No\"", CONVERT_BOOLEAN, "false"},
	{"1", CONVERT_BOOLEAN, "true"},
	{"0", CONVERT_BOOLEAN, "false"},
	{"2", CONVERT_BOOLEAN, "not_a_boolean"},
	{"[]", CONVERT_BOOLEAN, "not_a_boolean"},
	{"\"2026-01-14T18:16:56Z\"", CONVERT_DATE, "\"2026-01-14\""},
	{"true", CONVERT_DATE, "not_a_date"},
	{"\"2026-01-14\"", CONVERT_MOMENT, "\"2026-01-14\""},
	{"1782371972793", CONVERT_MOMENT, "\"2026-06-25T07:19:32.793Z\""},
	{"{}", CONVERT_DATETIME, "not_a_datetime"},
	{"\"1782371972\"", CONVERT_EPOCH_S, "\"2026-06-25T07:19:32Z\""},
	{"\"01:30\"", CONVERT_DURATION, "5400"},
	{"\"01:30:05\"", CONVERT_DURATION, "5405"},
	{"90", CONVERT_DURATION, "90"},
	{"\"90.5\"", CONVERT_DURATION, "90.5"},
	{"\"01:75\"", CONVERT_DURATION, "not_a_duration"},
	{"\"1:2:3:4\"", CONVERT_DURATION, "not_a_duration"},
	{"\"a:b\"", CONVERT_DURATION, "not_a_duration"},
	{"\"99999:00\"", CONVERT_DURATION, "not_a_duration"},
	{"\":\"", CONVERT_DURATION, "not_a_duration"},
	{"\"HoT\"", CONVERT_LOWER, "\"hot\""},
	{"\"eur\"", CONVERT_UPPER, "\"EUR\""},
	{"{}", CONVERT_LOWER, "wrong_type"},
	{"\"a; b;;c \"", CONVERT_LIST, "[\"a\",\"b\",\"c\"]"},
	{"\";\"", CONVERT_LIST, "null"},
	{"[1,\"b\",true,\"\"]", CONVERT_LIST, "[\"1\",\"b\",\"true\"]"},
	{"[]", CONVERT_LIST, "null"},
	{"[null]", CONVERT_LIST, "wrong_type"},
	{"[[1]]", CONVERT_LIST, "wrong_type"},
	{"{}", CONVERT_LIST, "wrong_type"},
	{"\"0065w000023STAm\"", CONVERT_ID18, "\"0065w000023STAmAAO\""},
	{"\"0065w000023STAmAAO\"", CONVERT_ID18, "\"0065w000023STAmAAO\""},
	{"\"001ak00000IiFIn\"", CONVERT_ID18, "\"001ak00000IiFInAAN\""},
	{"[]", CONVERT_ID18, "wrong_type"},
};

START_TEST(conversions_of_values)
{
	struct arena arena = {0};
	struct buffer out = {0};
	struct scalar scalar = scalar_convert(&arena, scalar_read(&arena, text_of(conversions[_i].raw)),
					      &(struct convert_options){.conversion = conversions[_i].conversion, .separator = ';'});

	if (scalar.type == SCALAR_BROKEN)
		buffer_append_string(&out, scalar.code);
	else
		scalar_write(scalar, &out);
	ck_assert_str_eq(out.data, conversions[_i].made);
	buffer_free(&out);
	arena_free(&arena);
}
END_TEST

/* ── patterns ───────────────────────────────────────────────────────────────────────────────────── */
static const struct {
	const char *pattern, *text;
	bool matches;
} globs[] = {
	{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "abc", true}, {"**", "a", true}, {"abc", "abc", true}, {"abc", "abd", false}, {"abc", "ab", false},
	{"a?c", "abc", true}, {"a?c", "ac", false}, {"*__c", "Region__c", true}, {"*__c", "Region__cx", false}, {"new_*", "new_x", true}, {"new_*", "new", false},
	{"006*", "0065w000023STAmAAO", true}, {"*.create", "Opportunity.create", true}, {"*a*b*c*", "xaxbxcx", true}, {"*a*b*c", "acb", false}, {"*aab", "aaaab", true},
	{"c[A-Z]*", "cRegion", true}, {"c[A-Z]*", "country", false}, {"[!a-c]", "d", true}, {"[!a-c]", "b", false}, {"[a-c_9]x", "_x", true}, {"[]]", "]", true},
	{"[a-]", "-", true}, {"[ab", "[ab", true}, {"[", "[", true}, {"cr???_*", "cr123_beds", true}, {"cr???_*", "cr12_beds", false}, {"a*", "b", false},
};

START_TEST(patterns)
{
	ck_assert_msg(glob_matches(text_of(globs[_i].pattern), text_of(globs[_i].text)) == globs[_i].matches, "%s and %s", globs[_i].pattern, globs[_i].text);
}
END_TEST

/* A pattern that takes fnmatch(3) longer than the universe is old. */
START_TEST(many_stars)
{
	struct buffer pattern = {0}, text = {0};

	for (int i = 0; i < 1000; i++) {
		buffer_append_string(&pattern, "*a");
		buffer_append_string(&text, "aaaa");
	}
	buffer_append_string(&pattern, "*b");
	ck_assert(!glob_matches(buffer_text(&pattern), buffer_text(&text)));
	ck_assert(glob_is_pattern(buffer_text(&pattern)) && !glob_is_pattern(buffer_text(&text)));
	buffer_free(&pattern);
	buffer_free(&text);
}
END_TEST

/* ── pointers ───────────────────────────────────────────────────────────────────────────────────── */
static const char document[] =
    "{\"a\":{\"b\":[10,{\"c\":null},12,13,14,15,16,17,18,19,\"ten\"]},\"m~n\":1,\"x/y\":2,\"\":3,\"\\u00e4\":4,"
    "\"list\":[{\"key\":\"k\",\"value\":5},{\"value\":6,\"key\":\"l\"},{\"key\":7,\"value\":8},\"other\"]}";

static const struct {
	const char *pointer, *value; /* NULL: nothing stands there */
	bool folded;
} pointers[] = {
	{"/a/b/0", "10", false},     {"/a/b/1/c", "null", false}, {"/a/b/10", "\"ten\"", false}, {"/a/b/11", NULL, false},
	{"/a/b/01", NULL, false},    {"/a/c", NULL, false},       {"/m~0n", "1", false},         {"/x~1y", "2", false},
	{"/", "3", false},           {"/ä", "4", false},          {"/list/k", NULL, false},      {"/list/k", "5", true},
	{"/list/l", "6", true},      {"/list/3", "\"other\"", true}, {"/a/b/0/z", NULL, false},
};

START_TEST(pointers_lead)
{
	struct arena arena = {0};
	struct pointer_tree tree = {0};
	struct pointer_reading reading = {.key = TEXT("key"), .value = TEXT("value")};
	struct text slots[COUNT(pointers)];
	int slot = pointer_tree_add(&tree, &arena, text_of(pointers[_i].pointer));
	struct pointer_scan scan = {.tree = &tree, .reading = pointers[_i].folded ? &reading : NULL, .slots = slots};

	ck_assert_int_eq(pointer_tree_add(&tree, &arena, text_of(pointers[_i].pointer)), slot);
	for (int i = 0; i < COUNT(pointers); i++)
		ck_assert_int_ge(pointer_tree_add(&tree, &arena, text_of(pointers[i].pointer)), 0);
	pointer_tree_finish(&tree, &arena);
	pointer_scan(&scan, text_of(document));
	check_text(slots[slot], pointers[_i].value, pointers[_i].pointer);
	ck_assert_int_eq(scan.doubled, -1);
	if (!pointers[_i].folded)
		check_text(pointer_find(text_of(document), text_of(pointers[_i].pointer)), pointers[_i].value, pointers[_i].pointer);
	arena_free(&arena);
}
END_TEST

START_TEST(what_is_no_pointer)
{
	static const char *const texts[] = {"a", "/~", "/~2", "/a~", "a/b"};
	struct arena arena = {0};
	struct pointer_tree tree = {0};
	char deep[2 * POINTER_DEPTH_MAX + 3] = "";

	for (int i = 0; i < COUNT(texts); i++)
		ck_assert_int_eq(pointer_tree_add(&tree, &arena, text_of(texts[i])), -1);
	for (int i = 0; i <= POINTER_DEPTH_MAX; i++)
		memcpy(deep + 2 * i, "/a", 3);
	ck_assert_int_eq(pointer_tree_add(&tree, &arena, text_of(deep)), -1);
	deep[2 * POINTER_DEPTH_MAX] = '\0';
	ck_assert_int_ge(pointer_tree_add(&tree, &arena, text_of(deep)), 0);
	ck_assert_ptr_null(pointer_find(TEXT("{\"a\":1}"), TEXT("a")).data);
	arena_free(&arena);
}
END_TEST

START_TEST(slots_have_an_end)
{
	struct arena arena = {0};
	struct pointer_tree tree = {0};
	char name[8];

	for (int i = 0; i < POINTER_SLOTS_MAX; i++) {
		snprintf(name, sizeof name, "/%d", i);
		ck_assert_int_eq(pointer_tree_add(&tree, &arena, text_of(name)), i);
	}
	ck_assert_int_eq(pointer_tree_add(&tree, &arena, TEXT("/one/more")), -1);
	arena_free(&arena);
}
END_TEST

START_TEST(names_that_stand_twice)
{
	struct arena arena = {0};
	struct pointer_tree tree = {0};
	struct text slots[2];
	struct pointer_scan scan = {.tree = &tree, .slots = slots};

	pointer_tree_add(&tree, &arena, TEXT("/a"));
	pointer_tree_add(&tree, &arena, TEXT("/b/c"));
	pointer_tree_finish(&tree, &arena);
	pointer_scan(&scan, TEXT("{\"b\":{\"c\":1,\"\\u0063\":2},\"d\":1,\"d\":2}"));
	ck_assert_int_eq(scan.doubled, 1);
	pointer_scan(&scan, TEXT("{\"d\":1,\"d\":2}"));
	ck_assert_int_eq(scan.doubled, -1);
	arena_free(&arena);
}
END_TEST

Suite *suite_webhook_values(void);
Suite *suite_webhook_values(void)
{
	Suite *suite = suite_create("webhook_values");
	TCase *cases = tcase_create("webhook_values");

	tcase_add_loop_test(cases, decimals, 0, COUNT(numbers));
	tcase_add_loop_test(cases, times, 0, COUNT(moments));
	tcase_add_loop_test(cases, conversions_of_values, 0, COUNT(conversions));
	tcase_add_loop_test(cases, patterns, 0, COUNT(globs));
	tcase_add_test(cases, many_stars);
	tcase_add_loop_test(cases, pointers_lead, 0, COUNT(pointers));
	tcase_add_test(cases, what_is_no_pointer);
	tcase_add_test(cases, slots_have_an_end);
	tcase_add_test(cases, names_that_stand_twice);
	suite_add_tcase(suite, cases);
	return suite;
}
