#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer_stream.h"
#include "clock.h"
#include "gzip.h"
#include "log.h"
#include "memory.h"
#include "pool.h"
#include "route.h"
#include "shape.h"
#include "watch.h"

enum {
	VERSIONED_MAX = 512,      /* reads that share one look at the versions */
	CONNECT_TIMEOUT_S = 1,
	WAIT_MAX_S = 10,          /* in a queue: whoever waited longer is told to come back rather than served in vain */
	WAIT_DELIVERY_S = 4       /* the same for webhooks: HubSpot does not listen longer than 5 s, and comes again */
};

/* ── admitting ────────────────────────────────────────────────────────────────────────────────── */

static bool is_read(const struct request *request)
{
	return request->method == METHOD_GET || request->method == METHOD_HEAD || request->route->versioned;
}

static enum err check_scope(const struct request *request, struct reply *reply)
{
	static const char *const words[] = {"ingest", "read", "strategy", "admin"};
	unsigned wanted = request->route->scope;
	struct buffer names = {0};

	if (wanted == SCOPE_NONE || (request->who.scopes & wanted) != 0)
		return ERR_OK;
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
		if (wanted & (1u << i))
			buffer_printf(&names, "%s%s", names.size > 0 ? " or " : "", words[i]);
	reply_error(reply, ERR_FORBIDDEN, "this needs a key with scope %s", names.data);
	buffer_free(&names);
	return ERR_FORBIDDEN;
}

/* format is looked at where the answer's form is negotiated, for all routes alike. */
static enum err check_params(const struct request *request, struct reply *reply)
{
	static const struct shape none = {.name = "parameters"};
	const struct shape *shape = request->route->params != NULL ? request->route->params : &none;
	struct param params[QUERY_PARAMS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < request->query_count; i++)
		if (!text_equal(request->query[i].name, TEXT("format")))
			params[count++] = request->query[i];
	if (shape_check_params(shape, params, count, &reply->problems))
		return ERR_OK;
	for (size_t i = 0; i < reply->problems.count; i++)
		if (strcmp(reply->problems.items[i].code, error_info(ERR_UNKNOWN_PARAMETER)->code) != 0)
			return ERR_INVALID_PARAMETER;
	return ERR_UNKNOWN_PARAMETER;
}

enum err worker_check(struct request *request, struct reply *reply)
{
	enum err err = check_scope(request, reply);

	return err == ERR_OK ? check_params(request, reply) : err;
}

static enum err authenticate(struct thread *thread, struct job *job)
{
	struct auth *auth = thread->pool->auth;
	enum err err = auth_resolve(auth, thread->db, job->credential, &job->request.who);

	/* Reads go on while the primary is away, when there is a standby. */
	if (err == ERR_DATABASE_UNAVAILABLE && thread->read_db != thread->db)
		err = auth_resolve(auth, thread->read_db, job->credential, &job->request.who);
	if (err == ERR_UNAUTHORIZED)
		stats_count(thread->pool->stats, COUNTER_REFUSED_KEYS, 1);
	return err;
}

/* Whoever guesses keys gets few answers a minute. A key that has been good is looked up whatever others at the same address do. */
static enum err authenticate_within_limits(struct thread *thread, struct job *job)
{
	struct worker_pool *pool = thread->pool;
	char seconds[24];
	int64_t retry_s;
	enum err err;

	if (auth_is_known(pool->auth, job->credential))
		return authenticate(thread, job);
	if (!attempts_take(pool->attempts, job->client, &retry_s)) {
		stats_count(pool->stats, COUNTER_REFUSED_KEYS, 1);
		snprintf(seconds, sizeof seconds, "%lld", (long long)retry_s);
		reply_header(&job->reply, "Retry-After", seconds);
		return reply_error(&job->reply, ERR_RATE_LIMITED, "too many wrong keys came from this address; try again in %s s", seconds);
	}
	err = authenticate(thread, job);
	if (err != ERR_UNAUTHORIZED)
		attempts_return(pool->attempts, job->client);
	return err;
}

