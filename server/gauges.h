/* Alignment as Prometheus sees it: a thread of its own asks the alignment of every organisation now and then, with a connection
 * of its own, and only where the data changed since; so that a scrape never waits for the database. */
#ifndef PLUMBLINE_GAUGES_H
#define PLUMBLINE_GAUGES_H

#include "settings.h"

struct gauges;
struct ready;
struct stats;

/* NULL when the interval is 0 or no thread can be had. Nothing is asked while the service is not ready. */
struct gauges *gauges_start(const struct settings *settings, const struct ready *ready, struct stats *stats);
void gauges_stop(struct gauges *gauges); /* NULL allowed; waits for the thread */

enum { GAUGES_GROUPS_MAX = 500 }; /* teams, or reps, an organisation has gauges of: labels are to stay bounded */

/* Adds the samples of one organisation from the answer of the alignment table; false when it is none. */
bool gauges_read_answer(struct text org, struct text answer, struct buffer *alignment, struct buffer *quarantine);

/* Adds those of its teams or reps from the answer by "team" or "rep"; how many were left out because there are too many. */
size_t gauges_read_groups(struct text org, const char *by, struct text answer, struct buffer *out);

#endif
