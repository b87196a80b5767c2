#include "watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "answer_stream.h"
#include "clock.h"
#include "db.h"
#include "memory.h"
#include "pause.h"
#include "pool.h"
#include "ready.h"
#include "service.h"
#include "stats.h"

enum {
	TICK_MS = 500,            /* between two looks at the jobs */
	HEARTBEAT_S = 10,         /* without an event for that long, a comment: who is gone is noticed, and proxies keep the line */
	LONGEST_S = 600,          /* of one stream */
	RING_SIZE = 32 * 1024,    /* bytes that may wait for a client; one that is further behind is cut */
	STATE_SIZE = 128,
	CONNECT_TIMEOUT_S = 1
};

/* One who watches. */
struct watcher {
	struct watcher *next;
	struct job *job;
	char state[STATE_SIZE];   /* the last one told; "" at first */
	int64_t since_ns, told_ns;
	bool looked;              /* in this round */
};

struct watch {
	const struct settings *settings;
	struct stats *stats;
	pthread_t thread;
	struct pause pause;
	pthread_mutex_t mutex;    /* guards what follows */
	struct watcher *added;    /* not yet taken over by the thread */
	size_t count;
};

/* ── what is told ─────────────────────────────────────────────────────────────────────────────── */

static bool tell(struct watcher *watcher, const struct buffer *text)
{
	watcher->told_ns = clock_monotonic_ns();
	return answer_stream_offer(watcher->job->request.answer, (struct text){text->data, text->size});
}

static bool is_final(struct text status)
{
	return text_equal_string(status, "done") || text_equal_string(status, "failed");
}

/* The row of the job this one watches; -1: none. */
static long row_of(const struct watcher *watcher, const struct db_result *rows)
{
	for (size_t row = 0; row < db_rows(rows); row++)
		if (text_equal(db_value(rows, row, 0), watcher->job->request.path_params[0]))
			return (long)row;
	return -1;
}

/* Tells the state of its job, if it is new. False: the stream is over. */
static bool tell_state(struct watcher *watcher, const struct db_result *rows, size_t row)
{
	struct text status = db_value(rows, row, 1), state = db_value(rows, row, 2), document = db_value(rows, row, 3);
	struct buffer event = {0};
	bool final = is_final(status), taken = true;

	if (final || !text_equal_string(state, watcher->state)) {
		buffer_append_string(&event, "id: ");
		buffer_append_text(&event, state);
		buffer_append_string(&event, "\nevent: ");
		buffer_append_string(&event, final ? "" : "progress");
		if (final)
			buffer_append_text(&event, status);
		buffer_append_string(&event, "\ndata: ");
		buffer_append_text(&event, document); /* jsonb writes no line breaks */
		buffer_append_string(&event, "\n\n");
		taken = tell(watcher, &event);
		snprintf(watcher->state, sizeof watcher->state, "%.*s", (int)state.size, state.data);
	}
	buffer_free(&event);
	return taken && !final;
}

static bool tell_comment(struct watcher *watcher)
{
	struct buffer comment = {0};
	bool taken;

	buffer_append_string(&comment, ":\n\n");
	taken = tell(watcher, &comment);
	buffer_free(&comment);
	return taken;
}

/* ── the end of a stream ──────────────────────────────────────────────────────────────────────── */

static void finish(struct watch *watch, struct watcher *watcher)
{
	pthread_mutex_lock(&watch->mutex);
	watch->count--;
	pthread_mutex_unlock(&watch->mutex);
	answer_stream_end(watcher->job->request.answer);
	job_finish(watcher->job, ERR_OK);
	free(watcher);
}

static bool is_over(const struct watcher *watcher, int64_t now_ns)
{
	const struct service *service = watcher->job->request.service;

	return !answer_stream_wanted(watcher->job->request.answer) || now_ns - watcher->since_ns > LONGEST_S * INT64_C(1000000000) ||
	       ready_state(service->ready) == READY_DRAINING;
}

/* ── the thread ───────────────────────────────────────────────────────────────────────────────── */

/* The states of all jobs of this organisation that somebody watches; NULL when the database cannot say. */
static struct db_result *ask_states(struct db *db, int org_id, const struct watcher *watchers)
{
	struct db_array ids = {0};
	struct db_result *rows = NULL;
	char text[16];

	for (const struct watcher *watcher = watchers; watcher != NULL; watcher = watcher->next)
		if (watcher->job->request.who.org_id == org_id)
			db_array_add(&ids, watcher->job->request.path_params[0]);
	snprintf(text, sizeof text, "%d", org_id);
	(void)db_run(db, STATEMENT_job_states, (struct db_param[]){{.text = text_of(text)}, db_array_param(&ids)}, 2, DB_MANY, &rows, NULL, NULL);
	db_array_free(&ids);
	return rows;
}

