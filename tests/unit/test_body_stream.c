/* The ring between loop and worker: order, bounds, end, failure, gzip. */
#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "body_stream.h"
#include "gzip.h"
#include "request.h"

Suite *suite_body_stream(void);

enum { TOTAL = 3 * BODY_STREAM_SIZE + 12345 };

static char pattern(size_t i)
{
	return (char)(i * 31 + i / 251);
}

static void post(void *owner)
{
	sem_post(owner);
}

struct reading {
	struct body_stream *stream;
	size_t piece;
	struct buffer got;
	long last;
	enum err err;
};

static void *read_all(void *context)
{
	struct reading *reading = context;
	char *piece = malloc(reading->piece);

	while ((reading->last = body_stream_read(reading->stream, piece, reading->piece, &reading->err)) > 0)
		buffer_append(&reading->got, piece, (size_t)reading->last);
	free(piece);
	return NULL;
}

/* Writes all, waiting for space whenever the ring takes less. */
static void write_all(struct body_stream *stream, sem_t *space, const char *data, size_t size)
{
	while (size > 0) {
		size_t taken = body_stream_write(stream, data, size);

		data += taken;
		size -= taken;
		if (size > 0)
			sem_wait(space);
	}
}

START_TEST(in_order)
{
	static const size_t pieces[] = {1000, 65536, BODY_STREAM_SIZE, 2 * BODY_STREAM_SIZE};
	char *data = malloc(TOTAL);
	struct reading reading = {.piece = pieces[_i]};
	pthread_t thread;
	sem_t space;

	for (size_t i = 0; i < TOTAL; i++)
		data[i] = pattern(i);
	sem_init(&space, 0, 0);
	reading.stream = body_stream_new(false, post, &space);
	pthread_create(&thread, NULL, read_all, &reading);
	write_all(reading.stream, &space, data, TOTAL);
	body_stream_end(reading.stream);
	pthread_join(thread, NULL);
	ck_assert_int_eq(reading.last, 0);
	ck_assert_uint_eq(reading.got.size, TOTAL);
	ck_assert_int_eq(memcmp(reading.got.data, data, TOTAL), 0);
	body_stream_free(reading.stream);
	buffer_free(&reading.got);
	sem_destroy(&space);
	free(data);
}
END_TEST

START_TEST(takes_no_more_than_the_ring)
{
	static char data[BODY_STREAM_SIZE + 1];
	struct body_stream *stream;
	enum err err;
	sem_t space;
	int told;

	sem_init(&space, 0, 0);
	stream = body_stream_new(false, post, &space);
	ck_assert_uint_eq(body_stream_write(stream, data, sizeof data), BODY_STREAM_SIZE);
	ck_assert_uint_eq(body_stream_write(stream, data, 1), 0);
	/* told once, when half of it is free */
	ck_assert_int_eq(body_stream_read(stream, data, 1000, &err), 1000);
	sem_getvalue(&space, &told);
	ck_assert_int_eq(told, 0);
	ck_assert_int_eq(body_stream_read(stream, data, BODY_STREAM_SIZE / 2, &err), BODY_STREAM_SIZE / 2);
	ck_assert_int_eq(body_stream_read(stream, data, 1000, &err), 1000);
	sem_getvalue(&space, &told);
	ck_assert_int_eq(told, 1);
	/* after the reader is gone everything is taken and dropped */
	body_stream_close(stream);
	ck_assert_uint_eq(body_stream_write(stream, data, sizeof data), sizeof data);
	body_stream_free(stream);
	sem_destroy(&space);
}
END_TEST

START_TEST(failure)
{
	struct reading reading = {.piece = 100};
	pthread_t thread;

	reading.stream = body_stream_new(false, post, NULL);
	pthread_create(&thread, NULL, read_all, &reading);
	body_stream_write(reading.stream, "abc", 3);
	usleep(20000);
	body_stream_fail(reading.stream, ERR_REQUEST_TIMEOUT);
	body_stream_fail(reading.stream, ERR_INTERNAL);
	pthread_join(thread, NULL);
	ck_assert_int_eq(reading.last, -1);
	ck_assert_int_eq(reading.err, ERR_REQUEST_TIMEOUT);
	body_stream_free(reading.stream);
	buffer_free(&reading.got);
}
END_TEST

START_TEST(failure_after_the_end)
{
	struct reading reading = {.piece = 100};

	reading.stream = body_stream_new(false, post, NULL);
	body_stream_write(reading.stream, "abc", 3);
	body_stream_end(reading.stream);
	body_stream_fail(reading.stream, ERR_REQUEST_TIMEOUT);
	read_all(&reading);
	ck_assert_int_eq(reading.last, 0);
	ck_assert_str_eq(reading.got.data, "abc");
	body_stream_free(reading.stream);
	buffer_free(&reading.got);
}
END_TEST

static struct buffer packed_lines(struct buffer *plain)
{
	struct buffer packed = {0};

	for (int i = 0; i < 100000; i++)
		buffer_printf(plain, "{\"id\":\"%d\"}\n", i * 7919);
	ck_assert(gzip_compress(buffer_text(plain), &packed));
	return packed;
}

START_TEST(gzipped)
{
	struct buffer plain = {0}, packed = packed_lines(&plain);
	struct reading reading = {.piece = 10000};
	pthread_t thread;
	sem_t space;

	sem_init(&space, 0, 0);
	reading.stream = body_stream_new(true, post, &space);
	pthread_create(&thread, NULL, read_all, &reading);
	write_all(reading.stream, &space, packed.data, packed.size - (size_t)_i);
	body_stream_end(reading.stream);
	pthread_join(thread, NULL);
	/* whole, or cut by a byte */
	ck_assert_int_eq(reading.last, _i == 0 ? 0 : -1);
	if (_i == 0)
		ck_assert(text_equal(buffer_text(&reading.got), buffer_text(&plain)));
	else
		ck_assert_int_eq(reading.err, ERR_INVALID_ENCODING);
	body_stream_free(reading.stream);
	buffer_free(&reading.got);
	buffer_free(&plain);
	buffer_free(&packed);
	sem_destroy(&space);
}
END_TEST

Suite *suite_body_stream(void)
{
	Suite *suite = suite_create("body_stream");
	TCase *tcase = tcase_create("body_stream");

	tcase_add_loop_test(tcase, in_order, 0, 4);
	tcase_add_test(tcase, takes_no_more_than_the_ring);
	tcase_add_test(tcase, failure);
	tcase_add_test(tcase, failure_after_the_end);
	tcase_add_loop_test(tcase, gzipped, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}
