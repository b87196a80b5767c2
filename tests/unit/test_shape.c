#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "shape.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static void check_even(const json_t *value, const char *pointer, struct problems *problems)
{
	if (json_integer_value(value) % 2 != 0)
		problems_add(problems, pointer, "odd", "must be even");
}

static const char *const colours[] = {"red", "green", "blue", NULL};
static const struct field name_element = {.name = "name", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 3};
static const struct field inner_fields[] = {
	{.name = "key", .type = FIELD_STRING, .required = true},
	{.name = "part", .type = FIELD_DECIMAL, .bounded = true, .min = 0, .max = 1},
};
static const struct shape inner_shape = SHAPE("inner", inner_fields);
static const struct field inner_element = {.name = "inner", .type = FIELD_OBJECT, .inner = &inner_shape, .no_null = true};
static const struct field fields[] = {
	{.name = "name", .type = FIELD_STRING, .required = true, .bounded = true, .min = 1, .max = 5, .summary = "what it is called"},
	{.name = "ref", .type = FIELD_ID},
	{.name = "amount", .type = FIELD_DECIMAL},
	{.name = "share", .type = FIELD_DECIMAL, .bounded = true, .min = 0, .max = 1},
	{.name = "count", .type = FIELD_INTEGER, .bounded = true, .min = -3, .max = 10},
	{.name = "even", .type = FIELD_INTEGER, .check = check_even},
	{.name = "flag", .type = FIELD_BOOLEAN, .no_null = true},
	{.name = "day", .type = FIELD_DATE},
	{.name = "at", .type = FIELD_DATETIME},
	{.name = "moment", .type = FIELD_DATE_OR_DATETIME},
	{.name = "currency", .type = FIELD_CURRENCY},
	{.name = "colour", .type = FIELD_WORD, .words = colours},
	{.name = "inner", .type = FIELD_OBJECT, .inner = &inner_shape},
	{.name = "names", .type = FIELD_LIST, .element = &name_element, .bounded = true, .min = 1, .max = 2},
	{.name = "inners", .type = FIELD_LIST, .element = &inner_element},
	{.name = "attributes", .type = FIELD_OPEN},
	{.name = "any", .type = FIELD_ANY},
};
static const struct shape shape = SHAPE("thing", fields);