/* One look at one organisation's jobs. Ended streams are taken out of the list. */
static void look_at_org(struct watch *watch, struct db *db, int org_id, struct watcher **watchers)
{
	struct db_result *rows = ask_states(db, org_id, *watchers);
	struct watcher **link = watchers;

	while (*link != NULL) {
		struct watcher *watcher = *link;
		bool ours = watcher->job->request.who.org_id == org_id;
		long row = ours && rows != NULL ? row_of(watcher, rows) : -1;

		watcher->looked = watcher->looked || ours;
		if (row >= 0 && !tell_state(watcher, rows, (size_t)row)) {
			*link = watcher->next;
			finish(watch, watcher);
		} else {
			link = &watcher->next;
		}
	}
	db_result_free(rows);
}

static void end_those_over(struct watch *watch, struct watcher **watchers, bool all)
{
	int64_t now_ns = clock_monotonic_ns();

	for (struct watcher **link = watchers; *link != NULL;) {
		struct watcher *watcher = *link;
		bool silent = now_ns - watcher->told_ns > HEARTBEAT_S * INT64_C(1000000000);

		if (all || is_over(watcher, now_ns) || (silent && !tell_comment(watcher))) {
			*link = watcher->next;
			finish(watch, watcher);
		} else {
			link = &watcher->next;
		}
	}
}

/* The first whose organisation was not looked at in this round; NULL: all were. */
static const struct watcher *next_to_look(const struct watcher *watchers)
{
	while (watchers != NULL && watchers->looked)
		watchers = watchers->next;
	return watchers;
}

/* Every organisation that is watched, once. */
static void look(struct watch *watch, struct db *db, struct watcher **watchers)
{
	const struct watcher *next;

	for (struct watcher *watcher = *watchers; watcher != NULL; watcher = watcher->next)
		watcher->looked = false;
	while ((next = next_to_look(*watchers)) != NULL)
		look_at_org(watch, db, next->job->request.who.org_id, watchers);
}

static void take_added(struct watch *watch, struct watcher **watchers)
{
	struct watcher **end = watchers;

	while (*end != NULL)
		end = &(*end)->next;
	pthread_mutex_lock(&watch->mutex);
	*end = watch->added;
	watch->added = NULL;
	pthread_mutex_unlock(&watch->mutex);
}

static void *run(void *context)
{
	struct watch *watch = context;
	struct db *db = db_open(watch->settings->database_url, watch->settings->prepare, CONNECT_TIMEOUT_S);
	struct watcher *watchers = NULL;
	bool stopped = false;

	db_limit(db, (int)watch->settings->statement_timeout_ms);
	db_observe(db, watch->stats);
	while (!stopped) {
		stopped = pause_wait(&watch->pause, TICK_MS);
		take_added(watch, &watchers);
		if (watchers != NULL && !stopped)
			look(watch, db, &watchers);
		end_those_over(watch, &watchers, stopped);
	}
	db_close(db);
	return NULL;
}

struct watch *watch_start(const struct settings *settings, struct stats *stats)
{
	struct watch *watch = memory_zeroed(1, sizeof *watch);

	watch->settings = settings;
	watch->stats = stats;
	pthread_mutex_init(&watch->mutex, NULL);
	pause_init(&watch->pause);
	if (pthread_create(&watch->thread, NULL, run, watch) == 0)
		return watch;
	pause_free(&watch->pause);
	pthread_mutex_destroy(&watch->mutex);
	free(watch);
	return NULL;
}

bool watch_add(struct watch *watch, struct job *job)
{
	const struct text *known = job->request.header != NULL ? job->request.header(&job->request, "last-event-id") : NULL;
	struct watcher *watcher = memory_zeroed(1, sizeof *watcher);
	bool taken;

	watcher->job = job;
	watcher->since_ns = watcher->told_ns = clock_monotonic_ns();
	if (known != NULL)
		snprintf(watcher->state, sizeof watcher->state, "%.*s", (int)(known->size < STATE_SIZE ? known->size : 0), known->data);
	pthread_mutex_lock(&watch->mutex);
	taken = watch->count < (size_t)watch->settings->watchers;
	if (taken) {
		/* Before the thread can end the stream. The reply is the loop's from here on. */
		answer_stream_begin(job->request.answer, RING_SIZE);
		(void)answer_stream_offer(job->request.answer, TEXT("retry: 2000\n\n"));
		watcher->next = watch->added;
		watch->added = watcher;
		watch->count++;
	}
	pthread_mutex_unlock(&watch->mutex);
	if (taken)
		return true;
	free(watcher);
	reply_header(&job->reply, "Retry-After", "10");
	reply_error(&job->reply, ERR_OVERLOADED, "%lld are watching, which is as many as may; ask GET /v1/jobs/{id} instead",
		    (long long)watch->settings->watchers);
	return false;
}

void watch_stop(struct watch *watch)
{
	if (watch == NULL)
		return;
	pause_end(&watch->pause);
	pthread_join(watch->thread, NULL);
	pause_free(&watch->pause);
	pthread_mutex_destroy(&watch->mutex);
	free(watch);
}
