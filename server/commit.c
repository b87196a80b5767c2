/* A committer: everything that waits is written together, one statement an organisation and source, and answered after its
 * commit. No timer: a batch is what arrived while the last one was being written. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "pool.h"

/* Jobs of one batch in an array, so that they can be put together by organisation and source. */
static size_t to_array(struct job *jobs, struct job **array)
{
	size_t count = 0;

	while (jobs != NULL) {
		struct job *next = jobs->next;

		array[count++] = jobs;
		jobs = next;
	}
	return count;
}

static bool same_group(const struct job *a, const struct job *b)
{
	return a->request.who.org_id == b->request.who.org_id && strcmp(a->request.who.source, b->request.who.source) == 0;
}

/* Moves the jobs of the first one's group to the front; both parts keep the order of arrival, so that events of one object are
 * written as they came. Returns how many there are. */
static size_t gather(struct job **array, size_t count, struct job **others)
{
	size_t mine = 0, rest = 0;

	for (size_t i = 0; i < count; i++)
		if (same_group(array[0], array[i]) || i == 0)
			array[mine++] = array[i];
		else
			others[rest++] = array[i];
	memcpy(array + mine, others, rest * sizeof *others);
	return mine;
}

/* How far behind the source's clock we are, in seconds; negative when the text is not a time. */
static double lag_of(const char *occurred_at)
{
	struct tm parts = {0};

	if (occurred_at == NULL || strptime(occurred_at, "%Y-%m-%dT%H:%M:%S", &parts) == NULL)
		return -1;
	return (double)(clock_unix_s() - (int64_t)timegm(&parts));
}

static void count_result(struct stats *stats, const struct ingest_result *result)
{
	double lag = lag_of(result->occurred_at);

	stats_outcome(stats, result->outcome, 1);
	if (result->quarantined)
		stats_count(stats, COUNTER_QUARANTINED, 1);
	if (result->outcome != OUTCOME_REJECTED && lag >= 0)
		stats_lag(stats, lag);
}

static void write_group(struct thread *thread, struct job **jobs, struct ingest_item **items, struct ingest_result *results,
			size_t count)
{
	struct stats *stats = thread->pool->stats;
	int64_t data_version = 0;
	enum err err;

	for (size_t i = 0; i < count; i++)
		items[i] = &jobs[i]->item;
	memset(results, 0, count * sizeof *results);
	err = ingest_write(thread->db, &jobs[0]->request.who, items, count, false, false, &data_version, results);
	stats_batch(stats, count);
	for (size_t i = 0; i < count; i++) {
		enum err outcome = err;

		if (err == ERR_OK) {
			count_result(stats, &results[i]);
			outcome = ingest_reply_single(&results[i], &jobs[i]->item, data_version, &jobs[i]->reply);
		}
		ingest_result_free(&results[i]);
		job_finish(jobs[i], outcome);
	}
}

static void *allocate(size_t count, size_t size)
{
	void *made = calloc(count, size);

	if (made == NULL)
		abort();
	return made;
}

void commits_run(struct thread *thread, struct job *list)
{
	size_t max = (size_t)thread->pool->settings->batch;
	struct job **jobs = allocate(max, sizeof *jobs);
	struct job **others = allocate(max, sizeof *others);
	struct ingest_item **items = allocate(max, sizeof *items);
	struct ingest_result *results = allocate(max, sizeof *results);
	size_t count = to_array(list, jobs);

	for (size_t done = 0; done < count;) {
		size_t group = gather(jobs + done, count - done, others);

		write_group(thread, jobs + done, items, results, group);
		done += group;
	}
	free(jobs);
	free(others);
	free(items);
	free(results);
}
