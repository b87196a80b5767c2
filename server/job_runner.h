/* Does the jobs of all organisations: a thread with a connection of its own asks which have one, and does their next steps in
 * turn, each a short transaction. Several instances may do so at a time: the database lets one at each job. What a crash cuts
 * off is rolled back, and done by whoever comes next. */
#ifndef PLUMBLINE_JOB_RUNNER_H
#define PLUMBLINE_JOB_RUNNER_H

#include "settings.h"

struct job_runner;
struct ready;

/* Nothing is done while the service is not ready, and no more from when it drains. NULL when no thread can be had. */
struct job_runner *job_runner_start(const struct settings *settings, const struct ready *ready);
void job_runner_stop(struct job_runner *runner); /* NULL allowed; waits for the step under way */

#endif
