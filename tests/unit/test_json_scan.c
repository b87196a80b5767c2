#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "json_scan.h"
#include "shape.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static const struct {
	const char *text;
	const char *message; /* NULL: valid */
	size_t offset;
} validity[] = {
	{"{}", NULL, 0}, {" [1, -0, 1.5e+3, \"a\\u00e9\\n\", true, false, null] ", NULL, 0}, {"\"x\"", NULL, 0}, {"0", NULL, 0},
	{"{\"a\":1,\"a\":2}", NULL, 0}, {"\"\\ud800\"", NULL, 0},
	{"", "a value is missing at the end", 0}, {"[1,]", "a value was expected: an object, an array, a text, a number, true, false or null", 3},
	{"[1 2]", "a comma or ] is missing", 3}, {"{\"a\" 1}", "a colon is missing", 5}, {"{a:1}", "a text in double quotes was expected", 1},
	{"{\"a\":1,}", "a text in double quotes was expected", 7}, {"[01]", "a number does not begin with 0 and another digit", 2},
	{"[1.]", "a digit was expected", 3}, {"[-]", "a digit was expected", 2}, {"[1e]", "a digit was expected", 3},
	{"\"abc", "a text does not end", 4}, {"\"a\nb\"", "a control character in a text must be escaped", 2}, {"\"\\x\"", "there is no such escape", 2},
	{"\"\\u12g4\"", "\\u needs four hexadecimal digits", 5}, {"{} x", "there is something behind the end of the value", 3},
	{"NaN", "a value was expected: an object, an array, a text, a number, true, false or null", 0},
	{"tru", "a value was expected: null, true, false, a number, or a text in double quotes", 0},
	{"\xEF\xBB\xBF{}", "it begins with a byte order mark", 0}, {"\"\xC3\"", "it is not valid UTF-8", 3}, {"\"\xED\xA0\x80\"", "it is not valid UTF-8", 5},
};

START_TEST(valid_or_not)
{
	struct json_fault fault = {0};
	struct text text = text_of(validity[_i].text);
	bool valid = json_scan_valid(text, NULL, &fault);

	ck_assert_msg(valid == (validity[_i].message == NULL), "%s", validity[_i].text);
	if (valid)
		return;
	ck_assert_str_eq(fault.message, validity[_i].message);
	ck_assert_uint_eq(fault.offset, validity[_i].offset);
	ck_assert(!fault.too_deep);
}
END_TEST

START_TEST(depth_is_bounded)
{
	char text[2 * (JSON_DEPTH_MAX + 1) + 1];
	struct json_fault fault = {0};
	size_t values;

	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	ck_assert(json_scan_valid((struct text){text, 2 * JSON_DEPTH_MAX}, &values, &fault));
	ck_assert_uint_eq(values, JSON_DEPTH_MAX);
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	ck_assert(!json_scan_valid((struct text){text, 2 * (JSON_DEPTH_MAX + 1)}, &values, &fault));
	ck_assert(fault.too_deep);
}
END_TEST

START_TEST(elements_are_raw)
{
	static const char *const expected[] = {"{\"id\":\"a,]\"}", "12345678901234567890.10", "[1,[2]]", "null"};
	struct text text = text_of(" [ {\"id\":\"a,]\"} ,12345678901234567890.10,\n[1,[2]] , null ] "), element;
	struct json_walk walk;
	int count = 0;

	ck_assert(json_walk_open(text, &walk));
	ck_assert(!walk.is_object);
	while (json_walk_next(&walk, NULL, &element) == JSON_STEP_VALUE) {
		ck_assert_int_lt(count, COUNT(expected));
		ck_assert(text_equal_string(element, expected[count++]));
	}
	ck_assert_int_eq(count, COUNT(expected));
}
END_TEST

static const struct {
	const char *text;
	int values; /* before it breaks */
} broken[] = {{"[1,2", 2}, {"[1 2]", 1}, {"[,1]", 0}, {"[1,,2]", 1}, {"{\"a\":1,}", 1}, {"{\"a\":}", 0}, {"{\"a\"}", 0}, {"[", 0}, {"{\"a\":1 \"b\":2}", 1}};

START_TEST(walks_break_off)
{
	struct json_walk walk;
	struct text value;
	enum json_step step;
	int values = 0;

	ck_assert(json_walk_open(text_of(broken[_i].text), &walk));
	while ((step = json_walk_next(&walk, NULL, &value)) == JSON_STEP_VALUE)
		values++;
	ck_assert_int_eq(step, JSON_STEP_BROKEN);
	ck_assert_int_eq(values, broken[_i].values);
}
END_TEST

START_TEST(members_by_decoded_name)
{
	struct text object = text_of("{\"x\":{\"amount\":1},\"am\\u006funt\": 1.10 ,\"amount2\":3,\"e\\\"\":4}");

	ck_assert(text_equal_string(json_member(object, "amount"), "1.10"));
	ck_assert(text_equal_string(json_member(object, "x"), "{\"amount\":1}"));
	ck_assert(text_equal_string(json_member(object, "e\""), "4"));
	ck_assert_ptr_null(json_member(object, "amoun").data);
	ck_assert_ptr_null(json_member(text_of("[1]"), "a").data);
	ck_assert_ptr_null(json_member((struct text){0}, "a").data);
	ck_assert_ptr_null(json_member(text_of("{\"a\":"), "a").data);
}
END_TEST

