/* Has the thresholds of all organisations evaluated: a thread with a connection of its own asks now and then whose last evaluation is an
 * interval ago. Several servers may do so at a time: the database lets one at each organisation. */
#ifndef PLUMBLINE_ALERT_RUNNER_H
#define PLUMBLINE_ALERT_RUNNER_H

#include "settings.h"

struct alert_runner;
struct ready;
struct stats;

/* NULL when the interval is 0 or no thread can be had. Nothing is done while the service is not ready, and no more from when it drains. */
struct alert_runner *alert_runner_start(const struct settings *settings, const struct ready *ready, struct stats *stats);
void alert_runner_stop(struct alert_runner *runner); /* NULL allowed; waits for the evaluation under way */

#endif
