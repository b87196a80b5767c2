/* How often an address may be wrong: a token bucket an address for what costs something and failed, in fixed memory.
 *
 * It is no lock: an address that has used its tokens gets new ones all the time, so that who shares it with somebody who guesses (a
 * company behind one address) is slowed down and not shut out. What succeeded costs nothing: see attempts_return. */
#ifndef PLUMBLINE_ATTEMPTS_H
#define PLUMBLINE_ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "peer.h"

struct attempts;

/* limit: tries a minute an address, all at once or spread; 0: no limit. now_ns: the monotonic clock (NULL: the system's; tests
 * give their own). Never NULL. Safe from any thread. */
struct attempts *attempts_new(int64_t limit, int64_t (*now_ns)(void));
void attempts_free(struct attempts *attempts); /* NULL allowed */

/* Takes a token of this address. False when it has none: *retry_s then says in how many seconds there is one. */
bool attempts_take(struct attempts *attempts, struct peer peer, int64_t *retry_s);

/* The try was none that should count: the token is given back. */
void attempts_return(struct attempts *attempts, struct peer peer);

#endif