/* problems: "pointer code" of each, separated by commas; "" when it fits. */
static const struct {
	const char *json;
	const char *problems;
} records[] = {
	{"{}", ""},
	{"{\"name\":\"A\",\"ref\":\"x\",\"amount\":1.5,\"share\":1,\"count\":-3,\"even\":2,\"flag\":true,\"day\":\"2017-01-31\"}", ""},
	{"{\"at\":\"2017-01-31T00:00:00Z\",\"moment\":\"2017-01-31\",\"currency\":\"EUR\",\"colour\":\"red\",\"any\":[{}]}", ""},
	{"{\"inner\":{\"key\":\"k\",\"part\":\"0.5\"},\"names\":[\"a\",\"b\"],\"inners\":[],\"attributes\":{\"a\":1,\"b\":[\"x\"],\"c\":null}}", ""},
	{"{\"ref\":null,\"amount\":null,\"names\":null,\"inner\":null,\"attributes\":null}", ""},
	{"[]", " wrong_type"},
	{"{\"nmae\":1}", "/nmae unknown_attribute"},
	{"{\"a/b~c\":1}", "/a~1b~0c unknown_attribute"},
	{"{\"name\":null}", "/name required"},
	{"{\"flag\":null}", "/flag required"},
	{"{\"name\":\"\"}", "/name too_short"},
	{"{\"name\":\"ABCDEF\"}", "/name too_long"},
	{"{\"name\":\"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\"}", ""},
	{"{\"name\":5}", "/name wrong_type"},
	{"{\"ref\":12}", ""},
	{"{\"ref\":1e1}", "/ref not_an_id"},
	{"{\"ref\":12.0}", "/ref not_an_id"},
	{"{\"ref\":-1}", "/ref not_an_id"},
	{"{\"ref\":12345678901234567890}", ""},
	{"{\"ref\":\"\"}", "/ref not_an_id"},
	{"{\"ref\":\"a\\tb\"}", "/ref not_an_id"},
	{"{\"ref\":true}", "/ref wrong_type"},
	{"{\"amount\":\"1234567890123456789.12\"}", ""},
	{"{\"amount\":\"abc\"}", "/amount not_a_number"},
	{"{\"amount\":\"1,000\"}", "/amount not_a_number"},
	{"{\"amount\":\"\"}", "/amount not_a_number"},
	{"{\"amount\":\"NaN\"}", "/amount not_a_number"},
	{"{\"amount\":1e31}", "/amount out_of_range"},
	{"{\"amount\":\"1e31\"}", "/amount out_of_range"},
	{"{\"amount\":false}", "/amount wrong_type"},
	{"{\"share\":1.00000000000000000000000000001}", "/share out_of_range"},
	{"{\"share\":\"1.00000000000000000000000000001\"}", "/share out_of_range"},
	{"{\"share\":-0.0}", ""},
	{"{\"share\":-0.1}", "/share out_of_range"},
	{"{\"count\":11}", "/count out_of_range"},
	{"{\"count\":-4}", "/count out_of_range"},
	{"{\"count\":1.5}", "/count not_an_integer"},
	{"{\"count\":\"1\"}", "/count wrong_type"},
	{"{\"count\":99999999999999999999}", "/count out_of_range"},
	{"{\"even\":3}", "/even odd"},
	{"{\"even\":\"3\"}", "/even wrong_type"},
	{"{\"flag\":1}", "/flag wrong_type"},
	{"{\"day\":\"2017-02-29\"}", "/day not_a_date"},
	{"{\"day\":20170228}", "/day wrong_type"},
	{"{\"at\":\"2017-01-31\"}", "/at not_a_datetime"},
	{"{\"moment\":\"31.1.2017\"}", "/moment not_a_datetime"},
	{"{\"currency\":\"usd\"}", "/currency unknown_currency"},
	{"{\"colour\":\"Red\"}", "/colour not_one_of"},
	{"{\"inner\":{}}", "/inner/key required"},
	{"{\"inner\":{\"key\":\"k\",\"part\":2,\"x\":1}}", "/inner/part out_of_range,/inner/x unknown_attribute"},
	{"{\"inner\":[]}", "/inner wrong_type"},
	{"{\"names\":[]}", "/names too_short"},
	{"{\"names\":[\"a\",\"b\",\"c\"]}", "/names too_long"},
	{"{\"names\":[\"a\",\"\"]}", "/names/1 too_short"},
	{"{\"names\":\"a\"}", "/names wrong_type"},
	{"{\"inners\":[{\"key\":\"k\"},null,{\"key\":1,\"part\":1.1}]}", "/inners/1 required,/inners/2/key wrong_type,/inners/2/part out_of_range"},
	{"{\"attributes\":{\"a\":{}}}", "/attributes/a wrong_type"},
	{"{\"attributes\":{\"a\":[1]}}", "/attributes/a wrong_type"},
	{"{\"attributes\":{\"\":1}}", "/attributes/ too_short"},
	{"{\"attributes\":[]}", "/attributes wrong_type"},
	{"{\"amount\":\"x\",\"day\":\"y\",\"z\":1}", "/amount not_a_number,/day not_a_date,/z unknown_attribute"},
};

static void list_problems(const struct problems *problems, struct buffer *out)
{
	buffer_append_string(out, "");
	for (size_t i = 0; i < problems->count; i++)
		buffer_printf(out, "%s%s %s", i > 0 ? "," : "", problems->items[i].pointer, problems->items[i].code);
}

static void check_record(const char *json, bool whole, const char *expected)
{
	const char *code, *message;
	json_t *value = json_parse_strict(text_of(json), &code, &message);
	struct problems problems = {0};
	struct buffer listed = {0};
	bool fits;

	ck_assert_msg(value != NULL, "%s", json);
	fits = shape_check_text(&shape, value, text_of(json), "", whole, &problems);
	list_problems(&problems, &listed);
	ck_assert_str_eq(listed.data, expected);
	ck_assert(fits == (expected[0] == '\0'));
	buffer_free(&listed);
	problems_free(&problems);
	json_decref(value);
}

START_TEST(records_against_a_shape)
{
	check_record(records[_i].json, false, records[_i].problems);
}
END_TEST

START_TEST(whole_records)
{
	check_record("{}", true, "/name required");
	check_record("{\"name\":\"A\"}", true, "");
	check_record("{\"nam\":\"A\"}", true, "/nam unknown_attribute,/name required");
}
END_TEST

static const struct {
	const char *json, *message;
} sayings[] = {
	{"{\"amout\":1}", "unknown attribute \"amout\"; did you mean \"amount\"? Otherwise: attributes of your own go under \"attributes\""},
	{"{\"industry\":1}", "unknown attribute \"industry\"; attributes of your own go under \"attributes\""},
	{"{\"colour\":\"gren\"}", "\"gren\" is not one of red, green, blue; did you mean \"green\"?"},
	{"{\"name\":\"\"}", "must not be empty"},
	{"{\"names\":[\"a\",\"b\",\"c\"]}", "has 3 elements; 1 to 2 are allowed"},
	{"{\"share\":2}", "\"2\" is out of range: 0 to 1 are allowed"},
	{"{\"amount\":\"12 EUR\"}", "\"12 EUR\" is not a number; write it like 1234.56, without separators or units"},
	{"{\"at\":\"2017-01-31T00:00:00 01:00\"}", "\"2017-01-31T00:00:00 01:00\" is not a time: in a URL the + of an offset is written %2B"},
	{"{\"flag\":\"true\"}", "must be true or false, not a text"},
};

