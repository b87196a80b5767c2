#include "pause.h"

#include <time.h>

void pause_init(struct pause *pause)
{
	pthread_mutex_init(&pause->mutex, NULL);
	pthread_cond_init(&pause->changed, NULL);
	pause->ended = false;
}

void pause_free(struct pause *pause)
{
	pthread_cond_destroy(&pause->changed);
	pthread_mutex_destroy(&pause->mutex);
}

bool pause_wait(struct pause *pause, int64_t ms)
{
	struct timespec until;
	bool ended;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&pause->mutex);
	if (!pause->ended && ms > 0)
		pthread_cond_timedwait(&pause->changed, &pause->mutex, &until);
	ended = pause->ended;
	pthread_mutex_unlock(&pause->mutex);
	return ended;
}

void pause_end(struct pause *pause)
{
	pthread_mutex_lock(&pause->mutex);
	pause->ended = true;
	pthread_cond_signal(&pause->changed);
	pthread_mutex_unlock(&pause->mutex);
}
