#include "queue.h"

#include "worker.h"

bool queue_init(struct queue *queue, size_t limit)
{
	*queue = (struct queue){.limit = limit};
	if (pthread_mutex_init(&queue->mutex, NULL) != 0)
		return false;
	if (pthread_cond_init(&queue->filled, NULL) == 0)
		return true;
	pthread_mutex_destroy(&queue->mutex);
	return false;
}

void queue_free(struct queue *queue)
{
	pthread_cond_destroy(&queue->filled);
	pthread_mutex_destroy(&queue->mutex);
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
		pthread_cond_signal(&queue->filled);
	}
	pthread_mutex_unlock(&queue->mutex);
	return taken;
}

struct job *queue_pop(struct queue *queue, size_t max)
{
	struct job *taken, *end = NULL;

	pthread_mutex_lock(&queue->mutex);
	while (queue->first == NULL && !queue->closed)
		pthread_cond_wait(&queue->filled, &queue->mutex);
	taken = queue->first;
	for (size_t i = 0; i < max && queue->first != NULL; i++) {
		end = queue->first;
		queue->first = end->next;
		queue->depth--;
	}
	if (end != NULL)
		end->next = NULL;
	if (queue->first == NULL)
		queue->last = NULL;
	pthread_mutex_unlock(&queue->mutex);
	return taken;
}

void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->closed = true;
	pthread_cond_broadcast(&queue->filled);
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
