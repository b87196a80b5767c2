/* Sends what waits to be delivered: a thread with a connection of its own, so that no worker waits for a receiver. Several servers share the
 * work by leases in the database. A delivery is sent at least once: when a server dies between the receiver's answer and its own commit, the
 * next one sends it again, under the same webhook-id. */
#ifndef PLUMBLINE_ALERT_SENDER_H
#define PLUMBLINE_ALERT_SENDER_H

#include "settings.h"

struct alert_sender;
struct ready;
struct stats;

/* Nothing is begun while the service is not ready, or once it drains. NULL when it cannot
 * be had. */
struct alert_sender *alert_sender_start(const struct settings *settings, const struct ready *ready, struct stats *stats);

/* NULL allowed. Waits a few seconds for calls under way; what is broken off then is left to others at once. */
void alert_sender_stop(struct alert_sender *sender);

#endif
