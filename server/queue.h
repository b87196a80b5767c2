/* A bounded first-in first-out queue of jobs. Any thread may push, any may pop. Never allocates: jobs are linked by job.next. */
#ifndef PLUMBLINE_QUEUE_H
#define PLUMBLINE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct job;

struct queue {
	pthread_mutex_t mutex;
	pthread_cond_t filled, full;
	struct job *first, *last;
	size_t depth, limit;
	size_t events;  /* of all that wait; a job has at least one */
	size_t wanted;  /* events that queue_pop_full waits for */
	bool closed;
};

bool queue_init(struct queue *queue, size_t limit);
void queue_free(struct queue *queue);

bool queue_push(struct queue *queue, struct job *job); /* false: full or closed */

/* Waits for jobs and takes some, linked by next in their order, until they have max events. NULL when the queue is closed and empty. */
struct job *queue_pop(struct queue *queue, size_t max);

/* The same, once max events wait, or the queue is closed. For one thread, beside those that take whatever there is. */
struct job *queue_pop_full(struct queue *queue, size_t max);

void queue_close(struct queue *queue);  /* pushes fail from now on; what is inside can still be taken */
size_t queue_depth(struct queue *queue);

#endif
