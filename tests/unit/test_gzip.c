/* gzip: there and back, bounds, damage. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "gzip.h"

Suite *suite_gzip(void);

static void fill(struct buffer *buffer, size_t size)
{
	for (size_t i = 0; buffer->size < size; i++)
		buffer_printf(buffer, "{\"id\":\"%zu\",\"name\":\"account %zu\"}\n", i, i * 7919 % 1000);
	buffer->size = size;
}

START_TEST(there_and_back)
{
	static const size_t sizes[] = {GZIP_MIN_SIZE, 5000, 65536, 65537, 1000000};
	struct buffer plain = {0}, packed = {0}, back = {0};

	fill(&plain, sizes[_i]);
	ck_assert(gzip_compress(buffer_text(&plain), &packed));
	ck_assert_uint_lt(packed.size, plain.size);
	ck_assert_int_eq(gzip_expand(buffer_text(&packed), sizes[_i], &back), ERR_OK);
	ck_assert(text_equal(buffer_text(&plain), buffer_text(&back)));
	buffer_free(&plain);
	buffer_free(&packed);
	buffer_free(&back);
}
END_TEST

START_TEST(not_smaller)
{
	struct buffer packed = {0};
	char noise[2000];

	srand(1);
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (char)rand();
	ck_assert(!gzip_compress((struct text){noise, sizeof noise}, &packed));
	ck_assert_uint_eq(packed.size, 0);
	ck_assert(!gzip_compress(TEXT(""), &packed));
	buffer_free(&packed);
}
END_TEST

START_TEST(limit)
{
	struct buffer plain = {0}, packed = {0}, back = {0};

	fill(&plain, 500000);
	gzip_compress(buffer_text(&plain), &packed);
	ck_assert_int_eq(gzip_expand(buffer_text(&packed), 499999, &back), ERR_BODY_TOO_LARGE);
	buffer_free(&back);
	/* what was there before does not count */
	buffer_append_string(&back, "before");
	ck_assert_int_eq(gzip_expand(buffer_text(&packed), 500000, &back), ERR_OK);
	ck_assert_uint_eq(back.size, 500006);
	buffer_free(&plain);
	buffer_free(&packed);
	buffer_free(&back);
}
END_TEST

START_TEST(bomb)
{
	struct buffer zeros = {0}, packed = {0}, back = {0};

	buffer_reserve(&zeros, 50000000);
	memset(zeros.data, 0, 50000000);
	zeros.size = 50000000;
	ck_assert(gzip_compress(buffer_text(&zeros), &packed));
	ck_assert_uint_lt(packed.size, 100000);
	ck_assert_int_eq(gzip_expand(buffer_text(&packed), 100000, &back), ERR_BODY_TOO_LARGE);
	ck_assert_uint_lt(back.capacity, 1000000);
	buffer_free(&zeros);
	buffer_free(&packed);
	buffer_free(&back);
}
END_TEST

START_TEST(members)
{
	struct buffer one = {0}, both = {0}, back = {0}, plain = {0};

	fill(&plain, 3000);
	gzip_compress(buffer_text(&plain), &one);
	buffer_append_text(&both, buffer_text(&one));
	buffer_append_text(&both, buffer_text(&one));
	ck_assert_int_eq(gzip_expand(buffer_text(&both), 6000, &back), ERR_OK);
	ck_assert_uint_eq(back.size, 6000);
	ck_assert_int_eq(memcmp(back.data + 3000, plain.data, 3000), 0);
	buffer_free(&one);
	buffer_free(&both);
	buffer_free(&back);
	buffer_free(&plain);
}
END_TEST

/* Cut at every byte, and with every byte changed: an error or, where the byte means nothing (time, system), the same text. */
START_TEST(damage)
{
	struct buffer plain = {0}, packed = {0};

	fill(&plain, GZIP_MIN_SIZE);
	gzip_compress(buffer_text(&plain), &packed);
	for (size_t i = 0; i < packed.size; i++) {
		struct buffer back = {0};

		ck_assert_int_eq(gzip_expand((struct text){packed.data, i}, 1 << 20, &back), ERR_INVALID_ENCODING);
		buffer_free(&back);
		packed.data[i] ^= 0x55;
		if (gzip_expand(buffer_text(&packed), 1 << 20, &back) == ERR_OK)
			ck_assert(text_equal(buffer_text(&plain), buffer_text(&back)));
		packed.data[i] ^= 0x55;
		buffer_free(&back);
	}
	buffer_append_string(&packed, "rubbish");
	ck_assert_int_eq(gzip_expand(buffer_text(&packed), 1 << 20, &plain), ERR_INVALID_ENCODING);
	buffer_free(&plain);
	buffer_free(&packed);
}
END_TEST

/* Fed and drained in small pieces it gives the same. */
START_TEST(piecewise)
{
	struct buffer plain = {0}, packed = {0}, back = {0};
	struct gunzip *gunzip = gunzip_new();
	struct text in = {0};
	size_t fed = 0, step = (size_t)_i;
	char to[7];
	long got;

	fill(&plain, 20000);
	gzip_compress(buffer_text(&plain), &packed);
	for (;;) {
		bool last = fed == packed.size;

		got = gunzip_read(gunzip, &in, last, to, sizeof to);
		if (got < 0 || (got == 0 && last))
			break;
		buffer_append(&back, to, (size_t)got);
		if (got == 0 && !last) {
			size_t size = packed.size - fed < step ? packed.size - fed : step;

			ck_assert_uint_eq(in.size, 0);
			in = (struct text){packed.data + fed, size};
			fed += size;
		}
	}
	ck_assert_int_eq(got, 0);
	ck_assert(text_equal(buffer_text(&plain), buffer_text(&back)));
	gunzip_free(gunzip);
	gunzip_free(NULL);
	buffer_free(&plain);
	buffer_free(&packed);
	buffer_free(&back);
}
END_TEST

Suite *suite_gzip(void)
{
	Suite *suite = suite_create("gzip");
	TCase *tcase = tcase_create("gzip");

	tcase_add_loop_test(tcase, there_and_back, 0, 5);
	tcase_add_test(tcase, not_smaller);
	tcase_add_test(tcase, limit);
	tcase_add_test(tcase, bomb);
	tcase_add_test(tcase, members);
	tcase_add_test(tcase, damage);
	tcase_add_loop_test(tcase, piecewise, 1, 6);
	suite_add_tcase(suite, tcase);
	return suite;
}
