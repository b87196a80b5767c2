/* The ring between producer and loop: order, bounds, beginning, end, failure, vanished reader, gzip. */
#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer_stream.h"
#include "gzip.h"

Suite *suite_answer_stream(void);

enum { TOTAL = 3 * ANSWER_STREAM_SIZE + 12345 };

static char pattern(size_t i)
{
	return (char)(i * 31 + i / 251);
}

static void post(void *owner)
{
	sem_post(owner);
}

static void ignore(void *owner)
{
	(void)owner;
}

struct writing {
	struct answer_stream *stream;
	size_t piece;
	const char *data;
	bool taken;
	bool finish;
};

static void *write_all(void *context)
{
	struct writing *writing = context;

	writing->taken = true;
	for (size_t at = 0; writing->taken && at < TOTAL; at += writing->piece)
		writing->taken =
		    answer_stream_write(writing->stream, (struct text){writing->data + at, TOTAL - at < writing->piece ? TOTAL - at : writing->piece});
	if (writing->finish)
		answer_stream_end(writing->stream);
	return NULL;
}

/* Reads to the end, waiting to be woken whenever there is nothing; returns how it ended. */
static long read_all(struct answer_stream *stream, sem_t *woken, size_t piece, struct buffer *got)
{
	char *to = malloc(piece);
	long size;

	while ((size = answer_stream_read(stream, to, piece)) >= 0) {
		if (size > 0)
			buffer_append(got, to, (size_t)size);
		else
			sem_wait(woken);
	}
	free(to);
	return size;
}

static char *make_data(void)
{
	char *data = malloc(TOTAL);

	for (size_t i = 0; i < TOTAL; i++)
		data[i] = pattern(i);
	return data;
}

static const struct {
	size_t write, read;
	bool gzip;
} sizes[] = {
	{1000, 1000, false}, {100000, 777, false}, {2 * ANSWER_STREAM_SIZE, 30000, false}, {999, ANSWER_STREAM_SIZE, false},
	{1000, 1000, true},  {2 * ANSWER_STREAM_SIZE, 30000, true},
};

START_TEST(in_order)
{
	char *data = make_data();
	struct writing writing = {.piece = sizes[_i].write, .data = data, .finish = true};
	struct buffer got = {0}, plain = {0};
	pthread_t thread;
	sem_t woken;

	sem_init(&woken, 0, 0);
	writing.stream = answer_stream_new(sizes[_i].gzip, post, &woken);
	ck_assert(!answer_stream_begun(writing.stream));
	answer_stream_begin(writing.stream, ANSWER_STREAM_SIZE);
	ck_assert(answer_stream_begun(writing.stream));
	ck_assert(answer_stream_is_gzip(writing.stream) == sizes[_i].gzip);
	pthread_create(&thread, NULL, write_all, &writing);
	ck_assert_int_eq(read_all(writing.stream, &woken, sizes[_i].read, &got), ANSWER_ENDED);
	pthread_join(thread, NULL);
	ck_assert(writing.taken);
	if (sizes[_i].gzip)
		ck_assert_int_eq(gzip_expand(buffer_text(&got), TOTAL, &plain), ERR_OK);
	else
		buffer_append_text(&plain, buffer_text(&got));
	ck_assert_uint_eq(plain.size, TOTAL);
	ck_assert_int_eq(memcmp(plain.data, data, TOTAL), 0);
	ck_assert_int_eq(answer_stream_failed(writing.stream), ERR_OK);
	answer_stream_free(writing.stream);
	buffer_free(&got);
	buffer_free(&plain);
	sem_destroy(&woken);
	free(data);
}
END_TEST

START_TEST(wakes_only_who_waits)
{
	struct answer_stream *stream;
	char to[16];
	sem_t woken;
	int count;

	sem_init(&woken, 0, 0);
	stream = answer_stream_new(false, post, &woken);
	answer_stream_begin(stream, ANSWER_STREAM_SIZE);
	sem_getvalue(&woken, &count);
	ck_assert_int_eq(count, 1); /* that it began */
	ck_assert(answer_stream_write(stream, TEXT("abc")));
	sem_getvalue(&woken, &count);
	ck_assert_int_eq(count, 1);
	ck_assert_int_eq(answer_stream_read(stream, to, sizeof to), 3);
	ck_assert_int_eq(answer_stream_read(stream, to, sizeof to), ANSWER_NOTHING);
	ck_assert(answer_stream_write(stream, TEXT("d")));
	ck_assert(answer_stream_write(stream, TEXT("e")));
	sem_getvalue(&woken, &count);
	ck_assert_int_eq(count, 2);
	ck_assert_int_eq(answer_stream_read(stream, to, sizeof to), 2);
	ck_assert_int_eq(answer_stream_read(stream, to, sizeof to), ANSWER_NOTHING);
	answer_stream_end(stream);
	sem_getvalue(&woken, &count);
	ck_assert_int_eq(count, 3);
	ck_assert_int_eq(answer_stream_read(stream, to, sizeof to), ANSWER_ENDED);
	answer_stream_free(stream);
	sem_destroy(&woken);
}
END_TEST

