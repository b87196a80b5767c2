/* Connections of a listener between accept and close: how long they may take, and last words to those that may not stay.
 * For the event loop only. */
#ifndef PLUMBLINE_CONNECTION_H
#define PLUMBLINE_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "exchange.h"

#define SECOND_NS UINT64_C(1000000000)

enum {
	BODY_RATE = 4 * 1024,  /* bytes a second that earn a body more time than body_timeout_s */
	SEND_RATE = 16 * 1024  /* the same for answers */
};

struct connection {
	struct connection *next, **link;
	int fd;
	struct peer peer;                /* the other end: a client, or a proxy */
	uint64_t deadline_ns;            /* 0: none, the request is being worked on */
	bool over_limit;                 /* accepted to be told 503 */
	bool lingering;                  /* answered on the bare socket; what comes is dropped */
	struct exchange *exchange;       /* the request under way, or NULL */
};

struct connections {
	struct connection *first;
	size_t count, limit;
	bool bare;                       /* no TLS: an answer may be written to the socket itself */
	struct exchange_context *context;
	void (*resume)(struct exchange *exchange); /* lets the library go on with a suspended request */
};

struct connection *connection_open(struct connections *connections, int fd, struct peer peer);
void connection_close(struct connections *connections, struct connection *connection); /* NULL allowed */

/* The library takes an answer only before the body or after it. To a client that is still sending one that is too large or too
 * slow, the answer is written to the bare socket; what it goes on to send is read away for a moment, so that the answer is not
 * lost to a reset, and then the connection is cut. Under TLS it is cut at once. */
void connection_last_words(struct connections *connections, struct connection *connection);

/* Deals with those whose time is up, and with requests whose job does not come back. */
void connections_check(struct connections *connections, uint64_t now_ns);

/* Connections without a request get to read "end of file"; what they have sent already is still served. */
void connections_end_idle(struct connections *connections);

/* The time to finish is up: what is worked on is answered 503, what is still arriving or leaving is cut. */
void connections_end_all(struct connections *connections);

#endif
