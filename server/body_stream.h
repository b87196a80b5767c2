/* A body on its way from the event loop to a worker while it arrives: a ring of fixed size. The loop stops reading the socket
 * when the ring is full, the worker waits when it is empty; so memory does not depend on the size of the body.
 * The reading end, body_stream_read, stands in request.h. */
#ifndef PLUMBLINE_BODY_STREAM_H
#define PLUMBLINE_BODY_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum { BODY_STREAM_SIZE = 256 * 1024 }; /* bytes of the ring */

struct body_stream;

/* gzip: what arrives is compressed and is read decompressed. space(owner) is called on the reading thread when there is room
 * again after body_stream_write took less than it was given; it may not block. */
struct body_stream *body_stream_new(bool gzip, void (*space)(void *owner), void *owner);
void body_stream_free(struct body_stream *stream); /* NULL allowed; nobody may be reading */

/* The writing end, for the loop. Returns the bytes taken: all, unless the ring is full. After body_stream_close all are taken
 * and dropped. */
size_t body_stream_write(struct body_stream *stream, const void *data, size_t size);
void body_stream_end(struct body_stream *stream);                /* the body is complete */
void body_stream_fail(struct body_stream *stream, enum err err); /* it never will be: readers get -1 and this error */
void body_stream_close(struct body_stream *stream);              /* nobody reads any more */

#endif
