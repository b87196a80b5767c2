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

static const char by_team[] = "{\"rows\":[{\"key\":\"north\",\"metrics\":{\"win_rate\":{\"value\":0.5},\"deals\":{\"value\":null}}},{\"metrics\":{}},"
			      "{\"key\":\"a\\\"b\",\"metrics\":{\"win_rate\":{\"value\":1}}}]}";

START_TEST(groups)
{
	struct buffer out = {0};

	ck_assert_uint_eq(gauges_read_groups(TEXT("x"), "team", text_of(by_team), &out), 0);
	ck_assert_str_eq(buffer_text(&out).data, "plumbline_team_alignment{org=\"x\",team=\"north\",metric=\"win_rate\"} 0.5\n"
						 "plumbline_team_alignment{org=\"x\",team=\"a\\\"b\",metric=\"win_rate\"} 1\n");
	buffer_clear(&out);
	ck_assert_uint_eq(gauges_read_groups(TEXT("x"), "rep", TEXT("no JSON"), &out), 0);
	ck_assert_uint_eq(out.size, 0);
	buffer_free(&out);
}
END_TEST

START_TEST(too_many_groups)
{
	struct buffer many = {0}, out = {0};
	size_t lines = 0;

	buffer_append_string(&many, "{\"rows\":[");
	for (int i = 0; i < GAUGES_GROUPS_MAX + 3; i++)
		buffer_printf(&many, "%s{\"key\":\"r%d\",\"metrics\":{\"m\":{\"value\":%d}}}", i > 0 ? "," : "", i, i);
	buffer_append_string(&many, "]}");
	ck_assert_uint_eq(gauges_read_groups(TEXT("x"), "rep", buffer_text(&many), &out), 3);
	for (size_t i = 0; i < out.size; i++)
		lines += out.data[i] == '\n';
	ck_assert_uint_eq(lines, GAUGES_GROUPS_MAX);
	buffer_free(&many);
	buffer_free(&out);
}
END_TEST

Suite *suite_gauges(void)
{
	Suite *suite = suite_create("gauges");
	TCase *tcase = tcase_create("gauges");

	tcase_add_loop_test(tcase, answer, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tcase, groups);
	tcase_add_test(tcase, too_many_groups);
	suite_add_tcase(suite, tcase);
	return suite;
}
