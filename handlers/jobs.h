/* /v1/jobs: work too long for one request, and the routes that may begin one. */
#ifndef PLUMBLINE_JOBS_H
#define PLUMBLINE_JOBS_H

#include "request.h"
#include "shape.h"

extern const struct shape job_list_params;  /* GET /v1/jobs */
extern const struct shape job_begin_params; /* of routes that may begin one: async */

/* Runs the route's statement, whose second column is the id of a job, or null. Null: 200 with the first column. A job: waits for it, for
 * 20 s at most, and answers as if it had been done at once; when it takes longer, has failed, or async=true was asked for: 202 with its
 * Location, and the job as the body. Not found as query_run. */
enum err job_or_answer(struct request *, struct reply *);

/* GET /v1/jobs/{id}/events: whether there is such a job for this key; the rest is the watcher's (server/watch.h). */
enum err job_events(struct request *, struct reply *);

#endif
