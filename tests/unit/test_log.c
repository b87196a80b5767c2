/* Log lines: one line whatever is in a value, nothing torn, nothing lost in silence. */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

Suite *suite_log(void);

static const struct {
	const char *value;
	size_t size;
	const char *written;
} cases[] = {
	{"plain", 5, " k=plain"},
	{"/v1/a{id}?x", 11, " k=/v1/a{id}?x"},
	{"", 0, ""},
	{"two words", 9, " k=\"two words\""},
	{"a=b", 3, " k=\"a=b\""},
	{"say \"hi\"", 8, " k=\"say \\\"hi\\\"\""},
	{"back\\slash", 10, " k=\"back\\\\slash\""},
	{"x\nlevel=error", 13, " k=\"x\\nlevel=error\""},
	{"x\r\x1b[2J", 6, " k=\"x\\x0d\\x1b[2J\""},
	{"a\0b", 3, " k=\"a\\x00b\""},
	{"\xC3\xA4", 2, " k=\"\xC3\xA4\""},
	{"\xFF", 1, " k=\"\\xff\""},
	{"\x7f", 1, " k=\"\\x7f\""},
};

START_TEST(values)
{
	struct log_line line;
	size_t before;

	log_begin(&line, LOG_ERROR, "test");
	before = line.size;
	log_text(&line, "k", (struct text){cases[_i].value, cases[_i].size});
	ck_assert_uint_eq(line.size - before, strlen(cases[_i].written));
	ck_assert_int_eq(memcmp(line.data + before, cases[_i].written, line.size - before), 0);
}
END_TEST

START_TEST(numbers)
{
	struct log_line line;
	size_t before;

	log_begin(&line, LOG_ERROR, "test");
	ck_assert_int_eq(memcmp(line.data, "ts=2", 4), 0);
	ck_assert_ptr_nonnull(memmem(line.data, line.size, "Z level=error msg=test", 22));
	before = line.size;
	log_int(&line, "a", 0);
	log_int(&line, "b", -12);
	log_int(&line, "c", INT64_MIN);
	log_int(&line, "d", INT64_MAX);
	log_decimal(&line, "e", 0);
	log_decimal(&line, "f", 0.0004);
	log_decimal(&line, "g", 12.3456);
	log_decimal(&line, "h", 1000);
	log_decimal(&line, "i", -1);
	line.data[line.size] = '\0';
	ck_assert_str_eq(line.data + before, " a=0 b=-12 c=-9223372036854775808 d=9223372036854775807 e=0.000 f=0.000 g=12.346 "
					     "h=1000.000 i=0.000");
}
END_TEST

START_TEST(long_lines)
{
	struct log_line line;
	char value[3 * LOG_LINE_MAX];

	memset(value, '"', sizeof value);
	log_begin(&line, LOG_ERROR, "test");
	log_text(&line, "k", (struct text){value, sizeof value});
	log_string(&line, "after", "x");
	ck_assert_uint_lt(line.size, LOG_LINE_MAX);
	ck_assert_int_eq(line.data[line.size - 1], '"');
	memset(value, 'a', sizeof value);
	log_begin(&line, LOG_ERROR, "test");
	log_text(&line, "k", (struct text){value, sizeof value});
	ck_assert_uint_lt(line.size, LOG_LINE_MAX);
	ck_assert_int_eq(line.data[line.size - 1], '"');
}
END_TEST

START_TEST(levels)
{
	struct log_line line;

	log_set_level(LOG_WARN);
	ck_assert(log_wants(LOG_ERROR));
	ck_assert(!log_wants(LOG_INFO));
	log_begin(&line, LOG_INFO, "test");
	log_string(&line, "k", "v");
	ck_assert_uint_eq(line.size, 0);
	log_end(&line);
	log_set_level(LOG_INFO);
}
END_TEST

/* All fit into the buffer at once: nothing may be dropped, however late the thread that writes is run. */
enum { THREADS = 4, LINES = 1500 };

static void *say(void *context)
{
	for (int i = 0; i < LINES; i++)
		log_say(LOG_INFO, "test", "thread %d line %d of some length, so that pieces end within it", *(int *)context, i);
	return NULL;
}

/* Lines of several threads through a file: every one whole, none lost, each thread's in its order. */
START_TEST(whole_lines)
{
	char path[] = "/tmp/plumbline-log-XXXXXX", line[512];
	int fd = mkstemp(path), of[THREADS], next[THREADS] = {0};
	pthread_t ids[THREADS];
	FILE *file;

	log_open(LOG_INFO, fd);
	for (int i = 0; i < THREADS; i++) {
		of[i] = i;
		pthread_create(&ids[i], NULL, say, &of[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	log_close();
	file = fopen(path, "r");
	while (fgets(line, sizeof line, file) != NULL) {
		int thread, number;

		ck_assert_int_eq(sscanf(line, "ts=%*s level=info msg=test detail=\"thread %d line %d of some length, so that pieces end within it\"",
					&thread, &number), 2);
		ck_assert_int_eq(number, next[thread]);
		next[thread]++;
	}
	for (int i = 0; i < THREADS; i++)
		ck_assert_uint_eq((unsigned)next[i], LINES);
	ck_assert_uint_eq(log_dropped(), 0);
	fclose(file);
	close(fd);
	unlink(path);
}
END_TEST

/* A pipe nobody reads: the callers never wait, what is lost is counted. */
START_TEST(blocked_reader)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	log_open(LOG_INFO, fds[1]);
	for (int i = 0; i < 40000; i++)
		log_say(LOG_INFO, "test", "line %d that nobody takes from the pipe, and that takes some room in the buffer", i);
	ck_assert_uint_gt(log_dropped(), 1000);
	signal(SIGPIPE, SIG_IGN); /* as main does */
	close(fds[0]);            /* the writer gets EPIPE and gives up */
	log_close();
	close(fds[1]);
}
END_TEST

Suite *suite_log(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");

	tcase_add_loop_test(tcase, values, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tcase, numbers);
	tcase_add_test(tcase, long_lines);
	tcase_add_test(tcase, levels);
	tcase_add_test(tcase, whole_lines);
	tcase_add_test(tcase, blocked_reader);
	suite_add_tcase(suite, tcase);
	return suite;
}
