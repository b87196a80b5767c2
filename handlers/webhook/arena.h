/* Memory that is taken piece by piece and given back at once. Pieces never move. Out of memory aborts: what is taken is bounded by
 * the sizes of documents and deliveries. */
#ifndef PLUMBLINE_WEBHOOK_ARENA_H
#define PLUMBLINE_WEBHOOK_ARENA_H

#include "text.h"

struct arena_chunk;

/* Zero-initialised is empty. */
struct arena {
	struct arena_chunk *chunk;
};

void *arena_take(struct arena *arena, size_t size); /* zeroed, aligned for every type */
struct text arena_keep(struct arena *arena, struct text text); /* a copy that ends in a NUL; the absent text stays absent */
struct text arena_join(struct arena *arena, const struct text *parts, size_t count);
void arena_reset(struct arena *arena); /* forgets all pieces, keeps the newest chunk for the next ones */
void arena_free(struct arena *arena);

#endif