START_TEST(what_fails_is_broken_at_once)
{
	struct answer_stream *stream = answer_stream_new(false, ignore, NULL);
	char to[16];

	answer_stream_begin(stream, ANSWER_STREAM_SIZE);
	ck_assert(answer_stream_write(stream, TEXT("abc")));
	answer_stream_fail(stream, ERR_DATABASE_UNAVAILABLE);
	answer_stream_fail(stream, ERR_INTERNAL); /* the first reason counts */
	ck_assert_int_eq(answer_stream_read(stream, to, sizeof to), ANSWER_BROKEN);
	ck_assert_int_eq(answer_stream_failed(stream), ERR_DATABASE_UNAVAILABLE);
	answer_stream_free(stream);
}
END_TEST

START_TEST(an_end_stays_an_end)
{
	struct answer_stream *stream = answer_stream_new(false, ignore, NULL);
	char to[16];

	answer_stream_begin(stream, ANSWER_STREAM_SIZE);
	answer_stream_end(stream);
	answer_stream_fail(stream, ERR_INTERNAL);
	ck_assert_int_eq(answer_stream_read(stream, to, sizeof to), ANSWER_ENDED);
	answer_stream_free(stream);
}
END_TEST

/* A producer that waits for room is released when nobody reads any more, compressed or not. */
START_TEST(vanished_reader)
{
	char *data = make_data();
	struct writing writing = {.piece = 5000, .data = data};
	pthread_t thread;
	char to[16];

	if (_i == 1)
		for (size_t i = 0; i < TOTAL; i++)
			data[i] = (char)(rand() & 255); /* NOLINT(cert-msc50-cpp): nothing that compresses */
	writing.stream = answer_stream_new(_i == 1, ignore, NULL);
	answer_stream_begin(writing.stream, ANSWER_STREAM_SIZE);
	pthread_create(&thread, NULL, write_all, &writing);
	usleep(20000);
	ck_assert(answer_stream_wanted(writing.stream));
	answer_stream_close(writing.stream);
	pthread_join(thread, NULL);
	ck_assert(!writing.taken);
	ck_assert(!answer_stream_wanted(writing.stream));
	ck_assert(!answer_stream_write(writing.stream, TEXT("x")));
	ck_assert(!answer_stream_offer(writing.stream, TEXT("x")));
	ck_assert_int_eq(answer_stream_read(writing.stream, to, sizeof to), ANSWER_BROKEN);
	answer_stream_free(writing.stream);
	free(data);
}
END_TEST

START_TEST(offer_is_all_or_nothing)
{
	static char data[ANSWER_STREAM_SIZE];
	struct answer_stream *stream = answer_stream_new(false, ignore, NULL);
	char to[16];

	answer_stream_begin(stream, ANSWER_STREAM_SIZE);
	ck_assert(answer_stream_offer(stream, (struct text){data, sizeof data - 3}));
	ck_assert(!answer_stream_offer(stream, TEXT("abcd")));
	ck_assert(answer_stream_offer(stream, TEXT("abc")));
	ck_assert(!answer_stream_offer(stream, TEXT("x")));
	ck_assert_int_eq(answer_stream_read(stream, to, sizeof to), (long)sizeof to);
	ck_assert(answer_stream_offer(stream, TEXT("x")));
	answer_stream_free(stream);
}
END_TEST

Suite *suite_answer_stream(void)
{
	Suite *suite = suite_create("answer_stream");
	TCase *cases = tcase_create("answer_stream");

	tcase_add_loop_test(cases, in_order, 0, sizeof sizes / sizeof *sizes);
	tcase_add_test(cases, wakes_only_who_waits);
	tcase_add_test(cases, what_fails_is_broken_at_once);
	tcase_add_test(cases, an_end_stays_an_end);
	tcase_add_loop_test(cases, vanished_reader, 0, 2);
	tcase_add_test(cases, offer_is_all_or_nothing);
	suite_add_tcase(suite, cases);
	return suite;
}
