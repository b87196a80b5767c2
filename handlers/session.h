/* /v1/session: a browser exchanges an API key for a cookie that its scripts cannot read, asks what it may, and signs out. */
#ifndef PLUMBLINE_SESSION_H
#define PLUMBLINE_SESSION_H

#include "request.h"

enum err session_begin(struct request *, struct reply *); /* with a key: 201 and the cookie */
enum err session_get(struct request *, struct reply *);   /* with a key too: what it may */
enum err session_end(struct request *, struct reply *);   /* 204; other instances notice within AUTH_CACHE_S */

#endif
