/* A listener: the only module that sees libmicrohttpd. One event loop on one thread; it moves bytes and never waits for
 * anything but sockets. */
#ifndef PLUMBLINE_HTTP_H
#define PLUMBLINE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "route.h"
#include "service.h"
#include "worker.h"

struct http;

struct http_config {
	const char *name;              /* for the log: "api" */
	const char *address;           /* host:port; port 0: any free one */
	const char *tls_cert, *tls_key; /* paths; "" for plain HTTP; one listener of a process has them */
	int64_t connections;           /* beyond it 503 */
	const struct route *routes;
	size_t route_count;
	struct worker_pool *pool;      /* NULL: the rows all have on_loop */
	const struct service *service;
	bool quiet;                    /* requests are logged for debugging only; no gauges */
};

/* Opens the socket, so that an address in use is known at once. NULL, with a sentence added to fault, when that fails.
 * Strings of the config must outlive it. */
struct http *http_new(const struct http_config *config, struct buffer *fault);

/* Serves until http_drain, then finishes what is in flight, at most drain_timeout_s. Returns false when the loop broke. */
bool http_run(struct http *http);

/* From any thread: stop accepting, answer what is there, return from http_run. */
void http_drain(struct http *http);

/* Reads certificate and key again, from any thread: connections that are there keep theirs, new ones see the new. When the files are not
 * sound, the pair before stays and the log says why. */
void http_reload(struct http *http);

/* After http_run has returned and the pool has stopped. NULL allowed. */
void http_free(struct http *http);

uint16_t http_port(const struct http *http);

#endif
