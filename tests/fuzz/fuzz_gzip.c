/* Compressed bodies: expanding is bounded whatever the file promises, and piece by piece gives what all at once gives. The first
 * two bytes choose the limit and the size of the pieces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gzip.h"

enum { PIECE_MAX = 64 * 1024 }; /* what is noticed to be too much is noticed a piece late */

#define CHECK(condition) ((condition) ? (void)0 : abort())

/* -1: broken. Stops behind the limit: what comes then is another test's. */
static long expand_in_pieces(struct text data, size_t piece, size_t limit, struct buffer *out)
{
	struct gunzip *gunzip = gunzip_new();
	char to[97];
	long got = 0;

	CHECK(gunzip != NULL);
	for (size_t at = 0; at < data.size || at == 0; at += piece) {
		struct text in = {data.data + at, data.size - at < piece ? data.size - at : piece};
		bool last = at + piece >= data.size;

		while ((got = gunzip_read(gunzip, &in, last, to, sizeof to)) > 0 && out->size <= limit)
			buffer_append(out, to, (size_t)got);
		if (got < 0 || out->size > limit)
			break;
	}
	gunzip_free(gunzip);
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer whole = {0}, pieces = {0};
	struct text file;
	size_t limit, piece;
	enum err err;
	long got;

	if (size < 3)
		return 0;
	limit = (size_t)data[0] * 64;
	piece = 1 + data[1] % 61u;
	file = (struct text){(const char *)data + 2, size - 2};
	err = gzip_expand(file, limit, &whole);
	CHECK(err == ERR_OK || err == ERR_BODY_TOO_LARGE || err == ERR_INVALID_ENCODING);
	CHECK(whole.size <= limit || (err == ERR_BODY_TOO_LARGE && whole.size <= limit + PIECE_MAX));
	got = expand_in_pieces(file, piece, limit, &pieces);
	if (err == ERR_OK)
		CHECK(got == 0 && text_equal(buffer_text(&whole), buffer_text(&pieces)));
	if (err == ERR_INVALID_ENCODING)
		CHECK(got < 0 || pieces.size > limit);
	buffer_free(&whole);
	buffer_free(&pieces);
	return 0;
}
