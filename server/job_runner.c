#include "job_runner.h"

#include <pthread.h>
#include <stdlib.h>

#include "db.h"
#include "log.h"
#include "pause.h"
#include "ready.h"

enum { CONNECT_TIMEOUT_S = 5, IDLE_MS = 500, FAILED_MS = 2000 };

struct job_runner {
	const struct settings *settings;
	const struct ready *ready;
	pthread_t thread;
	struct pause pause;
};

/* How long to wait after what a step said. */
static int64_t pause_after(struct text state)
{
	if (text_equal_string(state, "more"))
		return 0;
	return text_equal_string(state, "later") ? FAILED_MS : IDLE_MS;
}

static int64_t step(struct db *db, struct text org)
{
	struct db_param id = {.text = org};
	struct db_result *result = NULL;
	int64_t wait_ms = FAILED_MS;

	if (db_run(db, STATEMENT_job_step, &id, 1, DB_ONE, &result, NULL, NULL) != ERR_OK)
		return wait_ms;
	wait_ms = pause_after(db_value(result, 0, 0));
	if (db_value(result, 0, 1).data != NULL)
		log_say(wait_ms == FAILED_MS ? LOG_WARN : LOG_INFO, "job", "organisation %.*s: %.*s", (int)org.size, org.data,
			(int)db_value(result, 0, 1).size, db_value(result, 0, 1).data);
	db_result_free(result);
	return wait_ms;
}

/* One step for each organisation that has a job; returns the time until the next round. */
static int64_t take_turns(struct job_runner *runner, struct db *db)
{
	struct db_result *orgs = NULL;
	int64_t wait_ms = IDLE_MS;

	if (ready_state(runner->ready) != READY_YES)
		return IDLE_MS;
	if (db_run(db, STATEMENT_job_orgs, NULL, 0, DB_MANY, &orgs, NULL, NULL) != ERR_OK)
		return FAILED_MS;
	for (size_t row = 0; row < db_rows(orgs) && !pause_wait(&runner->pause, 0); row++) {
		int64_t wanted_ms = step(db, db_value(orgs, row, 0));

		wait_ms = row == 0 || wanted_ms < wait_ms ? wanted_ms : wait_ms;
	}
	db_result_free(orgs);
	return wait_ms;
}

static void *run(void *context)
{
	struct job_runner *runner = context;
	struct db *db = db_open(runner->settings->database_url, runner->settings->prepare, CONNECT_TIMEOUT_S);

	while (!pause_wait(&runner->pause, take_turns(runner, db)))
		;
	db_close(db);
	return NULL;
}

struct job_runner *job_runner_start(const struct settings *settings, const struct ready *ready)
{
	struct job_runner *runner = calloc(1, sizeof *runner);

	if (runner == NULL)
		abort();
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