/* Here and not on the loop: a small body can expand to the largest one allowed. */
static enum err unpack(const struct worker_pool *pool, struct job *job)
{
	enum err err = gzip_expand(job->request.body, (size_t)pool->settings->body_max, &job->unpacked);

	if (err == ERR_BODY_TOO_LARGE)
		return reply_error(&job->reply, err, "the body expands to more than %lld bytes", (long long)pool->settings->body_max);
	if (err != ERR_OK)
		return reply_error(&job->reply, err, "the body is not a complete gzip file");
	job->packed = false;
	job->request.body = buffer_text(&job->unpacked);
	return ERR_OK;
}

enum err job_admit(struct thread *thread, struct job *job)
{
	struct request *request = &job->request;
	enum err err = ERR_OK;

	if (!job->authenticated && request->route->scope != SCOPE_NONE)
		err = authenticate_within_limits(thread, job);
	if (err != ERR_OK)
		return err;
	job->authenticated = true;
	if (!request->route->raw)
		err = worker_check(request, &job->reply);
	if (err == ERR_OK && is_read(request) && request->who.org_id != 0)
		err = auth_count_read(thread->pool->auth, &request->who, &job->reply);
	if (err == ERR_OK && job->packed)
		err = unpack(thread->pool, job);
	return err;
}

/* ── jobs ─────────────────────────────────────────────────────────────────────────────────────── */

void job_finish(struct job *job, enum err err)
{
	/* The reply of an answer that is being sent already is the loop's. */
	if (job->request.answer == NULL || !answer_stream_begun(job->request.answer)) {
		job->reply.err = err;
		/* Only what can be asked for again with If-None-Match has an entity tag. */
		if (job->request.method != METHOD_GET && job->request.method != METHOD_HEAD)
			job->reply.etag[0] = '\0';
	}
	job->done(job);
}

void job_refuse(struct job *job, enum err err)
{
	/* Who took a delivery apart hears how it ended. */
	if (job->intake != NULL)
		err = job->request.route->settled(&job->request, &job->reply, job->intake, err);
	job_finish(job, err);
}

bool job_drop_late(struct worker_pool *pool, struct job *job, int64_t now_ns)
{
	int limit_s = job->request.route->raw ? WAIT_DELIVERY_S : WAIT_MAX_S;

	/* A miss has others waiting for it: it is served. */
	if (job->missed)
		return false;
	if (atomic_load(&pool->cancelled)) {
		job_refuse(job, ERR_SHUTTING_DOWN);
		return true;
	}
	if (now_ns - job->submitted_ns <= limit_s * INT64_C(1000000000))
		return false;
	reply_error(&job->reply, ERR_OVERLOADED, "the request waited longer than %d s", limit_s);
	job_refuse(job, ERR_OVERLOADED);
	return true;
}

enum lane commit_lane(const struct job *job)
{
	return (enum lane)(LANE_COMMITS + job->request.who.org_id % COMMITTERS);
}

bool job_pass(struct worker_pool *pool, enum lane lane, struct job *job)
{
	job->submitted_ns = clock_monotonic_ns();
	if (queue_push(&pool->queues[lane], job))
		return true;
	stats_count(pool->stats, COUNTER_REFUSED_QUEUE, 1);
	job->reply.err = ERR_OVERLOADED;
	if (job->missed)
		job_settle(pool, job, job->reply.headers.size);
	else
		job_refuse(job, ERR_OVERLOADED);
	return false;
}

