/* A bounded first-in first-out queue of jobs. Any thread may push, any may pop. Never allocates: jobs are linked by job.next. */
#ifndef PLUMBLINE_QUEUE_H
#define PLUMBLINE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct job;

struct queue {
	pthread_mutex_t mutex;
	pthread_cond_t filled;
	struct job *first, *last;
	size_t depth, limit;
	bool closed;
};

bool queue_init(struct queue *queue, size_t limit);
void queue_free(struct queue *queue);

bool queue_push(struct queue *queue, struct job *job); /* false: full or closed */

/* Waits for jobs and takes up to max of them, linked by next in their order. NULL when the queue is closed and empty. */
struct job *queue_pop(struct queue *queue, size_t max);

void queue_close(struct queue *queue);  /* pushes fail from now on; what is inside can still be taken */
size_t queue_depth(struct queue *queue);

#endif
