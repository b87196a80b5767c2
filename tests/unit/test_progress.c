#include <check.h>

#include "command/import_file.h"
#include "command/progress.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static const struct {
	int width;
	uint64_t total, bytes, rows;
	double elapsed_s;
	const char *text;
} bars[] = {
	{100, 1000, 0, 0, 0, "a.csv [------------------------]   0%  0 rows/s  0:00 left"},
	{100, 1000, 500, 2400, 2, "a.csv [############------------]  50%  1200 rows/s  0:02 left"},
	{100, 1000, 10, 100, 7, "a.csv [------------------------]   1%  14 rows/s  11:33 left"},
	{100, 1000, 1000, 9000, 3, "a.csv [########################] 100%  3000 rows/s  0:00 left"},
	{100, 1000, 1100, 9000, 3, "a.csv [########################] 100%  3000 rows/s  0:00 left"},
	{100, 0, 1000, 9000, 3, "a.csv  9000 rows  3000 rows/s"},
	{12, 1000, 500, 2400, 2, "a.csv [#####"},
};

START_TEST(bar)
{
	char line[128];

	progress_draw(line, bars[_i].width, "a.csv", bars[_i].total, bars[_i].bytes, bars[_i].rows, bars[_i].elapsed_s);
	ck_assert_str_eq(line, bars[_i].text);
}
END_TEST

static const struct {
	const char *path, *stem;
	enum media media;
} names[] = {
	{"accounts.csv", "accounts", MEDIA_CSV},
	{"/data/2017/accounts.ndjson.gz", "accounts", MEDIA_NDJSON},
	{"fx-rates.jsonl", "fx-rates", MEDIA_NDJSON},
	{"reps.json", "reps", MEDIA_JSON},
	{"reps.gz", "reps", MEDIA_NONE},
	{"accounts", "accounts", MEDIA_NONE},
	{"accounts.xlsx", "accounts.xlsx", MEDIA_NONE},
	{".csv", ".csv", MEDIA_NONE},
	{"-", "-", MEDIA_NONE},
	{"a.b.csv", "a.b", MEDIA_CSV},
};

START_TEST(name)
{
	struct import_name read = import_read_name(names[_i].path);

	ck_assert(text_equal_string(read.stem, names[_i].stem));
	ck_assert_int_eq(read.media, names[_i].media);
}
END_TEST

Suite *suite_progress(void);
Suite *suite_progress(void)
{
	Suite *suite = suite_create("progress");
	TCase *cases = tcase_create("progress");

	tcase_add_loop_test(cases, bar, 0, COUNT(bars));
	tcase_add_loop_test(cases, name, 0, COUNT(names));
	suite_add_tcase(suite, cases);
	return suite;
}
