/* Parameters of everything that is asked about a period: metrics, the alignment table, one rep, team or segment. */
#ifndef PLUMBLINE_METRICS_H
#define PLUMBLINE_METRICS_H

#include "shape.h"

extern const struct shape dictionary_params;   /* GET /v1/metrics: none */
extern const struct shape metric_params;       /* GET /v1/metrics/{key} */
extern const struct shape metric_rows_params;  /* GET /v1/metrics/{key}/rows */
extern const struct shape leaderboard_params;  /* GET /v1/leaderboard */
extern const struct shape query_shape;         /* its body */
extern const struct shape query_params;        /* POST /v1/query: none; the question is the body */
extern const struct shape alignment_params;    /* GET /v1/alignment */
extern const struct shape one_params;          /* GET /v1/{reps|teams|segments}/{id}/alignment */
extern const struct shape brief_params;        /* GET /v1/reps/{id}/brief */
extern const struct shape opportunity_params;  /* GET /v1/opportunities/{id}/alignment */
extern const struct shape summary_params;      /* GET /v1/summary */

/* POST /v1/query: several metrics of one question. 422 with every problem of the body. */
enum err metrics_query(struct request *request, struct reply *reply);

#endif
