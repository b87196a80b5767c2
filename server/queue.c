#include "queue.h"

#include "worker.h"

bool queue_init(struct queue *queue, size_t limit)
{
	*queue = (struct queue){.limit = limit};
	if (pthread_mutex_init(&queue->mutex, NULL) != 0)
		return false;
	if (pthread_cond_init(&queue->filled, NULL) == 0) {
		if (pthread_cond_init(&queue->full, NULL) == 0)
			return true;
		pthread_cond_destroy(&queue->filled);
	}
	pthread_mutex_destroy(&queue->mutex);
	return false;
}

void queue_free(struct queue *queue)
{
	pthread_cond_destroy(&queue->full);
	pthread_cond_destroy(&queue->filled);
	pthread_mutex_destroy(&queue->mutex);
}

static size_t events_of(const struct job *job)
{
	return job->events > 0 ? job->events : 1;
}

bool queue_push(struct queue *queue, struct job *job)
{
	bool taken;

	pthread_mutex_lock(&queue->mutex);
	taken = !queue->closed && queue->depth < queue->limit;
	if (taken) {
		job->next = NULL;
		if (queue->last != NULL)
			queue->last->next = job;
		else
			queue->first = job;
		queue->last = job;
		queue->depth++;
		queue->events += events_of(job);
		pthread_cond_signal(&queue->filled);
		if (queue->wanted > 0 && queue->events >= queue->wanted)
			pthread_cond_signal(&queue->full);
	}
	pthread_mutex_unlock(&queue->mutex);
	return taken;
}

/* The queue is locked. */
static struct job *take(struct queue *queue, size_t max)
{
	struct job *taken = queue->first, *end = NULL;

	for (size_t events = 0; events < max && queue->first != NULL; events += events_of(end)) {
		end = queue->first;
		queue->first = end->next;
		queue->depth--;
		queue->events -= events_of(end);
	}
	if (end != NULL)
		end->next = NULL;
	if (queue->first == NULL)
		queue->last = NULL;
	return taken;
}

struct job *queue_pop(struct queue *queue, size_t max)
{
	struct job *taken;

	pthread_mutex_lock(&queue->mutex);
	while (queue->first == NULL && !queue->closed)
		pthread_cond_wait(&queue->filled, &queue->mutex);
	taken = take(queue, max);
	pthread_mutex_unlock(&queue->mutex);
	return taken;
}

struct job *queue_pop_full(struct queue *queue, size_t max)
{
	struct job *taken;

	pthread_mutex_lock(&queue->mutex);
	queue->wanted = max;
	while (queue->events < max && !queue->closed)
		pthread_cond_wait(&queue->full, &queue->mutex);
	taken = take(queue, max);
	pthread_mutex_unlock(&queue->mutex);
	return taken;
}

void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->closed = true;
	pthread_cond_broadcast(&queue->filled);
	pthread_cond_broadcast(&queue->full);
	pthread_mutex_unlock(&queue->mutex);
}

size_t queue_depth(struct queue *queue)
{
	size_t depth;

	pthread_mutex_lock(&queue->mutex);
	depth = queue->depth;
	pthread_mutex_unlock(&queue->mutex);
	return depth;
}
