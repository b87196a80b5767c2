/* A statement whose body is checked against a shape first. */
#ifndef PLUMBLINE_CHECKED_H
#define PLUMBLINE_CHECKED_H

#include "request.h"
#include "shape.h"

/* Parses the body and checks it (whole: required fields too). All problems at once: 422. */
enum err checked_body(struct request *request, struct reply *reply, const struct shape *shape, bool whole);

/* checked_body, and then the route's statement (query_run). */
enum err checked_run(struct request *request, struct reply *reply, const struct shape *shape, bool whole);

#endif
