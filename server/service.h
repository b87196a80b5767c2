/* What main made and owns for the life of the process; handlers of the machinery itself (health, metrics) reach it through
 * request->service. */
#ifndef PLUMBLINE_SERVICE_H
#define PLUMBLINE_SERVICE_H

#include "settings.h"

struct stats;
struct ready;

struct service {
	const struct settings *settings;
	struct stats *stats;
	struct ready *ready;
};

#endif
