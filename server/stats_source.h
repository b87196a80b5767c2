/* Counters of one source, as labels of the families of /metrics. Sources are those that are configured, so there are few. */
#ifndef PLUMBLINE_STATS_SOURCE_H
#define PLUMBLINE_STATS_SOURCE_H

#include <stdint.h>

#include "text.h"

struct stats;

enum delivery_end { DELIVERY_STORED, DELIVERY_UNVERIFIED, DELIVERY_UNAVAILABLE, DELIVERY_END_COUNT };
enum delivery_item { DELIVERED_ACCEPTED, DELIVERED_QUARANTINED, DELIVERED_IGNORED, DELIVERED_RESYNC, DELIVERY_ITEM_COUNT };

/* Lives as long as the stats. NULL when stats is NULL; the functions below then do nothing. Any thread. */
struct source_stats;
struct source_stats *stats_source(struct stats *stats, const char *org, const char *source);

void stats_delivery(struct source_stats *source, enum delivery_end end);
void stats_delivered(struct source_stats *source, enum delivery_item item, uint64_t items);
void stats_unmapped(struct source_stats *source, uint64_t members);
void stats_verification(struct source_stats *source, const char *code); /* a failure; code is static */

/* The families of all sources, for stats_render. */
struct source_list;
struct source_list *source_list_new(void);
void source_list_free(struct source_list *list);
struct source_stats *source_list_get(struct source_list *list, const char *org, const char *source);
void source_list_render(struct source_list *list, struct buffer *out);

#endif
