/* Streams of server-sent events: the progress of jobs. One thread serves all who watch: it asks for the states of all their jobs at once,
 * an organisation at a time, and tells each what is new to it. Nobody's worker is held meanwhile.
 *
 * An event is "progress", "done" or "failed"; its data is the job as GET /v1/jobs/{id} shows it, its id names the state. A client that
 * comes back with Last-Event-ID hears nothing of a state it knows. The stream ends after done or failed, when the service is drained,
 * and after a while in any case, so that a key that was revoked does not go on watching: clients then come back by themselves. */
#ifndef PLUMBLINE_WATCH_H
#define PLUMBLINE_WATCH_H

#include "worker.h"

struct watch;

struct watch *watch_start(const struct settings *settings, struct stats *stats); /* NULL when no thread can be had */

/* Takes over a request for the events of the job named by its first path parameter, which was found to exist; it is finished by the
 * watching thread. False when as many as may are watching: it stays the caller's, reply.detail says so. Any thread. */
bool watch_add(struct watch *watch, struct job *job);

void watch_stop(struct watch *watch); /* NULL allowed; ends all streams */

#endif
