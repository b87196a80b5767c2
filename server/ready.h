/* Readiness: a thread with a connection of its own asks every second whether the database is there and its schema is the
 * one this binary was built for, so that health checks answer at once whatever the database does. */
#ifndef PLUMBLINE_READY_H
#define PLUMBLINE_READY_H

#include <stdbool.h>

#include "settings.h"

struct ready;
struct stats;

enum ready_state {
	READY_STARTING,          /* not asked yet */
	READY_YES,
	READY_NO_DATABASE,
	READY_SCHEMA_OLD,        /* plumbline migrate has to run */
	READY_SCHEMA_NEWER,      /* the schema is of a newer binary */
	READY_DRAINING           /* SIGTERM came */
};

struct ready *ready_start(const struct settings *settings, struct stats *stats); /* NULL when no thread can be had */
void ready_stop(struct ready *ready);  /* NULL allowed; waits for the thread */
enum ready_state ready_state(const struct ready *ready);
const char *ready_word(enum ready_state state); /* "ready", "no_database", … */
void ready_drain(struct ready *ready); /* from now on READY_DRAINING */

#endif
