/* gzip in both directions, with bounded output. */
#ifndef PLUMBLINE_GZIP_H
#define PLUMBLINE_GZIP_H

#include <stdbool.h>

#include "error.h"
#include "text.h"

enum { GZIP_MIN_SIZE = 1024 }; /* bytes: smaller answers are sent as they are */

/* Compresses data into *out (replaced). False when it did not get smaller; then *out is empty. */
bool gzip_compress(struct text data, struct buffer *out);

/* Decompresses a whole gzip file (concatenated members allowed) and appends it to *out.
 * ERR_BODY_TOO_LARGE as soon as the output would pass limit bytes, ERR_INVALID_ENCODING when broken, cut or followed by rubbish. */
enum err gzip_expand(struct text data, size_t limit, struct buffer *out);

/* Compresses piece by piece, in a fixed buffer: output is handed to put as it comes; with last set the file is ended. put returns
 * false when it takes no more: then so does gzip_write, and the rest is dropped. */
struct gzip;
struct gzip *gzip_new(void);
void gzip_free(struct gzip *gzip); /* NULL allowed */
bool gzip_write(struct gzip *gzip, struct text data, bool last, bool (*put)(void *context, struct text piece), void *context);

/* Decompresses piece by piece, in a fixed buffer. */
struct gunzip;
struct gunzip *gunzip_new(void);
void gunzip_free(struct gunzip *gunzip); /* NULL allowed */

/* Takes from *in (advanced), writes at most size bytes to `to` and returns how many; 0 when more input is needed or, with
 * last set, when the file is complete. -1: broken, or cut short (last set and not complete). */
long gunzip_read(struct gunzip *gunzip, struct text *in, bool last, void *to, size_t size);

#endif
