/* An answer on its way from a producer to the event loop while it is made: a ring of fixed size, the mirror of body_stream. The
 * producer waits when the ring is full, the loop suspends the connection when it is empty; so memory does not depend on the size of
 * the answer, and a slow client slows down its producer alone. */
#ifndef PLUMBLINE_ANSWER_STREAM_H
#define PLUMBLINE_ANSWER_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "text.h"

enum { ANSWER_STREAM_SIZE = 256 * 1024 }; /* bytes of the ring of a long answer */

struct answer_stream;

/* gzip: what is written is sent compressed. wake(owner) is called on the producer's thread when the answer begins, and when there is
 * something to read (bytes, the end, a failure) after answer_stream_read had nothing; it may not block. */
struct answer_stream *answer_stream_new(bool gzip, void (*wake)(void *owner), void *owner);
void answer_stream_free(struct answer_stream *stream); /* NULL allowed; no producer may be left */

/* The producer's end. */

/* The head of the answer is settled and may be sent; from here on an error can only be told by breaking off. Once. ring_size: bytes
 * that may wait to be sent; the memory is taken now. */
void answer_stream_begin(struct answer_stream *stream, size_t ring_size);

/* Waits for room. False: nobody takes the answer any more; what follows is in vain. */
bool answer_stream_write(struct answer_stream *stream, struct text data);

/* Never waits: all of data, or nothing and false when there is no room for it or nobody takes it. Not with gzip. */
bool answer_stream_offer(struct answer_stream *stream, struct text data);

void answer_stream_end(struct answer_stream *stream);                 /* complete; may wait for room for gzip's last bytes */
void answer_stream_fail(struct answer_stream *stream, enum err err);  /* broken off: the client must not take it for complete */

/* The loop's end. */

enum { ANSWER_NOTHING = 0, ANSWER_ENDED = -1, ANSWER_BROKEN = -2 };

bool answer_stream_begun(struct answer_stream *stream);
bool answer_stream_is_gzip(const struct answer_stream *stream);

/* Bytes read; ANSWER_NOTHING: none now, wake will be called; ANSWER_ENDED; ANSWER_BROKEN. */
long answer_stream_read(struct answer_stream *stream, void *to, size_t size);
enum err answer_stream_failed(struct answer_stream *stream); /* why it broke; ERR_OK: it did not */
void answer_stream_close(struct answer_stream *stream);      /* nobody reads any more: the producer is released */

/* Any thread: whether anybody still takes the answer. */
bool answer_stream_wanted(struct answer_stream *stream);

#endif
