#include <check.h>
#include <string.h>

#include "decimal.h"
#include "shape.h"

struct value_case {
	const char *text;
	bool expected;
};

static const struct value_case decimals[] = {
	{"0", true}, {"-0", true}, {"1234.56", true}, {"-0.01", true}, {"12345678901234567890.10", true}, {"1e29", true}, {"1E-30", true},
	{"1.5e+3", true}, {"007.5", true}, {"0e60", true}, {"999999999999999999999999999999.999999999999999999999999999999", true},
	{"0.0000000000000000000000000000010", true}, {"1e30", false}, {"1000000000000000000000000000000", false}, {"1e400", false},
	{"1e-31", false}, {"0e61", false}, {"", false}, {"-", false}, {"+1", false}, {".5", false}, {"5.", false}, {"1,5", false},
	{"1 ", false}, {" 1", false}, {"1e", false}, {"1e+", false}, {"NaN", false}, {"Infinity", false}, {"-inf", false}, {"0x10", false},
	{"1_000", false}, {"abc", false}, {"12.3.4", false}, {"--1", false}, {"1e1e1", false}, {"1e9999999999999999999", false},
};

static const struct value_case dates[] = {
	{"2017-01-31", true}, {"2016-02-29", true}, {"2000-02-29", true}, {"0001-01-01", true}, {"9999-12-31", true},
	{"2017-02-29", false}, {"1900-02-29", false}, {"2100-02-29", false}, {"2017-04-31", false}, {"2017-13-01", false}, {"2017-00-10", false},
	{"2017-01-00", false}, {"0000-01-01", false}, {"2017-1-1", false}, {"17-01-01", false}, {"2017/01/01", false}, {"31.12.2016", false},
	{"2017-01-01 ", false}, {" 2017-01-01", false}, {"2017-01-01T00:00:00Z", false}, {"", false}, {"12017-01-01", false}, {"-017-01-01", false},
};

static const struct value_case datetimes[] = {
	{"2017-01-31T09:30:00Z", true}, {"2017-01-31t09:30:00z", true}, {"2017-01-31 09:30:00Z", true}, {"2016-02-29T23:59:59.123456789Z", true},
	{"2017-01-31T09:30:00+01:00", true}, {"2017-01-31T09:30:00-00:00", true}, {"2017-01-31T09:30:00+14:00", true},
	{"2017-01-31T09:30:00-12:00", true}, {"2016-12-31T23:59:60Z", true}, {"2017-01-01T05:29:60.5+05:30", false},
	{"2017-01-01T05:59:60+06:00", true}, {"2017-01-31T24:00:00Z", false}, {"2017-01-31T09:60:00Z", false}, {"2017-01-31T09:30:61Z", false},
	{"2017-01-31T09:30:60Z", false}, {"2017-01-31T09:30:00+14:01", false}, {"2017-01-31T09:30:00-12:01", false},
	{"2017-01-31T09:30:00+01:60", false}, {"2017-01-31T09:30:00+1:00", false}, {"2017-01-31T09:30:00+0100", false},
	{"2017-01-31T09:30:00", false}, {"2017-01-31T09:30Z", false}, {"2017-01-31T09:30:00.Z", false}, {"2017-01-31T09:30:00.1234567890Z", false},
	{"2017-01-31T09:30:00,5Z", false}, {"2017-02-30T09:30:00Z", false}, {"2017-01-31", false}, {"2017-01-31T09:30:00Z ", false},
	{"2017-01-31T09:30:00 01:00", false}, {"1485855000", false}, {"", false}, {"now", false},
};

static const struct value_case currencies[] = {
	{"USD", true}, {"EUR", true}, {"AED", true}, {"ZWL", true}, {"XAU", true}, {"usd", false}, {"US", false}, {"USDX", false}, {"ABC", false},
	{"", false}, {"$", false}, {"DMX", false}, {"ZZZ", false}, {"AAA", false}, {"Usd", false},
};

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static void check(bool (*is)(struct text), const struct value_case *test)
{
	ck_assert_msg(is(text_of(test->text)) == test->expected, "\"%s\" is %s", test->text, test->expected ? "refused" : "accepted");
}

START_TEST(decimal_form)
{
	check(value_is_decimal, &decimals[_i]);
}
END_TEST

START_TEST(date_form)
{
	check(value_is_date, &dates[_i]);
}
END_TEST

START_TEST(datetime_form)
{
	check(value_is_datetime, &datetimes[_i]);
}
END_TEST

START_TEST(currency_form)
{
	check(value_is_currency, &currencies[_i]);
}
END_TEST

/* The list is searched by halving: a code out of order would not be found. */
START_TEST(every_currency_is_found)
{
	int found = 0;
	char code[4] = "AAA";

	for (code[0] = 'A'; code[0] <= 'Z'; code[0]++)
		for (code[1] = 'A'; code[1] <= 'Z'; code[1]++)
			for (code[2] = 'A'; code[2] <= 'Z'; code[2]++)
				found += value_is_currency(text_of(code));
	ck_assert_int_eq(found, 192);
}
END_TEST

/* Every day of four centuries against the count of days they have. */
START_TEST(days_of_400_years)
{
	int days = 0;
	char text[16];

	for (int year = 1801; year <= 2200; year++)
		for (int month = 0; month <= 13; month++)
			for (int day = 0; day <= 32; day++) {
				snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
				days += value_is_date(text_of(text));
			}
	ck_assert_int_eq(days, 146097);
}
END_TEST

static const struct {
	const char *a, *b, *sum;
	int order;
} sums[] = {
	{"33.33", "66.67", "100", -1},
	{"33.33", "66.66", "99.99", -1},
	{"0.1", "0.2", "0.3", -1},
	{"99.999999999999999999999999999999", "0.000000000000000000000000000001", "100", 1},
	{"999999999", "1", "1000000000", 1},
	{"1e9", "-1", "999999999", 1},
	{"-5", "3.5", "-1.5", -1},
	{"5", "-5", "0", 1},
	{"-0", "0.00", "0", 0},
	{"1.50", "1.5", "3", 0},
	{"-2", "-3", "-5", 1},
	{"1e29", "1e-30", "100000000000000000000000000000.000000000000000000000000000001", 1},
};

START_TEST(decimal_arithmetic)
{
	struct decimal a, b;
	struct buffer shown = {0};

	ck_assert(decimal_parse(text_of(sums[_i].a), &a));
	ck_assert(decimal_parse(text_of(sums[_i].b), &b));
	ck_assert_int_eq(decimal_compare(&a, &b), sums[_i].order);
	ck_assert_int_eq(decimal_compare(&b, &a), -sums[_i].order);
	decimal_add(&a, &b);
	decimal_format(&a, &shown);
	ck_assert_str_eq(shown.data, sums[_i].sum);
	buffer_free(&shown);
}
END_TEST

Suite *suite_value(void);
Suite *suite_value(void)
{
	Suite *suite = suite_create("value");
	TCase *cases = tcase_create("value");

	tcase_add_loop_test(cases, decimal_form, 0, COUNT(decimals));
	tcase_add_loop_test(cases, date_form, 0, COUNT(dates));
	tcase_add_loop_test(cases, datetime_form, 0, COUNT(datetimes));
	tcase_add_loop_test(cases, currency_form, 0, COUNT(currencies));
	tcase_add_test(cases, every_currency_is_found);
	tcase_add_test(cases, days_of_400_years);
	tcase_add_loop_test(cases, decimal_arithmetic, 0, COUNT(sums));
	suite_add_tcase(suite, cases);
	return suite;
}
