#include <check.h>
#include <string.h>

#include "attempts.h"

#define S INT64_C(1000000000)

static int64_t now = 1000 * S;

static int64_t read_now(void)
{
	return now;
}

static struct peer peer(unsigned number)
{
	struct peer made = {{0x20, 0x01}};

	memcpy(made.bytes + 2, &number, sizeof number);
	return made;
}

static int taken(struct attempts *attempts, struct peer from, int tries, int64_t *retry_s)
{
	int count = 0;

	for (int i = 0; i < tries; i++)
		count += attempts_take(attempts, from, retry_s);
	return count;
}

START_TEST(as_many_as_may_and_then_as_time_gives)
{
	struct attempts *attempts = attempts_new(60, read_now);
	int64_t retry_s = -1;

	ck_assert_int_eq(taken(attempts, peer(1), 200, &retry_s), 60);
	ck_assert_int_eq(retry_s, 1);
	now += 5 * S / 2;
	ck_assert_int_eq(taken(attempts, peer(1), 200, &retry_s), 2);
	now += 600 * S;
	ck_assert_int_eq(taken(attempts, peer(1), 200, &retry_s), 60);
	attempts_free(attempts);
}
END_TEST

START_TEST(few_a_minute_wait_long)
{
	struct attempts *attempts = attempts_new(2, read_now);
	int64_t retry_s = -1;

	ck_assert_int_eq(taken(attempts, peer(1), 3, &retry_s), 2);
	ck_assert_int_eq(retry_s, 30);
	attempts_free(attempts);
}
END_TEST

START_TEST(others_are_not_concerned)
{
	struct attempts *attempts = attempts_new(10, read_now);
	int64_t retry_s;

	ck_assert_int_eq(taken(attempts, peer(1), 50, &retry_s), 10);
	ck_assert_int_eq(taken(attempts, peer(2), 50, &retry_s), 10);
	attempts_free(attempts);
}
END_TEST

START_TEST(what_succeeded_costs_nothing)
{
	struct attempts *attempts = attempts_new(10, read_now);
	int64_t retry_s;

	for (int i = 0; i < 1000; i++) {
		ck_assert(attempts_take(attempts, peer(1), &retry_s));
		attempts_return(attempts, peer(1));
	}
	attempts_return(attempts, peer(1)); /* nor does it save up */
	ck_assert_int_le(taken(attempts, peer(1), 50, &retry_s), 10);
	attempts_free(attempts);
}
END_TEST

START_TEST(addresses_of_one_site_count_as_one)
{
	struct attempts *attempts = attempts_new(10, read_now);
	struct peer other = peer(1);
	int64_t retry_s;

	other.bytes[15] = 77;
	ck_assert_int_eq(taken(attempts, peer(1), 50, &retry_s), 10);
	ck_assert_int_eq(taken(attempts, other, 50, &retry_s), 0);
	attempts_free(attempts);
}
END_TEST

START_TEST(a_flood_of_addresses_needs_no_more_memory)
{
	struct attempts *attempts = attempts_new(1, read_now);
	int64_t retry_s;

	for (unsigned i = 0; i < 100000; i++)
		(void)attempts_take(attempts, peer(i), &retry_s);
	ck_assert(!attempts_take(attempts, peer(99999), &retry_s));
	attempts_free(attempts);
}
END_TEST

START_TEST(no_limit)
{
	struct attempts *attempts = attempts_new(0, NULL);
	int64_t retry_s;

	ck_assert_int_eq(taken(attempts, peer(1), 100000, &retry_s), 100000);
	attempts_return(attempts, peer(1));
	attempts_free(attempts);
	attempts_free(NULL);
}
END_TEST

Suite *suite_attempts(void);
Suite *suite_attempts(void)
{
	Suite *suite = suite_create("attempts");
	TCase *all = tcase_create("attempts");

	tcase_add_test(all, as_many_as_may_and_then_as_time_gives);
	tcase_add_test(all, few_a_minute_wait_long);
	tcase_add_test(all, others_are_not_concerned);
	tcase_add_test(all, what_succeeded_costs_nothing);
	tcase_add_test(all, addresses_of_one_site_count_as_one);
	tcase_add_test(all, a_flood_of_addresses_needs_no_more_memory);
	tcase_add_test(all, no_limit);
	suite_add_tcase(suite, all);
	return suite;
}
