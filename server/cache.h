/* Answers kept in memory. An answer is a function of the question, of what its key may see and of the versions of its
 * organisation's data; a digest of all these is its entity tag and its place in the cache. So nothing is ever invalidated:
 * what changed has another tag, and what is not asked for any more falls out, least recently used first.
 *
 * Equal questions that come while one is being answered wait for that answer. Safe from any thread. */
#ifndef PLUMBLINE_CACHE_H
#define PLUMBLINE_CACHE_H

#include <stddef.h>

#include "worker.h"

enum { CACHE_TAG_SIZE = 41 }; /* characters of a tag with its NUL */

/* What STATEMENT_org_version says, as text. */
struct cache_version {
	struct text data, config, local_date;
};

struct cache;

struct cache *cache_new(size_t max_bytes, struct stats *stats); /* 0: nothing is kept. stats may be NULL */
void cache_free(struct cache *cache);                           /* NULL allowed; no question may be open */

/* The tag of a request at a version. */
void cache_tag(const struct request *request, const struct cache_version *version, char tag[CACHE_TAG_SIZE]);

/* The tag of an answer that may change although the version does not: of the request at a version, and of the answer itself. */
void cache_tag_answer(const struct request *request, const struct cache_version *version, struct text answer, char tag[CACHE_TAG_SIZE]);

enum cache_answer {
	CACHE_HIT,   /* the job's reply is filled */
	CACHE_MISS,  /* the caller has to answer and then to call cache_settle with the same job, whatever became of it */
	CACHE_WAITS  /* the job waits for another: it is not the caller's any more until cache_settle hands it out */
};

/* Looks for the answer to job, whose reply.etag is its tag. */
enum cache_answer cache_ask(struct cache *cache, struct job *job);

/* job was a miss and is now answered: reply.err, and when that is ERR_OK the reply (headers from headers_from on belong to the
 * answer, those before to this request alone). Its body is shared from then on. Keeps the answer if it may be kept. Returns the jobs that waited for it, linked by
 * next, their replies filled alike: the caller has to finish them. */
struct job *cache_settle(struct cache *cache, struct job *job, size_t headers_from);

#endif