START_TEST(messages_help)
{
	const char *code, *message;
	json_t *value = json_parse_strict(text_of(sayings[_i].json), &code, &message);
	struct problems problems = {0};

	ck_assert(!shape_check(&shape, value, "", false, &problems));
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.items[0].message, sayings[_i].message);
	problems_free(&problems);
	json_decref(value);
}
END_TEST

START_TEST(problems_are_bounded)
{
	struct buffer json = {0};
	struct problems problems = {0};
	const char *code, *message;
	json_t *value;

	buffer_append_string(&json, "{\"x\":0");
	for (int i = 0; i < 1000; i++)
		buffer_printf(&json, ",\"x%d\":0", i);
	buffer_append_string(&json, "}");
	value = json_parse_strict(buffer_text(&json), &code, &message);
	ck_assert(!shape_check(&shape, value, "/7", false, &problems));
	ck_assert_uint_eq(problems.count, SHAPE_PROBLEMS_MAX);
	ck_assert_str_eq(problems.items[0].pointer, "/7/x");
	json_decref(value);
	problems_free(&problems);
	buffer_free(&json);
}
END_TEST

static const struct field param_fields[] = {
	{.name = "limit", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000},
	{.name = "by", .type = FIELD_LIST, .element = &(const struct field){.name = "colour", .type = FIELD_WORD, .words = colours}},
	{.name = "all", .type = FIELD_BOOLEAN},
	{.name = "until", .type = FIELD_DATE, .required = true},
};
static const struct shape param_shape = SHAPE("params", param_fields);

static const struct {
	const char *query; /* name=value&… */
	const char *problems;
} queries[] = {
	{"until=2017-01-31", ""},
	{"until=2017-01-31&limit=1000&by=red,blue&all=true", ""},
	{"", "until required"},
	{"until=2017-01-32", "until not_a_date"},
	{"until=2017-01-31&limit=0", "limit out_of_range"},
	{"until=2017-01-31&limit=abc", "limit not_an_integer"},
	{"until=2017-01-31&limit=", "limit not_an_integer"},
	{"until=2017-01-31&by=red,pink", "by not_one_of"},
	{"until=2017-01-31&by=", "by not_one_of"},
	{"until=2017-01-31&all=1", "all wrong_type"},
	{"until=2017-01-31&until=2017-01-31", "until repeated_parameter"},
	{"until=2017-01-31&limt=5", "limt unknown_parameter"},
};

static size_t split_query(char *query, struct param *params)
{
	size_t count = 0;

	for (char *pair = strtok(query, "&"); pair != NULL; pair = strtok(NULL, "&")) {
		char *value = strchr(pair, '=');

		*value++ = '\0';
		params[count++] = (struct param){text_of(pair), text_of(value)};
	}
	return count;
}

START_TEST(parameters)
{
	struct param params[8];
	struct problems problems = {0};
	struct buffer listed = {0};
	char query[128];

	snprintf(query, sizeof query, "%s", queries[_i].query);
	ck_assert(shape_check_params(&param_shape, params, split_query(query, params), &problems) == (queries[_i].problems[0] == '\0'));
	list_problems(&problems, &listed);
	ck_assert_str_eq(listed.data, queries[_i].problems);
	buffer_free(&listed);
	problems_free(&problems);
}
END_TEST

START_TEST(unknown_parameters_name_the_nearest)
{
	struct param params[] = {{TEXT("limt"), TEXT("5")}, {TEXT("until"), TEXT("2017-01-31")}};
	struct problems problems = {0};

	ck_assert(!shape_check_params(&param_shape, params, 2, &problems));
	ck_assert_str_eq(problems.items[0].message, "unknown parameter; did you mean \"limit\"?");
	problems_free(&problems);
	ck_assert(!shape_check_params(NULL, params, 1, &problems));
	ck_assert_str_eq(problems.items[0].message, "unknown parameter; none is taken here");
	problems_free(&problems);
}
END_TEST

Suite *suite_shape(void);
Suite *suite_shape(void)
{
	Suite *suite = suite_create("shape");
	TCase *cases = tcase_create("shape");

	tcase_add_loop_test(cases, records_against_a_shape, 0, COUNT(records));
	tcase_add_test(cases, whole_records);
	tcase_add_loop_test(cases, messages_help, 0, COUNT(sayings));
	tcase_add_test(cases, problems_are_bounded);
	tcase_add_loop_test(cases, parameters, 0, COUNT(queries));
	tcase_add_test(cases, unknown_parameters_name_the_nearest);
	suite_add_tcase(suite, cases);
	return suite;
}
