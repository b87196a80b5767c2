/* Snapshots of answers. */
#ifndef PLUMBLINE_SNAPSHOTS_H
#define PLUMBLINE_SNAPSHOTS_H

#include "request.h"
#include "shape.h"

extern const struct shape snapshot_list_params;

/* POST /v1/snapshots: 201 with the snapshot and its Location. */
enum err snapshot_post(struct request *, struct reply *);

#endif
