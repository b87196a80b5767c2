/* The guard at the door: refuses requests whose framing is ambiguous, before anything else looks at them.
 *
 * libmicrohttpd 0.9.75 is lenient: it takes Content-Length beside Transfer-Encoding, repeated lengths, folded lines, bare line
 * feeds, U+0000 and much more. Every one of these lets a proxy and the service disagree about where a request ends. */
#ifndef PLUMBLINE_HTTP_GUARD_H
#define PLUMBLINE_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "request.h"

enum {
	TARGET_MAX = 8 * 1024,  /* bytes of the request target */
	HEAD_MAX = 16 * 1024,   /* bytes of request line and header fields: half of what the library is given */
	FIELDS_MAX = 100        /* header fields */
};

/* The head of a request as the library parsed it. Strings but target point into the library's buffer. */
struct http_head {
	const char *method;
	const char *target;         /* raw (a copy); NULL when the request line had none */
	const char *target_at;      /* where it stood */
	const char *version;
	const struct param *fields; /* names as they came */
	size_t count;               /* at most FIELDS_MAX */
	bool more_fields;           /* there were more than that */
	size_t size;                /* bytes from the method to the end of the head */
	bool in_place;              /* all strings still lie where they arrived, separators overwritten by NUL: what the library
				     * skipped can be looked at too */
};

/* ERR_OK, or the error; *reason is then a sentence. */
enum err http_guard(const struct http_head *head, const char **reason);

#endif
