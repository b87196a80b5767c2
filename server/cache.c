#include "cache.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "memory.h"
#include "route.h"
#include "shared.h"
#include "stats.h"

enum { BUCKETS = 4096, TAG_BYTES = (CACHE_TAG_SIZE - 1) / 2, ENTRY_SHARE = 8 /* an answer may take this part of the cache */ };

/* An answer, or the promise of one. */
struct entry {
	struct entry *chain;         /* of the bucket */
	struct entry *older, *newer; /* by use; answers only */
	char tag[CACHE_TAG_SIZE];
	bool pending;
	struct job *waiting;         /* newest first */
	int status;
	const char *content_type;
	struct shared *body;
	struct buffer headers;
	size_t counted;              /* in the cache's bytes */
};

struct cache {
	pthread_mutex_t mutex;
	struct entry *buckets[BUCKETS];
	struct entry *oldest, *newest;
	size_t bytes, max_bytes;
	struct stats *stats;
};

struct cache *cache_new(size_t max_bytes, struct stats *stats)
{
	struct cache *cache = memory_zeroed(1, sizeof *cache);

	pthread_mutex_init(&cache->mutex, NULL);
	cache->max_bytes = max_bytes;
	cache->stats = stats;
	return cache;
}

static size_t size_of(const struct entry *entry)
{
	return sizeof *entry + shared_size(entry->body) + entry->headers.capacity;
}

static void entry_free(struct entry *entry)
{
	shared_release(entry->body);
	buffer_free(&entry->headers);
	free(entry);
}

void cache_free(struct cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (cache->buckets[i] != NULL) {
			struct entry *entry = cache->buckets[i];

			cache->buckets[i] = entry->chain;
			entry_free(entry);
		}
	pthread_mutex_destroy(&cache->mutex);
	free(cache);
}

/* ── tags ─────────────────────────────────────────────────────────────────────────────────────── */

/* Each part with its length before it, so that no two lists of parts look the same. */
static void add(crypto_generichash_state *state, struct text part)
{
	uint64_t size = part.size;

	crypto_generichash_update(state, (const unsigned char *)&size, sizeof size);
	if (part.size > 0)
		crypto_generichash_update(state, (const unsigned char *)part.data, part.size);
}

static int by_name(const void *a, const void *b)
{
	const struct param *const *left = a, *const *right = b;
	struct text x = (*left)->name, y = (*right)->name;
	int order = memcmp(x.data, y.data, x.size < y.size ? x.size : y.size);

	return order != 0 ? order : (x.size > y.size) - (x.size < y.size);
}

/* Parameters in the order of their names: how they were written makes no other question. */
static void add_query(crypto_generichash_state *state, const struct request *request)
{
	const struct param *sorted[QUERY_PARAMS_MAX];

	for (size_t i = 0; i < request->query_count; i++)
		sorted[i] = &request->query[i];
	qsort(sorted, request->query_count, sizeof *sorted, by_name);
	for (size_t i = 0; i < request->query_count; i++) {
		add(state, sorted[i]->name);
		add(state, sorted[i]->value);
	}
}

void cache_tag(const struct request *request, const struct cache_version *version, char tag[CACHE_TAG_SIZE])
{
	const struct principal *who = &request->who;
	unsigned char digest[TAG_BYTES];
	crypto_generichash_state state;
	char numbers[64];

	crypto_generichash_init(&state, NULL, 0, sizeof digest);
	snprintf(numbers, sizeof numbers, "%d %d %d %d", who->org_id, (int)who->read_scope, (int)request->format,
		 (int)request->route->method);
	add(&state, text_of(numbers));
	add(&state, text_of(embedded_functions_checksum));
	add(&state, version->data);
	add(&state, version->config);
	add(&state, version->local_date);
	add(&state, text_of(who->read_scope == READ_ALL ? "" : who->rep_id));
	add(&state, text_of(who->read_scope == READ_ALL ? "" : who->team_id));
	add(&state, text_of(request->route->path));
	for (size_t i = 0; i < request->path_param_count; i++)
		add(&state, request->path_params[i]);
	add(&state, request->body);
	add_query(&state, request);
	crypto_generichash_final(&state, digest, sizeof digest);
	sodium_bin2hex(tag, CACHE_TAG_SIZE, digest, sizeof digest);
}

void cache_tag_answer(const struct request *request, const struct cache_version *version, struct text answer, char tag[CACHE_TAG_SIZE])
{
	unsigned char digest[TAG_BYTES];
	crypto_generichash_state state;

	cache_tag(request, version, tag);
	crypto_generichash_init(&state, NULL, 0, sizeof digest);
	add(&state, text_of(tag));
	add(&state, answer);
	crypto_generichash_final(&state, digest, sizeof digest);
	sodium_bin2hex(tag, CACHE_TAG_SIZE, digest, sizeof digest);
}

/* ── the table, with the mutex held ───────────────────────────────────────────────────────────── */

/* The tag is a digest: any part of it is as good as a hash of it. */
static struct entry **link_of(struct cache *cache, const char *tag)
{
	char start[9] = {0};
	struct entry **link;

