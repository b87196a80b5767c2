#include "attempts.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"

/* 128 KiB in all. Of the addresses that fall into one set, the one that was wrong longest ago makes room for a new one. */
enum { SETS = 1024, WAYS = 4 };

#define NS_PER_S INT64_C(1000000000)
#define WINDOW_NS (60 * NS_PER_S)

/* A bucket as one instant (the generic cell rate algorithm): when it would be full again. Past: it is full, and the slot free. */
struct slot {
	struct peer peer;
	int64_t full_at_ns;
};

struct attempts {
	pthread_mutex_t mutex;
	int64_t cost_ns; /* of one try; 0: none */
	int64_t (*now_ns)(void);
	unsigned char key[crypto_shorthash_KEYBYTES]; /* so that nobody can choose addresses that push out another */
	struct slot slots[SETS][WAYS];
};

struct attempts *attempts_new(int64_t limit, int64_t (*now_ns)(void))
{
	struct attempts *attempts = memory_zeroed(1, sizeof *attempts);

	if (sodium_init() < 0)
		abort();
	pthread_mutex_init(&attempts->mutex, NULL);
	attempts->cost_ns = limit > 0 ? WINDOW_NS / limit : 0;
	attempts->now_ns = now_ns != NULL ? now_ns : clock_monotonic_ns;
	randombytes_buf(attempts->key, sizeof attempts->key);
	return attempts;
}

void attempts_free(struct attempts *attempts)
{
	if (attempts == NULL)
		return;
	pthread_mutex_destroy(&attempts->mutex);
	free(attempts);
}

/* The slot of this site, or the one to be given to it. With the mutex held. */
static struct slot *slot_of(struct attempts *attempts, const struct peer *site)
{
	unsigned char hash[crypto_shorthash_BYTES];
	struct slot *set, *oldest;

	crypto_shorthash(hash, site->bytes, sizeof site->bytes, attempts->key);
	set = attempts->slots[(hash[0] | (unsigned)hash[1] << 8) % SETS];
	oldest = set;
	for (size_t i = 0; i < WAYS; i++) {
		if (memcmp(&set[i].peer, site, sizeof *site) == 0)
			return &set[i];
		if (set[i].full_at_ns < oldest->full_at_ns)
			oldest = &set[i];
	}
	*oldest = (struct slot){.peer = *site};
	return oldest;
}

bool attempts_take(struct attempts *attempts, struct peer peer, int64_t *retry_s)
{
	struct peer site = peer_site(peer);
	int64_t now = attempts->now_ns(), full_at, wait;
	struct slot *slot;

	if (attempts->cost_ns == 0)
		return true;
	pthread_mutex_lock(&attempts->mutex);
	slot = slot_of(attempts, &site);
	full_at = (slot->full_at_ns > now ? slot->full_at_ns : now) + attempts->cost_ns;
	wait = full_at - now - WINDOW_NS;
	if (wait <= 0)
		slot->full_at_ns = full_at;
	pthread_mutex_unlock(&attempts->mutex);
	*retry_s = wait > 0 ? (wait + NS_PER_S - 1) / NS_PER_S : 0;
	return wait <= 0;
}

void attempts_return(struct attempts *attempts, struct peer peer)
{
	struct peer site = peer_site(peer);
	struct slot *slot;

	if (attempts->cost_ns == 0)
		return;
	pthread_mutex_lock(&attempts->mutex);
	slot = slot_of(attempts, &site);
	slot->full_at_ns -= attempts->cost_ns;
	pthread_mutex_unlock(&attempts->mutex);
}
