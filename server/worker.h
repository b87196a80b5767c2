/* Workers and committers: what runs the requests the event loop has collected.
 *
 * The loop makes a job, fills in `request` (without db), `credential`, `done` and `owner`, and hands it over. From then on
 * the job belongs to the pool until done(job) is called, exactly once, on a thread of the pool. done must only hand back to
 * the loop (resume the connection): it may not block, nor submit again. The job's memory is the loop's, before and after.
 *
 * When done is called, reply.err says what became of the request. ERR_OK: the reply is complete. Anything else: reply.detail and
 * reply.problems are filled as far as there is something to say and reply.headers may hold headers to send along; the problem
 * document itself is rendered by the loop's side (reply_render_error), in one place for all errors. */
#ifndef PLUMBLINE_WORKER_H
#define PLUMBLINE_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "intake.h"
#include "peer.h"
#include "request.h"
#include "settings.h"

struct auth;
struct stats;
struct worker_pool;

/* Streams that are read at a time while they arrive; they have threads of their own, so that slow clients hold up nobody else. */
enum { WORKER_STREAMS = 2 };

struct job {
	struct job *next;          /* the queue's link */
	struct request request;    /* db is set by the worker */
	struct reply reply;
	struct credential credential; /* as it came; lives as long as the job */
	struct peer client;        /* who asks, as far as it can be believed */
	bool authenticated;        /* request.who is filled in already (by auth_cached on the loop) */
	bool single;               /* item holds the one event of this request: it goes to a committer */
	struct ingest_item item;   /* freed by the loop (ingest_item_free) after done */
	struct intake *intake;     /* a delivery taken apart (route->take): it goes to a committer too. Freed by the loop after done */
	size_t events;             /* in intake; elsewhere 0, which counts as one */
	bool packed;               /* request.body is compressed: the worker expands it into `unpacked` before anybody reads it */
	struct buffer unpacked;    /* freed by the loop after done */
	bool arrived;              /* request.stream is complete already: reading it never waits for the client */
	int64_t submitted_ns;      /* set by the submit functions; monotonic */
	bool missed;               /* the pool's own: the cache did not have it, others may be waiting for it */
	void (*done)(struct job *);
	void *owner;               /* the loop's own */
};

/* Starts settings->workers workers and the committers, each with a connection of its own (made when first used). NULL when
 * threads cannot be had. settings and stats (may be NULL) must outlive the pool. */
struct worker_pool *worker_pool_start(const struct settings *settings, struct stats *stats);

/* The keys known to the pool: for auth_cached on the loop. */
struct auth *worker_pool_auth(struct worker_pool *pool);

/* Hands a job to the workers (a versioned read to the cache before them). There: authentication (unless `authenticated`), scope, rate limit of reads, query parameters by
 * route->params, then route->prepare (and on to the committer when it made a single event) or route->run.
 * False when the queue is full or the pool is being shut down: the job stays the caller's. Never blocks. */
bool worker_submit(struct worker_pool *pool, struct job *job);

/* Hands a job whose `item` is made (single is true) and whose principal is authenticated and allowed to the committer, which
 * writes what waits in one transaction an organisation. False as above. */
bool commit_submit(struct worker_pool *pool, struct job *job);

/* What the loop checks itself before it may call route->prepare: scope and parameters of a request whose principal is known.
 * ERR_OK, or the error with reply filled. Needs no database; safe on the loop. */
enum err worker_check(struct request *request, struct reply *reply);

size_t worker_queue_depth(struct worker_pool *pool); /* jobs that wait, not those that run */
size_t commit_queue_depth(struct worker_pool *pool);

/* Shutting down. refuse: new jobs are not taken any more; those waiting still run. cancel: those waiting are answered with
 * ERR_SHUTTING_DOWN as well. Neither blocks. stop: refuses, waits for all jobs to be done, joins the threads and frees the pool;
 * a worker that reads a body stream must be released by its owner (end of stream) while this waits. NULL allowed. */
void worker_pool_refuse(struct worker_pool *pool);
void worker_pool_cancel(struct worker_pool *pool);
void worker_pool_stop(struct worker_pool *pool);

#endif
