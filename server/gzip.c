#include "gzip.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST /* input is not written to */
#include <zlib.h>

#include "memory.h"

enum {
	GZIP_WINDOW = 15 + 16, /* zlib: the largest window, gzip framing and nothing else */
	GZIP_LEVEL = 5,
	PIECE = 64 * 1024
};

bool gzip_compress(struct text data, struct buffer *out)
{
	z_stream stream = {0};
	bool smaller = false;

	buffer_clear(out);
	if (data.size > UINT_MAX || deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	/* Room for one byte less than there is: what does not fit did not get smaller. */
	buffer_reserve(out, data.size);
	stream.next_in = (const Bytef *)data.data;
	stream.avail_in = (uInt)data.size;
	stream.next_out = (Bytef *)out->data;
	stream.avail_out = (uInt)(data.size > 0 ? data.size - 1 : 0);
	if (deflate(&stream, Z_FINISH) == Z_STREAM_END) {
		out->size = stream.total_out;
		out->data[out->size] = '\0';
		smaller = true;
	}
	deflateEnd(&stream);
	return smaller;
}

/* zlib's memory comes from where ours does. */
static voidpf take(voidpf unused, uInt count, uInt size)
{
	(void)unused;
	return memory_zeroed(count, size);
}

static void give(voidpf unused, voidpf memory)
{
	(void)unused;
	free(memory);
}

struct gzip {
	z_stream stream;
	char out[PIECE / 4];
};

struct gzip *gzip_new(void)
{
	struct gzip *gzip = memory_zeroed(1, sizeof *gzip);

	gzip->stream.zalloc = take;
	gzip->stream.zfree = give;
	if (deflateInit2(&gzip->stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	return gzip;
}

void gzip_free(struct gzip *gzip)
{
	if (gzip == NULL)
		return;
	deflateEnd(&gzip->stream);
	free(gzip);
}

bool gzip_write(struct gzip *gzip, struct text data, bool last, bool (*put)(void *context, struct text piece), void *context)
{
	z_stream *stream = &gzip->stream;
	bool full = true;

	/* Rows come in far smaller pieces than the 4 GiB that zlib counts up to; longer ones would be cut. */
	if (data.size > UINT_MAX)
		return false;
	stream->next_in = (const Bytef *)data.data;
	stream->avail_in = (uInt)data.size;
	while (full) {
		struct text piece = {gzip->out, 0};

		stream->next_out = (Bytef *)gzip->out;
		stream->avail_out = sizeof gzip->out;
		(void)deflate(stream, last ? Z_FINISH : Z_NO_FLUSH);
		full = stream->avail_out == 0;
		piece.size = sizeof gzip->out - stream->avail_out;
		if (piece.size > 0 && !put(context, piece))
			return false;
	}
	return true;
}

struct gunzip {
	z_stream stream;
	bool between;  /* at the start, or a member just ended: the file may end here */
	bool started;  /* at least one member was complete */
	bool broken;
};

struct gunzip *gunzip_new(void)
{
	struct gunzip *gunzip = memory_zeroed(1, sizeof *gunzip);

	gunzip->stream.zalloc = take;
	gunzip->stream.zfree = give;
	if (inflateInit2(&gunzip->stream, GZIP_WINDOW) != Z_OK)
		abort();
	gunzip->between = true;
	return gunzip;
}

void gunzip_free(struct gunzip *gunzip)
{
	if (gunzip == NULL)
		return;
	inflateEnd(&gunzip->stream);
	free(gunzip);
}

/* One call of inflate; false when the data is broken. */
static bool step(struct gunzip *gunzip, struct text *in, char *to, size_t size, size_t *written)
{
	z_stream *stream = &gunzip->stream;
	size_t given = in->size < PIECE ? in->size : PIECE;
	int result;

	stream->next_in = (const Bytef *)in->data;
	stream->avail_in = (uInt)given;
	stream->next_out = (Bytef *)to;
	stream->avail_out = (uInt)(size < PIECE ? size : PIECE);
	*written = stream->avail_out;
	result = inflate(stream, Z_NO_FLUSH);
	*written -= stream->avail_out;
	given -= stream->avail_in;
	*in = (struct text){in->data + given, in->size - given};
	if (given > 0)
		gunzip->between = false;
	if (result == Z_STREAM_END) {
		gunzip->between = gunzip->started = true;
		return inflateReset(stream) == Z_OK;
	}
	return result == Z_OK || result == Z_BUF_ERROR;
}

long gunzip_read(struct gunzip *gunzip, struct text *in, bool last, void *to, size_t size)
{
	size_t total = 0;

	while (!gunzip->broken && total < size) {
		size_t before = in->size, written = 0;

		if (in->size == 0 && gunzip->between)
			break;
		if (!step(gunzip, in, (char *)to + total, size - total, &written))
			gunzip->broken = true;
		total += written;
		if (written == 0 && in->size == before)
			break;
	}
	if (total > 0)
		return (long)total;
	if (gunzip->broken || (last && in->size == 0 && !(gunzip->between && gunzip->started)))
		return -1;
	return 0;
}

enum err gzip_expand(struct text data, size_t limit, struct buffer *out)
{
	struct gunzip *gunzip = gunzip_new();
	enum err err = ERR_OK;
	size_t start = out->size;
	long got;

	do {
		buffer_reserve(out, PIECE);
		got = gunzip_read(gunzip, &data, true, out->data + out->size, PIECE);
		if (got < 0) {
			err = ERR_INVALID_ENCODING;
		} else {
			out->size += (size_t)got;
			out->data[out->size] = '\0';
			if (out->size - start > limit)
				err = ERR_BODY_TOO_LARGE;
		}
	} while (err == ERR_OK && got > 0);
	gunzip_free(gunzip);
	return err;
}
