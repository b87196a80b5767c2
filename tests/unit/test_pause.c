#include <check.h>

#include "clock.h"
#include "pause.h"

START_TEST(sleeps_until_it_is_over)
{
	struct pause pause;
	int64_t started;

	pause_init(&pause);
	started = clock_monotonic_ns();
	ck_assert(!pause_wait(&pause, 0));
	ck_assert(!pause_wait(&pause, 1020)); /* over a second: nanoseconds carry */
	ck_assert(clock_monotonic_ns() - started >= 1000 * 1000000LL);
	pause_free(&pause);
}
END_TEST

static void *end_it(void *pause)
{
	pause_end(pause);
	return NULL;
}

START_TEST(ends_at_once)
{
	struct pause pause;
	pthread_t other;
	int64_t started = clock_monotonic_ns();

	pause_init(&pause);
	ck_assert_int_eq(pthread_create(&other, NULL, end_it, &pause), 0);
	ck_assert(pause_wait(&pause, 60000));
	ck_assert(pause_wait(&pause, 60000)); /* and for good */
	ck_assert(pause_wait(&pause, 0));
	pthread_join(other, NULL);
	ck_assert(clock_monotonic_ns() - started < 30000 * 1000000LL);
	pause_free(&pause);
}
END_TEST

Suite *suite_pause(void);
Suite *suite_pause(void)
{
	Suite *suite = suite_create("pause");
	TCase *cases = tcase_create("pause");

	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, sleeps_until_it_is_over);
	tcase_add_test(cases, ends_at_once);
	suite_add_tcase(suite, cases);
	return suite;
}
