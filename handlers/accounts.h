/* /v1/accounts/{id}/fit: why an account is judged as it is, and the tier set by hand. */
#ifndef PLUMBLINE_ACCOUNTS_H
#define PLUMBLINE_ACCOUNTS_H

#include "request.h"
#include "shape.h"

extern const struct shape account_fit_params; /* GET /v1/accounts/{id}/fit */

enum err fit_override_put(struct request *, struct reply *);

#endif
