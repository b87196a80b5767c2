#include "alert_runner.h"

#include <pthread.h>
#include <stdlib.h>

#include "db.h"
#include "log.h"
#include "memory.h"
#include "pause.h"
#include "ready.h"
#include "stats.h"

enum { CONNECT_TIMEOUT_S = 5, LOOK_MAX_S = 10, FAILED_MS = 60000 };

struct alert_runner {
	const struct settings *settings;
	const struct ready *ready;
	struct stats *stats;
	pthread_t thread;
	struct pause pause;
	char interval_s[24], hold[24];
};

static void count(struct alert_runner *runner, const struct db_result *rows)
{
	static const enum counter counters[] = {COUNTER_ALERTS_OK, COUNTER_ALERTS_WARN, COUNTER_ALERTS_FAIL};
	bool done = text_equal_string(db_value(rows, 0, 0), "done");

	stats_count(runner->stats, done ? COUNTER_EVALUATIONS : COUNTER_EVALUATIONS_FAILED, 1);
	for (size_t i = 0; i < 3; i++)
		stats_count(runner->stats, counters[i], strtoull(db_value(rows, 0, 1 + i).data, NULL, 10));
}

/* What takes longer than a statement may is tried again an interval later, not at once. */
static bool cut_off(struct alert_runner *runner, struct db *db, struct text org)
{
	struct db_param params[] = {{.text = org}, {.text = TEXT("it took longer than PLUMBLINE_STATEMENT_TIMEOUT")}};

	stats_count(runner->stats, COUNTER_EVALUATIONS_FAILED, 1);
	log_say(LOG_WARN, "alert_evaluation", "organisation %.*s: %s", (int)org.size, org.data, params[1].text.data);
	return db_run(db, STATEMENT_alert_failed, params, 2, DB_NONE, NULL, NULL, NULL) == ERR_OK;
}

/* False when the database fails. */
static bool evaluate(struct alert_runner *runner, struct db *db, struct text org)
{
	struct db_param params[] = {{.text = org}, {.text = text_of(runner->interval_s)}, {.text = text_of(runner->hold)}};
	struct db_result *rows = NULL;
	enum err err = db_run(db, STATEMENT_alert_evaluate, params, 3, DB_MANY, &rows, NULL, NULL);

	if (err != ERR_OK)
		return err == ERR_DATABASE_TIMEOUT && cut_off(runner, db, org);
	if (db_rows(rows) > 0) {
		struct text why = db_value(rows, 0, 4);

		count(runner, rows);
		if (why.data != NULL)
			log_say(LOG_WARN, "alert_evaluation", "organisation %.*s: %.*s", (int)org.size, org.data, (int)why.size, why.data);
	}
	db_result_free(rows);
	return true;
}

/* Those that are due; returns the time until the next round. */
static int64_t take_turns(struct alert_runner *runner, struct db *db)
{
	struct db_param interval = {.text = text_of(runner->interval_s)};
	int64_t look_s = runner->settings->alert_interval_s < LOOK_MAX_S ? runner->settings->alert_interval_s : LOOK_MAX_S;
	struct db_result *orgs = NULL;
	bool fine = true;

	if (ready_state(runner->ready) != READY_YES)
		return 1000;
	if (db_run(db, STATEMENT_alert_due, &interval, 1, DB_MANY, &orgs, NULL, NULL) != ERR_OK)
		return FAILED_MS;
	for (size_t row = 0; row < db_rows(orgs) && !pause_wait(&runner->pause, 0) && ready_state(runner->ready) == READY_YES; row++)
		fine = evaluate(runner, db, db_value(orgs, row, 0)) && fine;
	db_result_free(orgs);
	return fine ? look_s * 1000 : FAILED_MS;
}

static void *run(void *context)
{
	struct alert_runner *runner = context;
	struct db *db = db_open(runner->settings->database_url, runner->settings->prepare, CONNECT_TIMEOUT_S);

	db_limit(db, (int)runner->settings->statement_timeout_ms);
	while (!pause_wait(&runner->pause, take_turns(runner, db)))
		;
	db_close(db);
	return NULL;
}

struct alert_runner *alert_runner_start(const struct settings *settings, const struct ready *ready, struct stats *stats)
{
	struct alert_runner *runner;

	if (settings->alert_interval_s == 0)
		return NULL;
	runner = memory_zeroed(1, sizeof *runner);
	runner->settings = settings;
	runner->ready = ready;
	runner->stats = stats;
	snprintf(runner->interval_s, sizeof runner->interval_s, "%lld", (long long)settings->alert_interval_s);
	snprintf(runner->hold, sizeof runner->hold, "%lld", (long long)settings->alert_hold);
	pause_init(&runner->pause);
	if (pthread_create(&runner->thread, NULL, run, runner) == 0)
		return runner;
	log_say(LOG_ERROR, "alerts_failed", "no thread can be had");
	pause_free(&runner->pause);
	free(runner);
	return NULL;
}

void alert_runner_stop(struct alert_runner *runner)
{
	if (runner == NULL)
		return;
	pause_end(&runner->pause);
	pthread_join(runner->thread, NULL);
	pause_free(&runner->pause);
	free(runner);
}
