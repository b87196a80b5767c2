/* Many events in one request: collected into chunks, a transaction a chunk, counted, their errors listed. */
#ifndef PLUMBLINE_BULK_H
#define PLUMBLINE_BULK_H

#include "item.h"
#include "request.h"

enum {
	BULK_CHUNK_ITEMS = 1000,
	BULK_CHUNK_BYTES = 512 * 1024,
	BULK_WHOLE_ITEMS = 200000, /* of an atomic write or a part of a dry run, which are held whole */
	BULK_WHOLE_BYTES = 16 * 1024 * 1024,
	BULK_ERRORS_MAX = 1000,    /* listed, as long as they take no more than BULK_ERROR_BYTES_MAX; the rest is counted */
	BULK_ERROR_BYTES_MAX = 1024 * 1024
};

/* Where an item stands in what was sent. */
struct bulk_place {
	size_t index; /* from 0 */
	size_t line;  /* from 1; 0: there are none (a JSON array) */
};

struct bulk;

/* context names the kind; its event_id (Idempotency-Key) gives items without one the ids "<key>:<index>". request and context
 * must outlive it. */
struct bulk *bulk_new(const struct request *request, const struct item_context *context);
void bulk_free(struct bulk *bulk); /* NULL allowed */

/* Adds one item (its JSON text, at most ITEM_MAX bytes). A bad one is counted and listed. ERR_OK, or why nothing more can be
 * done: the database's error, or ERR_BODY_TOO_LARGE for an atomic write that does not fit. */
enum err bulk_add(struct bulk *bulk, struct text raw, size_t line);

/* Adds an event that the caller has read; item is taken over. As bulk_add. */
enum err bulk_put(struct bulk *bulk, struct ingest_item *item);

/* Counts an item that cannot even be read as rejected. */
void bulk_reject(struct bulk *bulk, size_t line, const struct problems *problems);

/* Writes what is left and makes the answer: the counts, or for an atomic write with rejected items 422. */
enum err bulk_finish(struct bulk *bulk, struct reply *reply);

/* For an answer that ends early: says what was stored until then. */
void bulk_say_so_far(const struct bulk *bulk, struct buffer *detail);

#endif
