/* Shared by the files of a listener alone: http.c (its life, requests) and http_answer.c (what it sends). */
#ifndef PLUMBLINE_HTTP_INTERNAL_H
#define PLUMBLINE_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "connection.h"
#include "http.h"

enum { LIBRARY_MEMORY = 32 * 1024 }; /* a connection: half of it holds the head; all of it is cleared for every request */

struct http {
	struct http_config config;
	struct exchange_context context; /* exchanges know it alone: http_of leads from there to here */
	struct MHD_Daemon *daemon;
	bool tls;
	int epoll_fd, event_fd;
	uint16_t port;
	struct connections connections;
	size_t suspended;
	uint64_t next_tick_ns, close_deadline_ns, drain_deadline_ns;
	atomic_bool drain_wanted;
	bool drained;
	pthread_mutex_t mutex;           /* guards the list of exchanges to look at */
	struct exchange *list;
};

static inline struct http *http_of(struct exchange_context *context)
{
	return (struct http *)(void *)((char *)context - offsetof(struct http, context));
}

struct connection *http_connection_of(struct MHD_Connection *handle);

/* Nothing more is read or sent until the exchange is resumed. */
void http_suspend(struct http *http, struct exchange *exchange);

/* Moves the deadline on by what so many bytes earn at rate bytes a second, but never further than body_timeout_s from now. */
void http_earn_time(struct http *http, struct connection *connection, size_t bytes, size_t rate);

/* Hands the answer to the library: a whole one, which owns the body from then on, or one that is made while it is sent. */
enum MHD_Result http_send_answer(struct connection *connection, struct exchange *exchange);
enum MHD_Result http_send_stream(struct connection *connection, struct exchange *exchange);

#endif
