/* One request and its reply, from the first byte of the head to the answer. Everything about HTTP that does not need the
 * library stands here; http.c moves the bytes.
 *
 * All functions are for the event loop, but exchange_done, which the pool calls. An exchange belongs to the loop; while its job is
 * with the pool, job.request and job.reply are the pool's. */
#ifndef PLUMBLINE_EXCHANGE_H
#define PLUMBLINE_EXCHANGE_H

#include "answer_stream.h"
#include "body_stream.h"
#include "http_guard.h"
#include "service.h"
#include "worker.h"

enum {
	DISCARD_MAX = 256 * 1024,    /* bytes of a refused body read away so that the connection can be kept */
	PREPARE_BODY_MAX = 64 * 1024 /* bytes of a body parsed on the loop */
};

enum exchange_stage {
	EXCHANGE_HEAD,    /* the head is arriving */
	EXCHANGE_COLLECT, /* the body is being collected */
	EXCHANGE_STREAM,  /* the body goes to a worker while it arrives */
	EXCHANGE_WORK,    /* all is there; the job is with the pool */
	EXCHANGE_READY,   /* `answer` is complete; what still arrives is dropped */
	EXCHANGE_SEND     /* the head of `answer` is settled, its body is made while it is sent; the job may be out */
};

struct exchange;

/* What the exchanges of one listener share. */
struct exchange_context {
	const struct service *service;
	const struct route *routes;
	size_t route_count;
	struct worker_pool *pool;      /* NULL: all rows have on_loop */
	/* Tells the loop to look at this exchange: there is room in its stream, or (done) its job is back. Any thread. */
	void (*wake)(struct exchange *exchange, bool done);
	struct peers trusted;          /* proxies that are believed about whom they speak for */
	bool quiet;                    /* requests are logged for debugging only */
	bool draining;                 /* connections end with their answer */
	size_t body_bytes;             /* held by bodies being collected */
	size_t in_flight;
	size_t streams_active;         /* streams read while they arrive, at most WORKER_STREAMS */
	struct exchange *waiting, **waiting_end; /* streams that wait for one to end */
	uint64_t id_seed, id_count;
};

struct exchange {
	struct job job;
	struct exchange_context *context;
	void *connection;              /* http.c's */
	enum exchange_stage stage;
	struct reply *answer;          /* &job.reply, or &late when the job is still out */
	struct reply late;
	bool headed;                   /* exchange_head was called */
	bool must_close;               /* the connection cannot be used further */
	bool job_out;                  /* with the pool */
	bool accepts_gzip;             /* the client does, and the settings allow it */
	bool gzipped, body_is_gzip, http_1_0;
	bool answered;                 /* logged and counted */
	uint64_t start_ns;
	unsigned shortages;            /* of memory, in the loop's thread, when it began */
	char *raw_target;              /* a copy; the library takes its own apart */
	const void *raw_target_at;     /* where it stood in the library's buffer */
	struct text method;            /* as it came */
	char *memory;                  /* copy of the head and decoded values */
	size_t field_count;
	bool has_body, expects_continue;
	uint64_t declared;             /* Content-Length; UINT64_MAX: unknown (chunked) */
	uint64_t received;             /* bytes of the body so far, as they came */
	uint64_t sent;                 /* bytes of a streamed answer so far */
	struct buffer body;
	size_t reserved;               /* bytes counted in context->body_bytes */
	bool stream_counted, stream_waiting;
	struct exchange *waiting_next;
	/* http.c's own */
	uint64_t suspended_ns;         /* when it was suspended last */
	uint64_t complete_ns;          /* when all of it was there; 0: not yet */
	bool gone;                     /* the connection or the request is over */
	bool suspended;
	bool listed, woken_done;       /* under the listener's mutex */
	struct exchange *list_next;
	/* Last, because it is the only part that need not start as zero. */
	struct param fields[FIELDS_MAX];
};

struct exchange *exchange_new(struct exchange_context *context);
void exchange_free(struct exchange *exchange); /* not while job_out; NULL allowed */

/* The head is there: decides what happens to the body. over_limit: one connection too many, answer 503. */
void exchange_head(struct exchange *exchange, const struct http_head *head, bool over_limit);

/* A piece of the body; returns the bytes taken. Fewer than given: stop reading until wake(). */
size_t exchange_body(struct exchange *exchange, const char *data, size_t size);

/* The body is complete: makes the answer or gives the job to the pool. */
void exchange_complete(struct exchange *exchange);

/* The pool is done with the job (struct job's done). Calls wake. */
void exchange_done(struct job *job);

/* The job came back, on the loop. */
void exchange_returned(struct exchange *exchange);

/* Makes an error the answer, whatever stage the exchange is in; the job, if it is out, comes back to nobody. */
void exchange_refuse(struct exchange *exchange, enum err err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The client went away: a worker that reads its body, or makes an answer while it is sent, is released. */
void exchange_abandon(struct exchange *exchange);

/* Ends the reply: problem document, 304, gzip. On the thread that made the reply. */
void exchange_finish(struct exchange *exchange, struct reply *reply);

/* Header fields of the answer but those the library makes (Date, Content-Length). */
void exchange_headers(struct exchange *exchange, void (*add)(void *to, const char *name, const char *value), void *to);

/* The client went away before there was an answer: noted in the log, counted nowhere. */
void exchange_gone(const struct exchange *exchange);

/* A streamed answer is over: all of it was handed to the client, or not. Noted and counted. */
void exchange_sent(struct exchange *exchange, bool all);

/* One log line, one count. body_bytes: what is sent. Does nothing the second time. */
void exchange_account(struct exchange *exchange, size_t body_bytes);

/* The first header field of this lower-case name. */
const struct text *exchange_field_at(const struct request *request, const char *name, size_t nth); /* the nth of them, from 0 */
const struct text *exchange_field(const struct request *request, const char *name);

/* Makes up a request id. */
void exchange_make_id(struct exchange *exchange);

/* Decides what becomes of a request by its head alone (exchange_examine.c): ERR_OK, or the error with job.reply filled. */
enum err exchange_examine(struct exchange *exchange, const struct http_head *head, bool over_limit);

#endif
