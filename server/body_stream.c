#include "body_stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "gzip.h"
#include "memory.h"
#include "request.h"

struct body_stream {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	char *ring;
	size_t start, used;
	bool ended, closed;
	bool wants_space;      /* the writer was turned away and waits for space() */
	enum err failed;       /* ERR_OK: not */
	void (*space)(void *owner);
	void *owner;
	/* The reader's own, used without the mutex. */
	struct gunzip *gunzip; /* NULL: the body is not compressed */
	char *packed;          /* compressed bytes taken from the ring */
	struct text packed_rest;
};

enum { PACKED_SIZE = 32 * 1024 };

struct body_stream *body_stream_new(bool gzip, void (*space)(void *owner), void *owner)
{
	struct body_stream *stream = memory_zeroed(1, sizeof *stream);

	pthread_mutex_init(&stream->mutex, NULL);
	pthread_cond_init(&stream->changed, NULL);
	stream->ring = memory_take(BODY_STREAM_SIZE);
	stream->space = space;
	stream->owner = owner;
	if (gzip) {
		stream->gunzip = gunzip_new();
		stream->packed = memory_take(PACKED_SIZE);
	}
	return stream;
}

void body_stream_free(struct body_stream *stream)
{
	if (stream == NULL)
		return;
	pthread_cond_destroy(&stream->changed);
	pthread_mutex_destroy(&stream->mutex);
	gunzip_free(stream->gunzip);
	free(stream->packed);
	free(stream->ring);
	free(stream);
}

size_t body_stream_write(struct body_stream *stream, const void *data, size_t size)
{
	size_t end, first;

	pthread_mutex_lock(&stream->mutex);
	if (stream->closed) {
		pthread_mutex_unlock(&stream->mutex);
		return size;
	}
	if (size > BODY_STREAM_SIZE - stream->used) {
		size = BODY_STREAM_SIZE - stream->used;
		stream->wants_space = true;
	}
	end = (stream->start + stream->used) % BODY_STREAM_SIZE;
	first = size < BODY_STREAM_SIZE - end ? size : BODY_STREAM_SIZE - end;
	memcpy(stream->ring + end, data, first);
	memcpy(stream->ring, (const char *)data + first, size - first);
	stream->used += size;
	pthread_cond_signal(&stream->changed);
	pthread_mutex_unlock(&stream->mutex);
	return size;
}

void body_stream_end(struct body_stream *stream)
{
	pthread_mutex_lock(&stream->mutex);
	stream->ended = true;
	pthread_cond_signal(&stream->changed);
	pthread_mutex_unlock(&stream->mutex);
}

void body_stream_fail(struct body_stream *stream, enum err err)
{
	pthread_mutex_lock(&stream->mutex);
	if (!stream->ended && stream->failed == ERR_OK)
		stream->failed = err;
	pthread_cond_signal(&stream->changed);
	pthread_mutex_unlock(&stream->mutex);
}

void body_stream_close(struct body_stream *stream)
{
	pthread_mutex_lock(&stream->mutex);
	stream->closed = true;
	pthread_mutex_unlock(&stream->mutex);
}

/* Bytes as they arrived: blocks until there are some. 0 at the end, -1 when the body failed. */
static long take(struct body_stream *stream, char *to, size_t size, enum err *err)
{
	bool tell = false;
	long taken;

	pthread_mutex_lock(&stream->mutex);
	while (stream->used == 0 && !stream->ended && stream->failed == ERR_OK)
		pthread_cond_wait(&stream->changed, &stream->mutex);
	if (stream->failed != ERR_OK) {
		*err = stream->failed;
		taken = -1;
	} else {
		size_t first = BODY_STREAM_SIZE - stream->start;

		size = size < stream->used ? size : stream->used;
		first = first < size ? first : size;
		memcpy(to, stream->ring + stream->start, first);
		memcpy(to + first, stream->ring, size - first);
		stream->start = (stream->start + size) % BODY_STREAM_SIZE;
		stream->used -= size;
		taken = (long)size;
		/* Half of the ring at a time: waking the loop for every few bytes would cost more than it brings. */
		tell = stream->wants_space && stream->used <= BODY_STREAM_SIZE / 2;
		if (tell)
			stream->wants_space = false;
	}
	pthread_mutex_unlock(&stream->mutex);
	if (tell)
		stream->space(stream->owner);
	return taken;
}

static long read_packed(struct body_stream *stream, char *to, size_t size, enum err *err)
{
	bool last = false;

	for (;;) {
		long got = gunzip_read(stream->gunzip, &stream->packed_rest, last, to, size);

		if (got < 0)
			*err = ERR_INVALID_ENCODING;
		if (got != 0 || last)
			return got;
		got = take(stream, stream->packed, PACKED_SIZE, err);
		if (got < 0)
			return -1;
		stream->packed_rest = (struct text){stream->packed, (size_t)got};
		last = got == 0;
	}
}

long body_stream_read(struct body_stream *stream, void *to, size_t size, enum err *err)
{
	if (size == 0)
		return 0;
	return stream->gunzip != NULL ? read_packed(stream, to, size, err) : take(stream, to, size, err);
}