void job_export(struct worker_pool *pool, struct job *job)
{
	if (atomic_fetch_add(&pool->exports, 1) < (int)pool->settings->exports) {
		if (!job_pass(pool, LANE_EXPORTS, job))
			atomic_fetch_sub(&pool->exports, 1);
		return;
	}
	atomic_fetch_sub(&pool->exports, 1);
	stats_count(pool->stats, COUNTER_REFUSED_QUEUE, 1);
	reply_header(&job->reply, "Retry-After", "10");
	reply_error(&job->reply, ERR_OVERLOADED, "%lld exports are running, which is as many as may; try again when one is done",
		    (long long)pool->settings->exports);
	job_finish(job, ERR_OVERLOADED);
}

static void exports_run(struct thread *thread, struct job *job)
{
	enum err err;

	job->request.db = job_db(thread, job);
	err = job->request.route->run(&job->request, &job->reply);
	/* Before the client can know that it is done, so that whoever asks for the next one finds the place free. */
	atomic_fetch_sub(&thread->pool->exports, 1);
	if (err == ERR_OK)
		answer_stream_end(job->request.answer);
	else
		answer_stream_fail(job->request.answer, err);
	job_finish(job, err);
}

void job_settle(struct worker_pool *pool, struct job *job, size_t headers_from)
{
	struct job *jobs = cache_settle(pool->cache, job, headers_from);

	job->next = jobs;
	while (job != NULL) {
		struct job *next = job->next;

		job_finish(job, job->reply.err);
		job = next;
	}
}

/* What was begun while memory became short is not gone on with, whatever became of it. */
static enum err unless_short(struct job *job, bool is_short, enum err err)
{
	return is_short ? reply_error(&job->reply, ERR_OVERLOADED, MEMORY_IS_SHORT) : err;
}

static bool only_reads(const struct job *job)
{
	return job->request.method == METHOD_GET || job->request.method == METHOD_HEAD;
}

/* A write is answered once it is done; but of a stream that had no memory for some of it, nobody is told that the rest was all. */
static bool ran_short(const struct job *job, unsigned shortages, unsigned failures)
{
	return only_reads(job) ? memory_shortages() != shortages : job->request.stream != NULL && memory_failures() != failures;
}

static void answer(struct thread *thread, struct job *job)
{
	const struct route *route = job->request.route;
	unsigned shortages = memory_shortages(), failures = memory_failures();
	enum err err = unless_short(job, !memory_ready(), ERR_OK);

	if (err == ERR_OK)
		err = job_admit(thread, job);
	if (err == ERR_OK)
		err = job_check_unchanged(thread->db, job);
	if (err == ERR_OK && route->prepare != NULL)
		err = route->prepare(&job->request, &job->reply, &job->item, &job->single);
	if (err == ERR_OK && route->take != NULL)
		err = route->take(&job->request, &job->reply, &job->intake);
	if (job->intake != NULL)
		job->events = intake_events(job->intake);
	err = unless_short(job, memory_shortages() != shortages, err);
	if (err == ERR_OK && (job->single || job->intake != NULL)) {
		job_pass(thread->pool, commit_lane(job), job);
		return;
	}
	if (err == ERR_OK && route->run != NULL)
		err = route->run(&job->request, &job->reply);
	err = unless_short(job, ran_short(job, shortages, failures), err);
	if (err == ERR_OK && route->live)
		job_tag_live(job->request.db, job);
	if (err == ERR_OK && route->watch && watch_add(thread->pool->watch, job))
		return; /* it is the watcher's */
	job_finish(job, err == ERR_OK && route->watch ? ERR_OVERLOADED : err);
}

struct db *job_db(const struct thread *thread, const struct job *job)
{
	return job->request.route->standby ? thread->read_db : thread->db;
}

void requests_run(struct thread *thread, struct job *job)
{
	job->request.db = job_db(thread, job);
	job->request.auth = thread->pool->auth;
	if (job->missed) {
		size_t headers_from = job->reply.headers.size;
		unsigned shortages = memory_shortages();

		job->reply.err = job->request.route->run(&job->request, &job->reply);
		job->reply.err = unless_short(job, memory_shortages() != shortages, job->reply.err);
		job_settle(thread->pool, job, headers_from);
	} else {
		answer(thread, job);
	}
	/* The job is gone. A handler that left a transaction open has a fault; the next request must not inherit it. */
	if (db_in_transaction(thread->db)) {
		log_say(LOG_ERROR, "transaction_left_open", "rolled back");
		db_rollback(thread->db);
	}
}

