/* POST /v1/events: CloudEvents 1.0 in JSON, one or a batch. */
#ifndef PLUMBLINE_EVENTS_H
#define PLUMBLINE_EVENTS_H

#include "ingest.h"
#include "shape.h"

extern const struct shape events_params;

enum err events_post_one(struct request *, struct reply *, struct ingest_item *item, bool *single);
enum err events_post(struct request *, struct reply *);

#endif
