/* Deliveries: POST /v1/webhooks/{source}, and what replays and tests of sources share with it. */
#ifndef PLUMBLINE_WEBHOOK_DELIVERIES_H
#define PLUMBLINE_WEBHOOK_DELIVERIES_H

#include "intake.h"
#include "registry.h"

/* Takes a delivery apart: the parts of it in the order of its items. Returns how many members of records no rule named; unmapped (may
 * be NULL) hears of each. */
size_t delivery_read(const struct known_source *known, const struct delivery *delivery, struct intake *intake,
		     void (*unmapped)(void *context, const char *object, struct text name), void *context);

/* The records that a source's mapping itself refers to, as parts to write when its document is kept. */
void records_read(const struct source *compiled, struct intake *intake);

/* The address as the sender called it, for signatures over it: the one configured, never what the request says of itself. target: of the
 * request, with its query. */
void delivery_url(const struct settings *settings, const struct known_source *known, struct text target, struct buffer *url);

/* Hooks of the route. */
enum err webhook_take(struct request *, struct reply *, struct intake **intake);
enum err webhook_settled(struct request *, struct reply *, const struct intake *, enum err err);

#endif
