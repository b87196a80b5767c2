/* What main made and owns for the life of the process; handlers of the machinery itself (health, metrics) reach it through
 * request->service. */
#ifndef PLUMBLINE_SERVICE_H
#define PLUMBLINE_SERVICE_H

#include "settings.h"

struct stats;
struct ready;

/* What the handlers keep for the life of the process: the sources they know. Made and ended by them. */
struct handlers;
struct handlers *handlers_start(const struct settings *settings, struct stats *stats);
void handlers_stop(struct handlers *handlers); /* NULL allowed */

struct service {
	const struct settings *settings;
	struct stats *stats;
	struct ready *ready;
	struct handlers *handlers;
};

#endif
