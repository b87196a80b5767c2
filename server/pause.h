/* A thread of the house waits between two rounds of its work, and is to end as soon as it is told to. */
#ifndef PLUMBLINE_PAUSE_H
#define PLUMBLINE_PAUSE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct pause {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool ended;
};

void pause_init(struct pause *pause);
void pause_free(struct pause *pause);

/* Sleeps so long, 0: not at all; true, at once, when the thread is to end. */
bool pause_wait(struct pause *pause, int64_t ms);

/* From any thread: whoever waits, or will, is told to end. */
void pause_end(struct pause *pause);

#endif
