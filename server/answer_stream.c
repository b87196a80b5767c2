#include "answer_stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "gzip.h"
#include "memory.h"

struct answer_stream {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	char *ring;            /* NULL until the answer begins */
	size_t size, start, used;
	bool begun, ended, closed;
	bool wants_data;       /* the reader found nothing and waits for wake() */
	enum err failed;       /* ERR_OK: not */
	void (*wake)(void *owner);
	void *owner;
	struct gzip *gzip;     /* the producer's own; NULL: sent as it is */
};

struct answer_stream *answer_stream_new(bool gzip, void (*wake)(void *owner), void *owner)
{
	struct answer_stream *stream = memory_zeroed(1, sizeof *stream);

	pthread_mutex_init(&stream->mutex, NULL);
	pthread_cond_init(&stream->changed, NULL);
	stream->wake = wake;
	stream->owner = owner;
	if (gzip)
		stream->gzip = gzip_new();
	return stream;
}

void answer_stream_free(struct answer_stream *stream)
{
	if (stream == NULL)
		return;
	pthread_cond_destroy(&stream->changed);
	pthread_mutex_destroy(&stream->mutex);
	gzip_free(stream->gzip);
	free(stream->ring);
	free(stream);
}

/* With the mutex held, which is given up: tells the reader when it waits for something. */
static void unlock_and_tell(struct answer_stream *stream, bool always)
{
	bool tell = always || stream->wants_data;

	stream->wants_data = false;
	pthread_mutex_unlock(&stream->mutex);
	if (tell)
		stream->wake(stream->owner);
}

void answer_stream_begin(struct answer_stream *stream, size_t ring_size)
{
	pthread_mutex_lock(&stream->mutex);
	stream->size = ring_size;
	stream->ring = memory_take(ring_size);
	stream->begun = true;
	unlock_and_tell(stream, true);
}

/* With the mutex held: as much as there is room for. */
static size_t put(struct answer_stream *stream, struct text data)
{
	size_t room = stream->size - stream->used;
	size_t size = data.size < room ? data.size : room;
	size_t end = (stream->start + stream->used) % stream->size;
	size_t first = size < stream->size - end ? size : stream->size - end;

	if (size == 0)
		return 0;
	memcpy(stream->ring + end, data.data, first);
	memcpy(stream->ring, data.data + first, size - first);
	stream->used += size;
	return size;
}

static bool write_plain(void *context, struct text data)
{
	struct answer_stream *stream = context;

	while (data.size > 0) {
		size_t taken;

		pthread_mutex_lock(&stream->mutex);
		/* Half of the ring at a time: waking each other for every few bytes would cost more than it brings. */
		while (!stream->closed && stream->used == stream->size)
			pthread_cond_wait(&stream->changed, &stream->mutex);
		if (stream->closed) {
			pthread_mutex_unlock(&stream->mutex);
			return false;
		}
		taken = put(stream, data);
		data = (struct text){data.data + taken, data.size - taken};
		unlock_and_tell(stream, false);
	}
	return true;
}

bool answer_stream_write(struct answer_stream *stream, struct text data)
{
	if (stream->gzip != NULL)
		return gzip_write(stream->gzip, data, false, write_plain, stream) && answer_stream_wanted(stream);
	return write_plain(stream, data);
}

bool answer_stream_offer(struct answer_stream *stream, struct text data)
{
	bool fits;

	pthread_mutex_lock(&stream->mutex);
	fits = !stream->closed && data.size <= stream->size - stream->used;
	if (fits)
		(void)put(stream, data);
	unlock_and_tell(stream, false);
	return fits;
}

void answer_stream_end(struct answer_stream *stream)
{
	if (stream->gzip != NULL)
		(void)gzip_write(stream->gzip, (struct text){0}, true, write_plain, stream);
	pthread_mutex_lock(&stream->mutex);
	stream->ended = true;
	unlock_and_tell(stream, false);
}

void answer_stream_fail(struct answer_stream *stream, enum err err)
{
	pthread_mutex_lock(&stream->mutex);
	if (!stream->ended && stream->failed == ERR_OK)
		stream->failed = err;
	unlock_and_tell(stream, false);
}

bool answer_stream_begun(struct answer_stream *stream)
{
	bool begun;

	pthread_mutex_lock(&stream->mutex);
	begun = stream->begun;
	pthread_mutex_unlock(&stream->mutex);
	return begun;
}

bool answer_stream_is_gzip(const struct answer_stream *stream)
{
	return stream->gzip != NULL;
}

/* With the mutex held. */
static size_t take(struct answer_stream *stream, char *to, size_t size)
{
	size_t first = stream->size - stream->start;
	bool was_full = stream->used > stream->size / 2;

	size = size < stream->used ? size : stream->used;
	first = first < size ? first : size;
	memcpy(to, stream->ring + stream->start, first);
	memcpy(to + first, stream->ring, size - first);
	stream->start = (stream->start + size) % stream->size;
	stream->used -= size;
	if (was_full && stream->used <= stream->size / 2)
		pthread_cond_signal(&stream->changed);
	return size;
}

long answer_stream_read(struct answer_stream *stream, void *to, size_t size)
{
	long result = ANSWER_NOTHING;

	pthread_mutex_lock(&stream->mutex);
	if (stream->closed || stream->failed != ERR_OK)
		result = ANSWER_BROKEN;
	else if (stream->used > 0)
		result = (long)take(stream, to, size);
	else if (stream->ended)
		result = ANSWER_ENDED;
	else
		stream->wants_data = true;
	pthread_mutex_unlock(&stream->mutex);
	return result;
}

enum err answer_stream_failed(struct answer_stream *stream)
{
	enum err failed;

	pthread_mutex_lock(&stream->mutex);
	failed = stream->failed;
	pthread_mutex_unlock(&stream->mutex);
	return failed;
}

void answer_stream_close(struct answer_stream *stream)
{
	pthread_mutex_lock(&stream->mutex);
	stream->closed = true;
	pthread_cond_signal(&stream->changed);
	pthread_mutex_unlock(&stream->mutex);
}

bool answer_stream_wanted(struct answer_stream *stream)
{
	bool wanted;

	pthread_mutex_lock(&stream->mutex);
	wanted = !stream->closed;
	pthread_mutex_unlock(&stream->mutex);
	return wanted;
}
