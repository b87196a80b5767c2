#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#include "queue.h"
#include "worker.h"

enum { THREADS = 4, EACH = 1000 };

START_TEST(order_and_bound)
{
	struct job jobs[3] = {{0}};
	struct queue queue;

	ck_assert(queue_init(&queue, 2));
	ck_assert(queue_push(&queue, &jobs[0]));
	ck_assert(queue_push(&queue, &jobs[1]));
	ck_assert_msg(!queue_push(&queue, &jobs[2]), "a full queue took a job");
	ck_assert_uint_eq(queue_depth(&queue), 2);
	ck_assert_ptr_eq(queue_pop(&queue, 1), &jobs[0]);
	ck_assert_ptr_null(jobs[0].next);
	ck_assert(queue_push(&queue, &jobs[2]));
	ck_assert_ptr_eq(queue_pop(&queue, 1), &jobs[1]);
	ck_assert_ptr_eq(queue_pop(&queue, 1), &jobs[2]);
	ck_assert_uint_eq(queue_depth(&queue), 0);
	queue_free(&queue);
}
END_TEST

START_TEST(many_at_once)
{
	struct job jobs[5] = {{0}};
	struct queue queue;
	struct job *taken;

	ck_assert(queue_init(&queue, 10));
	for (int i = 0; i < 5; i++)
		ck_assert(queue_push(&queue, &jobs[i]));
	taken = queue_pop(&queue, 3);
	ck_assert_ptr_eq(taken, &jobs[0]);
	ck_assert_ptr_eq(taken->next, &jobs[1]);
	ck_assert_ptr_eq(taken->next->next, &jobs[2]);
	ck_assert_ptr_null(jobs[2].next);
	taken = queue_pop(&queue, 3);
	ck_assert_ptr_eq(taken, &jobs[3]);
	ck_assert_ptr_eq(taken->next, &jobs[4]);
	ck_assert_ptr_null(jobs[4].next);
	ck_assert(queue_push(&queue, &jobs[0]));
	ck_assert_ptr_eq(queue_pop(&queue, 3), &jobs[0]);
	queue_free(&queue);
}
END_TEST

START_TEST(counts_events)
{
	struct job jobs[4] = {{.events = 3}, {.events = 0}, {.events = 9}, {.events = 1}};
	struct queue queue;
	struct job *taken;

	ck_assert(queue_init(&queue, 10));
	for (int i = 0; i < 4; i++)
		ck_assert(queue_push(&queue, &jobs[i]));
	taken = queue_pop(&queue, 5);
	ck_assert_ptr_eq(taken, &jobs[0]);
	ck_assert_ptr_eq(taken->next, &jobs[1]); /* none counts as one */
	ck_assert_ptr_eq(taken->next->next, &jobs[2]);
	ck_assert_ptr_null(jobs[2].next);
	ck_assert_ptr_eq(queue_pop(&queue, 5), &jobs[3]);
	ck_assert_uint_eq(queue_depth(&queue), 0);
	queue_free(&queue);
}
END_TEST

static void *pop_full(void *queue)
{
	return queue_pop_full(queue, 5);
}

START_TEST(full)
{
	struct job jobs[4] = {{.events = 2}, {.events = 2}, {.events = 2}, {.events = 1}};
	struct queue queue;
	pthread_t thread;
	void *taken;

	ck_assert(queue_init(&queue, 10));
	pthread_create(&thread, NULL, pop_full, &queue);
	ck_assert(queue_push(&queue, &jobs[0]));
	ck_assert(queue_push(&queue, &jobs[1]));
	ck_assert_ptr_eq(queue_pop(&queue, 1), &jobs[0]); /* four are no full batch: they are there for others */
	ck_assert(queue_push(&queue, &jobs[2]));
	ck_assert(queue_push(&queue, &jobs[3]));
	pthread_join(thread, &taken);
	ck_assert_ptr_eq(taken, &jobs[1]);
	ck_assert_ptr_eq(jobs[1].next, &jobs[2]);
	ck_assert_ptr_eq(jobs[2].next, &jobs[3]);
	ck_assert_ptr_null(jobs[3].next);
	ck_assert(queue_push(&queue, &jobs[0]));
	queue_close(&queue);
	ck_assert_ptr_eq(queue_pop_full(&queue, 5), &jobs[0]);
	ck_assert_ptr_null(queue_pop_full(&queue, 5));
	queue_free(&queue);
}
END_TEST

START_TEST(closing)
{
	struct job jobs[2] = {{0}};
	struct queue queue;

	ck_assert(queue_init(&queue, 10));
	ck_assert(queue_push(&queue, &jobs[0]));
	queue_close(&queue);
	ck_assert_msg(!queue_push(&queue, &jobs[1]), "a closed queue took a job");
	ck_assert_ptr_eq(queue_pop(&queue, 10), &jobs[0]);
	ck_assert_ptr_null(queue_pop(&queue, 10));
	queue_free(&queue);
}
END_TEST

struct side {
	struct queue *queue;
	struct job *jobs; /* producer: its EACH jobs */
	size_t taken;     /* consumer */
};

static void *produce(void *argument)
{
	struct side *side = argument;

	for (int i = 0; i < EACH; i++) {
		side->jobs[i].submitted_ns = i;
		while (!queue_push(side->queue, &side->jobs[i]))
			;
	}
	return NULL;
}

static void *consume(void *argument)
{
	struct side *side = argument;
	struct job *jobs;

	while ((jobs = queue_pop(side->queue, 16)) != NULL)
		while (jobs != NULL) {
			struct job *next = jobs->next;

			ck_assert_msg(!jobs->single, "a job was handed out twice");
			jobs->single = true;
			side->taken++;
			jobs = next;
		}
	return NULL;
}

START_TEST(many_threads)
{
	struct side producers[THREADS], consumers[THREADS];
	pthread_t in[THREADS], out[THREADS];
	struct queue queue;
	size_t taken = 0;

	ck_assert(queue_init(&queue, 64));
	for (int i = 0; i < THREADS; i++) {
		producers[i] = (struct side){.queue = &queue, .jobs = calloc(EACH, sizeof(struct job))};
		consumers[i] = (struct side){.queue = &queue};
		pthread_create(&in[i], NULL, produce, &producers[i]);
		pthread_create(&out[i], NULL, consume, &consumers[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(in[i], NULL);
	queue_close(&queue);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(out[i], NULL);
		taken += consumers[i].taken;
	}
	for (int i = 0; i < THREADS; i++) /* not before: any consumer may hold jobs of any producer */
		free(producers[i].jobs);
	ck_assert_uint_eq(taken, THREADS * EACH);
	queue_free(&queue);
}
END_TEST

Suite *suite_queue(void);
Suite *suite_queue(void)
{
	Suite *suite = suite_create("queue");
	TCase *cases = tcase_create("queue");

	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, order_and_bound);
	tcase_add_test(cases, many_at_once);
	tcase_add_test(cases, counts_events);
	tcase_add_test(cases, full);
	tcase_add_test(cases, closing);
	tcase_add_test(cases, many_threads);
	suite_add_tcase(suite, cases);
	return suite;
}
