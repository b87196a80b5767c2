/* /v1/strategies: drafts, published versions, what would change. */
#ifndef PLUMBLINE_STRATEGIES_H
#define PLUMBLINE_STRATEGIES_H

#include "request.h"
#include "shape.h"

extern const struct shape strategy_list_params; /* GET /v1/strategies */
extern const struct shape strategy_diff_params; /* GET /v1/strategies/{id}/diff */

enum err strategy_post(struct request *, struct reply *); /* 201 + Location */
enum err strategy_put(struct request *, struct reply *);

#endif
