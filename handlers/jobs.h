/* /v1/jobs: work too long for one request, and the routes that may begin one. */
#ifndef PLUMBLINE_JOBS_H
#define PLUMBLINE_JOBS_H

#include "request.h"
#include "shape.h"

extern const struct shape job_list_params; /* GET /v1/jobs */

/* Runs the route's statement, whose second column is the id of a job, or null. Null: 200 with the first column. A job: 202 with
 * its Location, and the first column is the job. Not found as query_run. */
enum err job_or_answer(struct request *, struct reply *);

#endif
