/* Texts, buffers, UTF-8, JSON strings, nearest names. */
#include <check.h>
#include <string.h>

#include "text.h"

Suite *suite_text(void);

START_TEST(equality)
{
	ck_assert(text_equal(TEXT("ab"), TEXT("ab")));
	ck_assert(!text_equal(TEXT("ab"), TEXT("abc")));
	ck_assert(!text_equal(TEXT("ab"), TEXT("ac")));
	ck_assert(text_equal_string(TEXT("ab"), "ab"));
	ck_assert(!text_equal_string(TEXT("ab"), "a"));
	/* absent and empty are two things */
	ck_assert(!text_equal((struct text){0}, TEXT("")));
	ck_assert(text_equal((struct text){0}, text_of(NULL)));
	ck_assert_uint_eq(text_of(NULL).size, 0);
}
END_TEST

START_TEST(buffers)
{
	struct buffer buffer = {0};

	ck_assert_str_eq(buffer_text(&buffer).data, "");
	buffer_append_string(&buffer, "");
	ck_assert_str_eq(buffer.data, "");
	for (int i = 0; i < 1000; i++)
		buffer_printf(&buffer, "%d,", i);
	ck_assert_uint_eq(buffer.size, 10 * 2 + 90 * 3 + 900 * 4);
	ck_assert_uint_eq(strlen(buffer.data), buffer.size);
	ck_assert_int_eq(strncmp(buffer.data, "0,1,2,", 6), 0);
	buffer_clear(&buffer);
	ck_assert_uint_eq(buffer.size, 0);
	ck_assert_str_eq(buffer.data, "");
	buffer_append(&buffer, "a\0b", 3);
	ck_assert_uint_eq(buffer.size, 3);
	ck_assert_int_eq(buffer.data[3], '\0');
	buffer_free(&buffer);
	ck_assert_ptr_null(buffer.data);
	ck_assert_uint_eq(buffer.capacity, 0);
}
END_TEST

static const struct {
	const char *text;
	size_t most;
	const char *beginning;
} beginning_cases[] = {
	{"", 0, ""},
	{"abc", 3, "abc"},
	{"abc", 2, "ab"},
	{"abc", 0, ""},
	{"a\xC3\xA4", 3, "a\xC3\xA4"},
	{"a\xC3\xA4", 2, "a"},
	{"\xC3\xA4\xC3\xB6", 3, "\xC3\xA4"},
	{"\xF0\x9F\x98\x80", 3, ""},
	{"x\xF0\x9F\x98\x80y", 5, "x\xF0\x9F\x98\x80"},
};

START_TEST(beginnings)
{
	struct text text = text_of(beginning_cases[_i].text), beginning = text_beginning(text, beginning_cases[_i].most);
	struct buffer buffer = {0};

	ck_assert(text_equal_string(beginning, beginning_cases[_i].beginning));
	ck_assert_ptr_eq(beginning.data, text.data);
	buffer_append_text(&buffer, text);
	buffer_shorten(&buffer, beginning_cases[_i].most);
	ck_assert_str_eq(buffer.data, beginning_cases[_i].beginning);
	ck_assert_uint_eq(buffer.size, strlen(buffer.data));
	buffer_free(&buffer);
}
END_TEST

static const struct {
	const char *bytes;
	size_t size;
	bool clean;
	const char *json;
} utf8_cases[] = {
	{"", 0, true, "\"\""},
	{"plain", 5, true, "\"plain\""},
	{"a\"b\\c", 5, true, "\"a\\\"b\\\\c\""},
	{"\b\t\n\f\r\x01\x1f\x7f", 8, true, "\"\\b\\t\\n\\f\\r\\u0001\\u001f\\u007f\""},
	{"a\0b", 3, false, "\"a\\u0000b\""},
	{"\xC3\xA4", 2, true, "\"\xC3\xA4\""},
	{"\xE2\x82\xAC", 3, true, "\"\xE2\x82\xAC\""},
	{"\xF0\x9F\x98\x80", 4, true, "\"\xF0\x9F\x98\x80\""},
	{"\xF4\x8F\xBF\xBF", 4, true, "\"\xF4\x8F\xBF\xBF\""},     /* U+10FFFF */
	{"\xF4\x90\x80\x80", 4, false, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""}, /* one more */
	{"\xC0\x80", 2, false, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},    /* overlong */
	{"\xC1\xBF", 2, false, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
	{"\xE0\x9F\xBF", 3, false, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
	{"\xED\xA0\x80", 3, false, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""}, /* surrogate */
	{"\xED\x9F\xBF", 3, true, "\"\xED\x9F\xBF\""},             /* the last before them */
	{"\xF0\x8F\xBF\xBF", 4, false, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
	{"a\xC3", 2, false, "\"a\xEF\xBF\xBD\""},                  /* cut */
	{"\x80", 1, false, "\"\xEF\xBF\xBD\""},
	{"\xFF", 1, false, "\"\xEF\xBF\xBD\""},
};

START_TEST(utf8)
{
	struct text text = {utf8_cases[_i].bytes, utf8_cases[_i].size};
	struct buffer json = {0};

	ck_assert_int_eq(text_is_clean_utf8(text), utf8_cases[_i].clean);
	buffer_append_json_string(&json, text);
	ck_assert_str_eq(json.data, utf8_cases[_i].json);
	ck_assert(text_is_clean_utf8(buffer_text(&json)));
	buffer_free(&json);
}
END_TEST

static const char *const names[] = {"amount", "currency", "stage", "owner", "id"};

static const struct {
	const char *name;
	int nearest;
} nearest_cases[] = {
	{"amount", 0}, {"ammount", 0}, {"AMOUNT", 0}, {"amuont", 0}, {"curency", 1}, {"stge", 2}, {"stages", 2}, {"ower", 3},
	{"", -1},      {"zzzzzz", -1}, {"x", -1},     {"probability", -1}, {"ID", 4},
};

START_TEST(nearest)
{
	ck_assert_int_eq(text_nearest(text_of(nearest_cases[_i].name), names, 5), nearest_cases[_i].nearest);
}
END_TEST

START_TEST(nearest_of_the_very_long)
{
	char name[1000];

	memset(name, 'a', sizeof name);
	ck_assert_int_eq(text_nearest((struct text){name, sizeof name}, names, 5), -1);
	ck_assert_int_eq(text_nearest(TEXT("amount"), names, 0), -1);
}
END_TEST

Suite *suite_text(void)
{
	Suite *suite = suite_create("text");
	TCase *tcase = tcase_create("text");

	tcase_add_test(tcase, equality);
	tcase_add_test(tcase, buffers);
	tcase_add_loop_test(tcase, beginnings, 0, sizeof beginning_cases / sizeof *beginning_cases);
	tcase_add_loop_test(tcase, utf8, 0, sizeof utf8_cases / sizeof *utf8_cases);
	tcase_add_loop_test(tcase, nearest, 0, sizeof nearest_cases / sizeof *nearest_cases);
	tcase_add_test(tcase, nearest_of_the_very_long);
	suite_add_tcase(suite, tcase);
	return suite;
}