static const struct {
	const char *raw;
	const char *decoded; /* NULL: none */
} strings[] = {
	{"\"\"", ""}, {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "a\"\\/\b\f\n\r\tz"}, {"\"\\u00e9\\u20ac\"", "\xC3\xA9\xE2\x82\xAC"},
	{"\"\\uD83D\\uDE00\"", "\xF0\x9F\x98\x80"}, {"\"\\ud83d\"", NULL}, {"\"\\ud83dx\"", NULL}, {"\"\\ud83d\\u0041\"", NULL},
	{"\"\\ude00\"", NULL}, {"\"\\u0000\"", NULL}, {"abc", NULL}, {"\"abc", NULL}, {"\"a\"b", NULL}, {"12", NULL},
};

START_TEST(strings_decode)
{
	struct buffer out = {0};
	bool decoded = json_string_decode(text_of(strings[_i].raw), &out);

	ck_assert_msg(decoded == (strings[_i].decoded != NULL), "%s", strings[_i].raw);
	if (decoded)
		ck_assert(text_equal_string(buffer_text(&out), strings[_i].decoded));
	buffer_free(&out);
}
END_TEST

START_TEST(numbers_and_their_places)
{
	static const struct {
		const char *number, *pointer;
	} expected[] = {{"1", "/a~1b/0"}, {"-2.50", "/a~1b/1/c~0"}, {"3e5", "/d"}};
	struct text text = text_of("{\"a/b\":[1,{\"c~\":-2.50,\"n9\":\"4\"}],\"\\u0064\":3e5,\"t\":true}"), number;
	size_t at = 0;
	int count = 0;

	while (json_next_number(text, &at, &number)) {
		struct buffer pointer = {0};

		ck_assert_int_lt(count, COUNT(expected));
		ck_assert(text_equal_string(number, expected[count].number));
		json_pointer_at(text, (size_t)(number.data - text.data), &pointer);
		ck_assert_str_eq(pointer.data, expected[count++].pointer);
		buffer_free(&pointer);
	}
	ck_assert_int_eq(count, COUNT(expected));
}
END_TEST

START_TEST(positions)
{
	size_t line, column;

	json_scan_position(text_of("{\n  \"a\": x"), 9, &line, &column);
	ck_assert_uint_eq(line, 2);
	ck_assert_uint_eq(column, 8);
	json_scan_position(text_of(""), 0, &line, &column);
	ck_assert_uint_eq(line, 1);
	ck_assert_uint_eq(column, 1);
}
END_TEST

static const struct {
	const char *text;
	const char *code; /* NULL: parsed */
	const char *message;
} parses[] = {
	{"{\"a\":1}", NULL, NULL}, {"5", NULL, NULL}, {"[12345678901234567890]", NULL, NULL},
	{"{\"a\":1,", "invalid_json", "line 1, column 8: a text in double quotes was expected"},
	{"{\"a\":1,\"a\":2}", "duplicate_key", NULL}, {"{\"a\":1,\"\\u0061\":2}", "duplicate_key", NULL},
	{"[\"\\u0000\"]", "invalid_text", NULL}, {"{\"\\u0000\":1}", "invalid_text", NULL}, {"[\"\\ud800\"]", "invalid_text", NULL},
	{"[1e400]", "out_of_range", "a number is too large"}, {"[\"\xFF\"]", "invalid_json", "line 1, column 6: it is not valid UTF-8"},
};

START_TEST(parsing)
{
	const char *code = NULL, *message = NULL;
	json_t *value = json_parse_strict(text_of(parses[_i].text), &code, &message);

	ck_assert_msg((value != NULL) == (parses[_i].code == NULL), "%s", parses[_i].text);
	if (value == NULL)
		ck_assert_str_eq(code, parses[_i].code);
	if (parses[_i].message != NULL)
		ck_assert_str_eq(message, parses[_i].message);
	json_decref(value);
}
END_TEST

START_TEST(nul_and_size_are_refused)
{
	const char *code = NULL, *message = NULL;
	struct buffer many = {0};

	ck_assert_ptr_null(json_parse_strict((struct text){"123\0", 4}, &code, &message));
	ck_assert_str_eq(code, "invalid_json");
	ck_assert_ptr_null(json_parse_strict((struct text){"[1\0]", 4}, &code, &message));
	ck_assert_str_eq(code, "invalid_json");
	buffer_append_string(&many, "[0");
	for (int i = 0; i < 100000; i++)
		buffer_append_string(&many, ",0");
	buffer_append_string(&many, "]");
	ck_assert_ptr_null(json_parse_strict(buffer_text(&many), &code, &message));
	ck_assert_str_eq(code, "too_many_values");
	buffer_free(&many);
}
END_TEST

Suite *suite_json_scan(void);
Suite *suite_json_scan(void)
{
	Suite *suite = suite_create("json_scan");
	TCase *cases = tcase_create("json_scan");

	tcase_add_loop_test(cases, valid_or_not, 0, COUNT(validity));
	tcase_add_test(cases, depth_is_bounded);
	tcase_add_test(cases, elements_are_raw);
	tcase_add_loop_test(cases, walks_break_off, 0, COUNT(broken));
	tcase_add_test(cases, members_by_decoded_name);
	tcase_add_loop_test(cases, strings_decode, 0, COUNT(strings));
	tcase_add_test(cases, numbers_and_their_places);
	tcase_add_test(cases, positions);
	tcase_add_loop_test(cases, parsing, 0, COUNT(parses));
	tcase_add_test(cases, nul_and_size_are_refused);
	suite_add_tcase(suite, cases);
	return suite;
}
