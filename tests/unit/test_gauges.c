/* Alignment answers as samples. */
#include <check.h>

#include "gauges.h"

Suite *suite_gauges(void);

static const struct {
	const char *org, *answer;
	bool read;
	const char *alignment, *quarantine;
} cases[] = {
	{"default",
	 "{\"total\":{\"metrics\":{\"bookings_share\":{\"value\":0.529942,\"excluded\":{\"quarantined_open\":3}},"
	 "\"win_rate\":{\"value\":null,\"excluded\":{\"quarantined_open\":3}},\"deals\":{\"value\":12}}}}",
	 true, "plumbline_alignment{org=\"default\",metric=\"bookings_share\"} 0.529942\nplumbline_alignment{org=\"default\",metric=\"deals\"} 12\n",
	 "plumbline_quarantine_open{org=\"default\"} 3\n"},
	{"a\"b\\c\nd", "{\"total\":{\"metrics\":{\"m\":{\"value\":1e-7}}}}", true,
	 "plumbline_alignment{org=\"a\\\"b\\\\c\\nd\",metric=\"m\"} 1e-07\n", ""},
	{"default", "{\"total\":{\"metrics\":{\"m\":{\"value\":\"12.50\"}}}}", true, "", ""},
	{"default", "{\"total\":{\"metrics\":{}}}", true, "", ""},
	{"default", "{\"total\":null}", false, "", ""},
	{"default", "[]", false, "", ""},
	{"default", "not JSON", false, "", ""},
	{"default", "", false, "", ""},
};

START_TEST(answer)
{
	struct buffer alignment = {0}, quarantine = {0};
	bool read = gauges_read_answer(text_of(cases[_i].org), text_of(cases[_i].answer), &alignment, &quarantine);

	ck_assert_int_eq(read, cases[_i].read);
	ck_assert_str_eq(buffer_text(&alignment).data, cases[_i].alignment);
	ck_assert_str_eq(buffer_text(&quarantine).data, cases[_i].quarantine);
	buffer_free(&alignment);
	buffer_free(&quarantine);
}
END_TEST

Suite *suite_gauges(void)
{
	Suite *suite = suite_create("gauges");
	TCase *tcase = tcase_create("gauges");

	tcase_add_loop_test(tcase, answer, 0, sizeof cases / sizeof *cases);
	suite_add_tcase(suite, tcase);
	return suite;
}
