/* /v1/settings and /v1/audit: the organisation's settings, and the log of all changes of configuration. */
#ifndef PLUMBLINE_ORG_SETTINGS_H
#define PLUMBLINE_ORG_SETTINGS_H

#include "request.h"
#include "shape.h"

extern const struct shape audit_params; /* GET /v1/audit */

enum err settings_patch(struct request *, struct reply *);

#endif