/* ── threads ──────────────────────────────────────────────────────────────────────────────────── */

/* Finishes those that must not be served any more; returns the others in their order. */
static struct job *drop_late(struct worker_pool *pool, struct job *jobs)
{
	int64_t now_ns = clock_monotonic_ns();
	struct job *kept = NULL, **end = &kept;

	while (jobs != NULL) {
		struct job *job = jobs;

		jobs = job->next;
		job->next = NULL;
		stats_queue_wait(pool->stats, (double)(now_ns - job->submitted_ns) / 1e9);
		if (!job_drop_late(pool, job, now_ns)) {
			*end = job;
			end = &job->next;
		}
	}
	return kept;
}

static void *thread_main(void *argument)
{
	struct thread *thread = argument;
	struct worker_pool *pool = thread->pool;
	void (*run)(struct thread *, struct job *) = requests_run;
	size_t max = 1;
	struct job *jobs;
	struct job *(*pop)(struct queue *, size_t) = thread->relief ? queue_pop_full : queue_pop;

	if (thread->lane >= LANE_COMMITS) {
		run = commits_run;
		max = (size_t)pool->settings->batch;
	} else if (thread->lane == LANE_EXPORTS) {
		run = exports_run;
	} else if (thread->lane == LANE_VERSIONED) {
		run = versioned_run;
		max = VERSIONED_MAX;
	}
	while ((jobs = pop(&pool->queues[thread->lane], max)) != NULL) {
		if (thread->lane != LANE_EXPORTS) /* where nothing waits, and what was begun is counted */
			jobs = drop_late(pool, jobs);
		if (jobs != NULL)
			run(thread, jobs);
		auth_note_use(pool->auth, thread->db);
	}
	return NULL;
}

static struct db *open_db(const struct worker_pool *pool, const char *url)
{
	struct db *db = db_open(url, pool->settings->prepare, CONNECT_TIMEOUT_S);

	db_limit(db, (int)pool->settings->statement_timeout_ms);
	db_observe(db, pool->stats);
	return db;
}

static bool start_thread(struct worker_pool *pool, enum lane lane, bool relief)
{
	const struct settings *settings = pool->settings;
	struct thread *thread = &pool->threads[pool->thread_count];

	thread->pool = pool;
	thread->lane = lane;
	thread->relief = relief;
	thread->db = open_db(pool, settings->database_url);
	thread->read_db = settings->database_read_url[0] != '\0' ? open_db(pool, settings->database_read_url) : thread->db;
	pool->thread_count++;
	if (pthread_create(&thread->id, NULL, thread_main, thread) == 0)
		return true;
	thread->id = pthread_self(); /* nothing to join */
	return false;
}

struct worker_pool *worker_pool_start(const struct settings *settings, struct stats *stats)
{
	size_t workers = (size_t)settings->workers;
	struct worker_pool *pool = memory_zeroed(1, sizeof *pool);
	bool sound = true;