	memcpy(start, tag, 8);
	link = &cache->buckets[strtoul(start, NULL, 16) % BUCKETS];
	while (*link != NULL && strcmp((*link)->tag, tag) != 0)
		link = &(*link)->chain;
	return link;
}

static void detach(struct cache *cache, struct entry *entry)
{
	*(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
	*(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
	entry->older = entry->newer = NULL;
}

static void attach_newest(struct cache *cache, struct entry *entry)
{
	entry->older = cache->newest;
	*(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
	cache->newest = entry;
}

static void drop_oldest(struct cache *cache)
{
	struct entry *entry = cache->oldest;

	/* The analyzer does not see that an entry freed is in no list any more. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	*link_of(cache, entry->tag) = entry->chain;
	detach(cache, entry);
	cache->bytes -= entry->counted;
	entry_free(entry);
}

static void promise(struct entry **link, const char *tag)
{
	struct entry *entry = memory_zeroed(1, sizeof *entry);

	memcpy(entry->tag, tag, sizeof entry->tag);
	entry->pending = true;
	*link = entry;
}

static void fill(const struct entry *entry, struct reply *reply)
{
	reply->status = entry->status;
	reply->content_type = entry->content_type;
	reply->shared = shared_hold(entry->body);
	buffer_append_text(&reply->headers, buffer_text(&entry->headers));
	reply->err = ERR_OK;
}

/* As used last, and as large as it is now: it may have been compressed since. */
static void count_newest(struct cache *cache, struct entry *entry)
{
	attach_newest(cache, entry);
	cache->bytes -= entry->counted;
	entry->counted = size_of(entry);
	cache->bytes += entry->counted;
	while (cache->bytes > cache->max_bytes)
		drop_oldest(cache);
}

/* ── asking and answering ─────────────────────────────────────────────────────────────────────── */

enum cache_answer cache_ask(struct cache *cache, struct job *job)
{
	enum cache_answer answer = CACHE_MISS;
	struct entry **link, *entry;

	pthread_mutex_lock(&cache->mutex);
	link = link_of(cache, job->reply.etag);
	entry = *link;
	if (entry == NULL) {
		promise(link, job->reply.etag);
	} else if (entry->pending) {
		job->next = entry->waiting;
		entry->waiting = job;
		answer = CACHE_WAITS;
	} else {
		fill(entry, &job->reply);
		detach(cache, entry);
		count_newest(cache, entry);
		answer = CACHE_HIT;
	}
	pthread_mutex_unlock(&cache->mutex);
	stats_count(cache->stats, answer == CACHE_MISS ? COUNTER_CACHE_MISSES : COUNTER_CACHE_HITS, 1);
	return answer;
}

/* The same answer for one who waited. */
static void share(const struct reply *from, size_t headers_from, struct reply *to)
{
	to->err = from->err;
	buffer_append_text(&to->detail, buffer_text(&from->detail));
	for (size_t i = 0; i < from->problems.count; i++) {
		const struct problem *problem = &from->problems.items[i];

		problems_add(&to->problems, problem->pointer, problem->code, "%s", problem->message);
	}
	if (from->err != ERR_OK)
		return;
	to->status = from->status;
	to->content_type = from->content_type;
	to->shared = shared_hold(from->shared);
	buffer_append(&to->headers, from->headers.data + headers_from, from->headers.size - headers_from);
}

/* Turns the promise into an answer, or takes it away when the answer is not to be kept. */
static void keep(struct cache *cache, struct entry **link, const struct reply *reply, size_t headers_from)
{
	struct entry *entry = *link;
	size_t size = sizeof *entry + reply_body(reply).size + reply->headers.size - headers_from;

	if (reply->err != ERR_OK || size > cache->max_bytes / ENTRY_SHARE) {
		*link = entry->chain;
		entry_free(entry);
		return;
	}
	entry->pending = false;
	entry->status = reply->status;
	entry->content_type = reply->content_type;
	entry->body = shared_hold(reply->shared);
	buffer_append(&entry->headers, reply->headers.data + headers_from, reply->headers.size - headers_from);
	count_newest(cache, entry);
}

struct job *cache_settle(struct cache *cache, struct job *job, size_t headers_from)
{
	struct job *waiting, *done = NULL;
	struct entry **link;
	size_t bytes;

	if (job->reply.err == ERR_OK)
		job->reply.shared = shared_new(&job->reply.body);
	pthread_mutex_lock(&cache->mutex);
	link = link_of(cache, job->reply.etag);
	assert(*link != NULL); /* the promise that made this job the one to answer */
	waiting = (*link)->waiting;
	(*link)->waiting = NULL;
	keep(cache, link, &job->reply, headers_from);
	bytes = cache->bytes;
	pthread_mutex_unlock(&cache->mutex);
	stats_gauge(cache->stats, GAUGE_CACHE_BYTES, (double)bytes);
	while (waiting != NULL) {
		struct job *next = waiting->next;

		share(&job->reply, headers_from, &waiting->reply);
		waiting->next = done; /* turns the list round: first come, first out */
		done = waiting;
		waiting = next;
	}
	return done;
}
