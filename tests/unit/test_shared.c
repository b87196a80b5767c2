/* Shared texts: one memory for many replies, compressed once. */
#include <check.h>
#include <string.h>

#include "gzip.h"
#include "shared.h"

Suite *suite_shared(void);

START_TEST(held_by_many)
{
	struct buffer text = {0}, again = {0};
	struct shared *shared;
	struct text packed;
	size_t size;

	for (int i = 0; i < 1000; i++)
		buffer_append_string(&text, "the same words ");
	shared = shared_new(&text);
	ck_assert_ptr_null(text.data);
	ck_assert_ptr_eq(shared_hold(shared), shared);
	shared_release(shared);
	ck_assert_uint_eq(shared_plain(shared).size, 15000);
	size = shared_size(shared);
	packed = shared_gzip(shared);
	ck_assert_uint_lt(packed.size, 1000);
	ck_assert_uint_eq(shared_size(shared), size + packed.size + 1);
	ck_assert_ptr_eq(shared_gzip(shared).data, packed.data);
	ck_assert_int_eq(gzip_expand(packed, 20000, &again), ERR_OK);
	ck_assert(text_equal(buffer_text(&again), shared_plain(shared)));
	buffer_free(&again);
	shared_release(shared);
	shared_release(NULL);
}
END_TEST

START_TEST(not_smaller)
{
	struct buffer text = {0};
	struct shared *shared;
	size_t size;

	buffer_append_string(&text, "qW3");
	shared = shared_new(&text);
	size = shared_size(shared);
	ck_assert_uint_eq(shared_gzip(shared).size, 0);
	ck_assert_uint_eq(shared_gzip(shared).size, 0);
	ck_assert_uint_eq(shared_size(shared), size);
	ck_assert(text_equal_string(shared_plain(shared), "qW3"));
	shared_release(shared);
}
END_TEST

Suite *suite_shared(void)
{
	Suite *suite = suite_create("shared");
	TCase *tcase = tcase_create("shared");

	tcase_add_test(tcase, held_by_many);
	tcase_add_test(tcase, not_smaller);
	suite_add_tcase(suite, tcase);
	return suite;
}