	pool->settings = settings;
	pool->stats = stats;
	pool->threads = memory_zeroed(workers + WORKER_STREAMS + (size_t)settings->exports + 2 * COMMITTERS + 1, sizeof *pool->threads);
	pool->auth = auth_new(settings->rate_limit, NULL);
	pool->attempts = attempts_new(settings->key_tries, NULL);
	pool->cache = cache_new((size_t)settings->cache_max, stats);
	for (int i = 0; i < LANE_COUNT; i++)
		if (!queue_init(&pool->queues[i], (size_t)settings->queue))
			abort();
	pool->watch = watch_start(settings, stats);
	sound = pool->auth != NULL && pool->watch != NULL && start_thread(pool, LANE_VERSIONED, false);
	for (int i = 0; sound && i < COMMITTERS; i++)
		sound = start_thread(pool, (enum lane)(LANE_COMMITS + i), false) && start_thread(pool, (enum lane)(LANE_COMMITS + i), true);
	for (size_t i = 0; sound && i < WORKER_STREAMS; i++)
		sound = start_thread(pool, LANE_STREAMS, false);
	for (int64_t i = 0; sound && i < settings->exports; i++)
		sound = start_thread(pool, LANE_EXPORTS, false);
	for (size_t i = 0; sound && i < workers; i++)
		sound = start_thread(pool, LANE_REQUESTS, false);
	if (sound)
		return pool;
	worker_pool_stop(pool);
	return NULL;
}

/* ── what the event loop calls ────────────────────────────────────────────────────────────────── */

struct auth *worker_pool_auth(struct worker_pool *pool)
{
	return pool->auth;
}

static bool submit(struct worker_pool *pool, enum lane lane, struct job *job)
{
	if (atomic_load(&pool->refusing))
		return false;
	job->submitted_ns = clock_monotonic_ns();
	return queue_push(&pool->queues[lane], job);
}

bool worker_submit(struct worker_pool *pool, struct job *job)
{
	if (job->request.stream != NULL && !job->arrived)
		return submit(pool, LANE_STREAMS, job);
	if (job->request.route->versioned || (job->request.answer != NULL && !job->request.route->watch))
		return submit(pool, LANE_VERSIONED, job);
	return submit(pool, LANE_REQUESTS, job);
}

bool commit_submit(struct worker_pool *pool, struct job *job)
{
	return submit(pool, commit_lane(job), job);
}

size_t worker_queue_depth(struct worker_pool *pool)
{
	return queue_depth(&pool->queues[LANE_REQUESTS]) + queue_depth(&pool->queues[LANE_VERSIONED]) +
	       queue_depth(&pool->queues[LANE_STREAMS]);
}

size_t commit_queue_depth(struct worker_pool *pool)
{
	size_t depth = 0;

	for (int i = 0; i < COMMITTERS; i++)
		depth += queue_depth(&pool->queues[LANE_COMMITS + i]);
	return depth;
}

void worker_pool_refuse(struct worker_pool *pool)
{
	atomic_store(&pool->refusing, true);
}

void worker_pool_cancel(struct worker_pool *pool)
{
	atomic_store(&pool->refusing, true);
	atomic_store(&pool->cancelled, true);
}

static void stop_lane(struct worker_pool *pool, enum lane lane)
{
	queue_close(&pool->queues[lane]);
	for (size_t i = 0; i < pool->thread_count; i++)
		if (pool->threads[i].lane == lane && !pthread_equal(pool->threads[i].id, pthread_self()))
			pthread_join(pool->threads[i].id, NULL);
}

void worker_pool_stop(struct worker_pool *pool)
{
	if (pool == NULL)
		return;
	worker_pool_refuse(pool);
	/* In the order in which jobs are passed on, so that none is passed to a closed lane. */
	stop_lane(pool, LANE_VERSIONED);
	stop_lane(pool, LANE_EXPORTS);
	stop_lane(pool, LANE_STREAMS);
	stop_lane(pool, LANE_REQUESTS);
	watch_stop(pool->watch);
	for (int i = 0; i < COMMITTERS; i++)
		stop_lane(pool, (enum lane)(LANE_COMMITS + i));
	for (size_t i = 0; i < pool->thread_count; i++) {
		if (pool->threads[i].read_db != pool->threads[i].db)
			db_close(pool->threads[i].read_db);
		db_close(pool->threads[i].db);
	}
	for (int i = 0; i < LANE_COUNT; i++)
		queue_free(&pool->queues[i]);
	cache_free(pool->cache);
	auth_free(pool->auth);
	attempts_free(pool->attempts);
	free(pool->threads);
	free(pool);
}
