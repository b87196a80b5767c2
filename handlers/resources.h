/* /v1/{kind}: the routes of the eight kinds. route->data is the struct resource. */
#ifndef PLUMBLINE_RESOURCES_H
#define PLUMBLINE_RESOURCES_H

#include "ingest.h"
#include "item.h"
#include "shape.h"

extern const struct shape write_params, post_params, list_params, history_params;

/* Writes of one object: prepare makes the event, run writes it by itself when it did not go through group commit. */
enum err resource_put(struct request *, struct reply *, struct ingest_item *item, bool *single);
enum err resource_patch(struct request *, struct reply *, struct ingest_item *item, bool *single);
enum err resource_delete(struct request *, struct reply *, struct ingest_item *item, bool *single);
enum err resource_restore(struct request *, struct reply *, struct ingest_item *item, bool *single);
enum err resource_merge(struct request *, struct reply *, struct ingest_item *item, bool *single);
enum err resource_write(struct request *, struct reply *);

/* POST: one object, an array, NDJSON or CSV. */
enum err resource_post_one(struct request *, struct reply *, struct ingest_item *item, bool *single);
enum err resource_post(struct request *, struct reply *);

/* Reads: route->statement with ($1 org_id, $2 kind, $3 request). */
enum err resource_read(struct request *, struct reply *);

/* What the request says of an event besides its record: occurred_at, event_id, Idempotency-Key. Adds problems when the two
 * ways to name an event differ or the header is no id. */
struct item_context resource_context(const struct request *request, enum item_form form, struct problems *problems);

#endif
