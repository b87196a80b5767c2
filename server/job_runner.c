#include "job_runner.h"

#include <pthread.h>
#include <stdlib.h>

#include "clock.h"
#include "db.h"
#include "log.h"
#include "memory.h"
#include "pause.h"
#include "ready.h"

enum { CONNECT_TIMEOUT_S = 5, IDLE_MS = 500, FAILED_MS = 2000, RETENTION_MS = 5000 /* between two looks at what is kept too long */ };

struct job_runner {
	const struct settings *settings;
	const struct ready *ready;
	pthread_t thread;
	struct pause pause;
	int64_t shorten_ns;    /* monotonic: when to look again at what is kept too long */
};

/* What is done piece by piece, each a short transaction: which organisations have some of it to do, and the next piece of one. */
struct work {
	enum statement orgs, step;
	const char *name;      /* in the log */
};

/* How long to wait after what a step said. */
static int64_t pause_after(struct text state)
{
	if (text_equal_string(state, "more"))
		return 0;
	return text_equal_string(state, "later") ? FAILED_MS : IDLE_MS;
}

static int64_t step(struct db *db, const struct work *work, struct text org)
{
	struct db_param id = {.text = org};
	struct db_result *result = NULL;
	int64_t wait_ms = FAILED_MS;

	if (db_run(db, work->step, &id, 1, DB_ONE, &result, NULL, NULL) != ERR_OK)
		return wait_ms;
	wait_ms = pause_after(db_value(result, 0, 0));
	if (db_value(result, 0, 1).data != NULL)
		log_say(wait_ms == FAILED_MS ? LOG_WARN : LOG_INFO, work->name, "organisation %.*s: %.*s", (int)org.size, org.data,
			(int)db_value(result, 0, 1).size, db_value(result, 0, 1).data);
	db_result_free(result);
	return wait_ms;
}

/* One step for each organisation that has such work; returns the time until the next round. */
static int64_t take_turns(struct job_runner *runner, struct db *db, const struct work *work)
{
	struct db_result *orgs = NULL;
	int64_t wait_ms = IDLE_MS;

	if (db_run(db, work->orgs, NULL, 0, DB_MANY, &orgs, NULL, NULL) != ERR_OK)
		return FAILED_MS;
	for (size_t row = 0; row < db_rows(orgs) && !pause_wait(&runner->pause, 0); row++) {
		int64_t wanted_ms = step(db, work, db_value(orgs, row, 0));

		wait_ms = row == 0 || wanted_ms < wait_ms ? wanted_ms : wait_ms;
	}
	db_result_free(orgs);
	return wait_ms;
}

/* Jobs, for which somebody waits, before retention, for which nobody does; returns the time until the next round. */
static int64_t work_on(struct job_runner *runner, struct db *db)
{
	static const struct work jobs = {STATEMENT_job_orgs, STATEMENT_job_step, "job"};
	static const struct work retention = {STATEMENT_retention_orgs, STATEMENT_retention_step, "retention"};
	int64_t wait_ms;

	if (ready_state(runner->ready) != READY_YES)
		return IDLE_MS;
	wait_ms = take_turns(runner, db, &jobs);
	if (wait_ms == 0 || clock_monotonic_ns() < runner->shorten_ns)
		return wait_ms;
	if (take_turns(runner, db, &retention) == 0)
		return 0;
	runner->shorten_ns = clock_monotonic_ns() + RETENTION_MS * INT64_C(1000000);
	return wait_ms;
}

static void *run(void *context)
{
	struct job_runner *runner = context;
	struct db *db = db_open(runner->settings->database_url, runner->settings->prepare, CONNECT_TIMEOUT_S);

	while (!pause_wait(&runner->pause, work_on(runner, db)))
		;
	db_close(db);
	return NULL;
}

struct job_runner *job_runner_start(const struct settings *settings, const struct ready *ready)
{
	struct job_runner *runner = memory_zeroed(1, sizeof *runner);

	runner->settings = settings;
	runner->ready = ready;
	pause_init(&runner->pause);
	if (pthread_create(&runner->thread, NULL, run, runner) == 0)
		return runner;
	pause_free(&runner->pause);
	free(runner);
	return NULL;
}

void job_runner_stop(struct job_runner *runner)
{
	if (runner == NULL)
		return;
	pause_end(&runner->pause);
	pthread_join(runner->thread, NULL);
	pause_free(&runner->pause);
	free(runner);
}
