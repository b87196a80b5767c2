/* /v1/quarantine and /v1/resync: what waits for a person. */
#ifndef PLUMBLINE_WEBHOOK_QUARANTINE_H
#define PLUMBLINE_WEBHOOK_QUARANTINE_H

#include "request.h"
#include "shape.h"

extern const struct shape quarantine_list_params, quarantine_replay_params, resync_list_params;

/* Both replays: the one in the path, or a page of those with a reason and source. */
enum err quarantine_replay(struct request *, struct reply *);

#endif
