/* A statement whose body is checked against a shape first. */
#ifndef PLUMBLINE_CHECKED_H
#define PLUMBLINE_CHECKED_H

#include "request.h"
#include "shape.h"

/* Parses the body, checks it (whole: required fields too), and runs the route's statement (query_run). All problems at once: 422.
 */
enum err checked_run(struct request *request, struct reply *reply, const struct shape *shape, bool whole);

#endif
