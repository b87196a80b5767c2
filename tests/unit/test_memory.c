/* Memory: the reserve, what may lack, copies of strings. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

Suite *suite_memory(void);

enum { PARTS = 8 };
/* More than any machine has; through a variable, so that no compiler knows. */
static volatile size_t too_much = (size_t)PTRDIFF_MAX / 2;

START_TEST(reserve)
{
	unsigned shortages = memory_shortages();

	ck_assert(memory_ready());
	for (int i = 0; i < PARTS; i++)
		ck_assert(memory_again());
	ck_assert(!memory_again());
	ck_assert_uint_eq(memory_shortages(), shortages + PARTS + 1);
	/* There is memory, so it is held again. */
	ck_assert(memory_ready());
	ck_assert(memory_again());
}
END_TEST

START_TEST(too_large)
{
	unsigned failures = memory_failures();
	char *kept = memory_string("kept");

	ck_assert(memory_ready());
	ck_assert_ptr_null(memory_grown_if_any(kept, too_much));
	ck_assert_str_eq(kept, "kept");
	ck_assert_uint_eq(memory_failures(), failures + 1);
	ck_assert(!memory_again()); /* all of the reserve was tried */
	free(kept);
}
END_TEST

START_TEST(library)
{
	void *memory;

	memory_may_lack();
	memory = memory_for_library(10);
	ck_assert_ptr_nonnull(memory);
	free(memory);
	ck_assert(!memory_lacked());
	memory_may_lack();
	ck_assert_ptr_null(memory_for_library(too_much));
	memory = memory_for_library(10);
	ck_assert_ptr_nonnull(memory);
	free(memory);
	ck_assert(memory_lacked());
	/* The next time begins anew. */
	memory_may_lack();
	ck_assert(!memory_lacked());
}
END_TEST

START_TEST(strings)
{
	char *text = memory_string_of("abc\0def", 7);
	char *none = memory_string_of(NULL, 0);

	ck_assert_str_eq(text, "abc");
	ck_assert_str_eq(none, "");
	ck_assert_ptr_null(memory_string(NULL));
	free(text);
	free(none);
	text = memory_zeroed(3, 2);
	ck_assert_int_eq(memcmp(text, "\0\0\0\0\0", 6), 0);
	free(text);
}
END_TEST

Suite *suite_memory(void)
{
	Suite *suite = suite_create("memory");
	TCase *tcase = tcase_create("memory");

	tcase_add_test(tcase, reserve);
	tcase_add_test(tcase, too_large);
	tcase_add_test(tcase, library);
	tcase_add_test(tcase, strings);
	suite_add_tcase(suite, tcase);
	return suite;
}
