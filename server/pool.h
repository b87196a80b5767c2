/* Shared by the files that make up the worker pool alone: worker.c (threads, requests), versioned.c, commit.c. */
#ifndef PLUMBLINE_POOL_H
#define PLUMBLINE_POOL_H

#include <pthread.h>
#include <stdatomic.h>

#include "attempts.h"
#include "auth.h"
#include "cache.h"
#include "db.h"
#include "queue.h"
#include "stats.h"
#include "worker.h"

/* Queues, each with its own threads:
 *   versioned  reads whose answer may be in the cache: one thread takes all that wait and asks for the versions once
 *   requests   everything else, and what the cache did not have: the workers, one request each at a time
 *   exports    answers sent while they are read: as many threads as may run at a time, so that nothing ever waits here
 *   streams    bodies read while they arrive, at the pace of the client: few threads, so that slow clients hold up nobody else
 *   commits    single events and deliveries: a thread takes what waits and writes it together. Each organisation has its place in
 *              one of these lanes; while one organisation is locked (a rebuild, a large import), those of the other lanes are
 *              written. When more than a batch waits a second thread takes the next one, and stands with it before the lock of the
 *              organisation: so the database goes from one to the next without waiting for us to answer the first */
enum { COMMITTERS = 4 };
struct watch;

enum lane { LANE_VERSIONED, LANE_REQUESTS, LANE_STREAMS, LANE_EXPORTS, LANE_COMMITS, LANE_COUNT = LANE_COMMITS + COMMITTERS };

struct worker_pool {
	const struct settings *settings;
	struct stats *stats;
	struct auth *auth;
	struct attempts *attempts; /* with keys that nobody has seen to be good */
	struct cache *cache;
	struct watch *watch;
	struct queue queues[LANE_COUNT];
	struct thread *threads;
	size_t thread_count;
	atomic_int exports;    /* in LANE_EXPORTS: waiting for its thread to turn, or running */
	atomic_bool refusing, cancelled;
};

/* A thread of the pool with its connections. */
struct thread {
	struct worker_pool *pool;
	enum lane lane;
	bool relief;           /* the second of a lane of commits */
	struct db *db;         /* the primary */
	struct db *read_db;    /* the standby for reads; the primary when there is none */
	pthread_t id;
};

/* What each lane does with the jobs it took. Every job gets finished, or handed to another lane. */
void requests_run(struct thread *thread, struct job *job);
void versioned_run(struct thread *thread, struct job *jobs);
void commits_run(struct thread *thread, struct job *jobs);

/* Hands the job back to its owner with this outcome. */
void job_finish(struct job *job, enum err err);

/* The same for a job that is not served; of a delivery, who took it apart is told. */
void job_refuse(struct job *job, enum err err);

/* Refuses a job that waited too long, or whose pool is told to end; true when it did. now_ns: monotonic. */
bool job_drop_late(struct worker_pool *pool, struct job *job, int64_t now_ns);

/* Finishes a job that was a miss of the cache, its reply and reply.err being set, and all that waited for the same. */
void job_settle(struct worker_pool *pool, struct job *job, size_t headers_from);

/* Puts a job that is in the pool already into another lane; a full queue finishes it with ERR_OVERLOADED, and gives false. */
bool job_pass(struct worker_pool *pool, enum lane lane, struct job *job);

/* Gives an export to its lane; finishes it with ERR_OVERLOADED when as many as may run are running. */
void job_export(struct worker_pool *pool, struct job *job);

/* Where the events of this job's organisation are written. */
enum lane commit_lane(const struct job *job);

/* The tag of an answer of a live route, made by the versions as they are now. Without them (the database went away) it has none. */
void job_tag_live(struct db *db, struct job *job);

/* If-Match of a write of what has an entity tag by the versions alone: ERR_PRECONDITION_FAILED unless the header names the tag that
 * a GET of the same path has now. Looked at before the write begins, not within it. */
enum err job_check_unchanged(struct db *db, struct job *job);

/* The database that answers it: the standby for figures, the primary for all that must show what was just written. */
struct db *job_db(const struct thread *thread, const struct job *job);

/* Authentication, scope, rate limit, parameters: what comes before any work. */
enum err job_admit(struct thread *thread, struct job *job);

#endif
