/* Calls to the outside: HTTP POSTs, some at a time, driven by one thread. The only module that sees libcurl.
 *
 * What is called was named by an administrator of an organisation, not by the operator. So: HTTPS, or plain HTTP to this machine where a
 * setting allows it; the address is looked at when it is connected to, after the name was resolved; redirects are not followed, proxies
 * not used; a call takes 15 s at most, and nothing is kept of the answer but its status. */
#ifndef PLUMBLINE_OUTGOING_H
#define PLUMBLINE_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>

#include "settings.h"

enum { OUTGOING_TIMEOUT_MS = 15000 };

/* What is wrong with an address to call, as a sentence; NULL: nothing that can be seen from it. shown (may be NULL): what may be told of it,
 * scheme and host. */
const char *outgoing_url_fault(const struct settings *settings, struct text url, struct buffer *shown);

struct outgoing;

/* limit: calls at a time. NULL when libcurl cannot be had. */
struct outgoing *outgoing_new(const struct settings *settings, size_t limit);
void outgoing_free(struct outgoing *outgoing); /* NULL allowed; calls under way are broken off */

size_t outgoing_free_places(const struct outgoing *outgoing);

/* Begins a call; everything is copied. headers: lines, ending in NULL. A fault of the address is an answer like any other. There is a free
 * place. */
void outgoing_post(struct outgoing *outgoing, struct text url, const char *const *headers, struct text body, void *context);

struct outgoing_answer {
	void *context;
	int status;            /* 0: there was none */
	char error[160];       /* why not; never the address, nor anything of the answer */
	int64_t retry_after_s; /* 0: it does not say */
};

/* Moves all calls on without waiting; true: one is over, and this is what became of it. */
bool outgoing_take(struct outgoing *outgoing, struct outgoing_answer *answer);

/* Breaks off a call: its context, or NULL when there is none under way. */
void *outgoing_break_off(struct outgoing *outgoing);

/* Waits until something moves, but not longer than so. */
void outgoing_wait(struct outgoing *outgoing, int ms);
void outgoing_wake(struct outgoing *outgoing); /* ends a wait; from any thread */

#endif
