/* A text that many replies send at once, without a copy each: counted, compressed at most once. Safe from any thread. */
#ifndef PLUMBLINE_SHARED_H
#define PLUMBLINE_SHARED_H

#include "text.h"

struct shared;

struct shared *shared_new(struct buffer *text); /* takes what is in the buffer, which is empty then; one holder */
struct shared *shared_hold(struct shared *shared); /* one holder more */
void shared_release(void *shared);              /* one fewer; the last one frees it. NULL allowed */

struct text shared_plain(const struct shared *shared);
struct text shared_gzip(struct shared *shared); /* absent when compressing does not make it smaller */
size_t shared_size(const struct shared *shared); /* bytes of memory it takes now */

#endif
