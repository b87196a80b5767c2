#include "ready.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "log.h"
#include "memory.h"
#include "pause.h"
#include "schema.h"
#include "stats.h"

enum {
	INTERVAL_MS = 1000,
	CONNECT_TIMEOUT_S = 2,
	QUESTION_TIMEOUT_MS = 2000
};

struct ready {
	const struct settings *settings;
	struct stats *stats;
	pthread_t thread;
	struct pause pause;
	_Atomic enum ready_state state;
	atomic_bool draining;
};

static const char *const words[] = {
	[READY_STARTING] = "starting",     [READY_YES] = "ready",
	[READY_NO_DATABASE] = "no_database", [READY_SCHEMA_OLD] = "schema_old",
	[READY_SCHEMA_NEWER] = "schema_newer", [READY_DRAINING] = "draining",
};

const char *ready_word(enum ready_state state)
{
	return words[state];
}

static enum ready_state ask(struct db *db)
{
	enum schema_state schema;

	if (schema_check(db, &schema, NULL) != ERR_OK)
		return READY_NO_DATABASE;
	switch (schema) {
	case SCHEMA_CURRENT:
		return READY_YES;
	case SCHEMA_OLD:
		return READY_SCHEMA_OLD;
	case SCHEMA_NEWER:
	case SCHEMA_CHANGED:
		break;
	}
	return READY_SCHEMA_NEWER;
}

static void *run(void *context)
{
	struct ready *ready = context;
	struct db *db = db_open(ready->settings->database_url, ready->settings->prepare, CONNECT_TIMEOUT_S);

	db_limit(db, QUESTION_TIMEOUT_MS);
	do {
		enum ready_state state = ask(db);

		if (atomic_exchange(&ready->state, state) != state)
			log_say(state == READY_YES ? LOG_INFO : LOG_WARN, "readiness", "%s", words[state]);
		stats_gauge(ready->stats, GAUGE_READY, state == READY_YES);
	} while (!pause_wait(&ready->pause, INTERVAL_MS));
	db_close(db);
	return NULL;
}

struct ready *ready_start(const struct settings *settings, struct stats *stats)
{
	struct ready *ready = memory_zeroed(1, sizeof *ready);

	ready->settings = settings;
	ready->stats = stats;
	pause_init(&ready->pause);
	if (pthread_create(&ready->thread, NULL, run, ready) == 0)
		return ready;
	pause_free(&ready->pause);
	free(ready);
	return NULL;
}

void ready_stop(struct ready *ready)
{
	if (ready == NULL)
		return;
	pause_end(&ready->pause);
	pthread_join(ready->thread, NULL);
	pause_free(&ready->pause);
	free(ready);
}

enum ready_state ready_state(const struct ready *ready)
{
	return atomic_load(&ready->draining) ? READY_DRAINING : atomic_load(&ready->state);
}

void ready_drain(struct ready *ready)
{
	atomic_store(&ready->draining, true);
}
