/* A committer: everything that waits is written together, one statement an organisation and source, and answered after its
 * commit. No timer: a batch is what arrived while the last one was being written. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "memory.h"
#include "pool.h"

/* What one transaction writes. */
struct group {
	struct job **jobs;
	size_t count;
	struct ingest_item **items;    /* of all jobs, in their order */
	struct ingest_result *results;
	size_t events;
	struct intake **intakes;       /* of the jobs that are deliveries */
	size_t deliveries;
};

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

static size_t events_of(const struct job *job)
{
	return job->intake != NULL ? intake_events(job->intake) : 1;
}

/* Moves the jobs of the first one's group to the front, until they have max events: so that nobody waits for the deliveries of all
 * others. Both parts keep the order of arrival, so that events of one object are written as they came. Returns how many there are. */
static size_t gather(struct job **array, size_t count, struct job **others, size_t max)
{
	size_t mine = 0, rest = 0, events = 0;
	bool full = false;

	for (size_t i = 0; i < count; i++) {
		if (i > 0 && (full || !same_group(array[0], array[i]))) {
			others[rest++] = array[i];
			continue;
		}
		array[mine++] = array[i];
		events += events_of(array[i]);
		full = events >= max;
	}
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

static void group_make(struct group *group, struct job **jobs, size_t count)
{
	size_t events = 0;

	*group = (struct group){.jobs = jobs, .count = count};
	for (size_t i = 0; i < count; i++)
		events += events_of(jobs[i]);
	group->items = memory_zeroed(events, sizeof *group->items);
	group->results = memory_zeroed(events, sizeof *group->results);
	group->intakes = memory_zeroed(count, sizeof(struct intake *));
	for (size_t i = 0; i < count; i++) {
		struct intake *intake = jobs[i]->intake;

		if (intake == NULL) {
			group->items[group->events++] = &jobs[i]->item;
			continue;
		}
		group->intakes[group->deliveries++] = intake;
		for (size_t k = 0; k < intake->count; k++)
			if (intake->parts[k].type == PART_EVENT)
				group->items[group->events++] = &intake->parts[k].item;
	}
}

static void group_free(struct group *group)
{
	for (size_t i = 0; i < group->events; i++)
		ingest_result_free(&group->results[i]);
	free(group->items);
	free(group->results);
	free(group->intakes);
}

/* Gives each delivery the results of its events. */
static void hand_out(struct group *group)
{
	size_t at = 0;

	for (size_t i = 0; i < group->count; i++) {
		struct intake *intake = group->jobs[i]->intake;

		if (intake == NULL) {
			at++;
			continue;
		}
		for (size_t k = 0; k < intake->count; k++)
			if (intake->parts[k].type == PART_EVENT) {
				ingest_result_free(&intake->parts[k].result); /* of a try before this one */
				intake->parts[k].result = group->results[at];
				group->results[at++] = (struct ingest_result){0};
			}
	}
}

/* Deliveries bring more than events: then all of it is one transaction of several statements. */
static enum err write_deliveries(struct thread *thread, struct group *group, int64_t *data_version)
{
	const struct principal *who = &group->jobs[0]->request.who;
	struct db *db = thread->db;
	enum err err = db_begin(db);

	if (err == ERR_OK)
		err = ingest_write(db, who, group->items, group->events, false, false, data_version, group->results);
	if (err == ERR_OK) {
		hand_out(group);
		err = intake_settle(db, who, group->intakes, group->deliveries);
	}
	if (err == ERR_OK)
		return db_commit(db);
	db_rollback(db);
	return err;
}

static void answer_single(struct thread *thread, struct job *job, struct ingest_result *result, int64_t data_version, enum err err)
{
	if (err == ERR_OK) {
		count_result(thread->pool->stats, result);
		err = ingest_reply_single(result, &job->item, data_version, &job->reply);
	}
	ingest_result_free(result);
	job_finish(job, err);
}

static void answer_delivery(struct thread *thread, struct job *job, enum err err)
{
	struct stats *stats = thread->pool->stats;

	for (size_t i = 0; err == ERR_OK && i < job->intake->count; i++)
		if (job->intake->parts[i].type == PART_EVENT)
			count_result(stats, &job->intake->parts[i].result);
	if (err == ERR_OK)
		stats_count(stats, COUNTER_QUARANTINED, intake_count(job->intake).quarantined);
	job_finish(job, job->request.route->settled(&job->request, &job->reply, job->intake, err));
}

static void answer_group(struct thread *thread, struct group *group, int64_t data_version, enum err err)
{
	struct job **jobs = group->jobs;
	size_t at = 0;

	for (size_t i = 0; i < group->count; i++) {
		size_t events = events_of(jobs[i]);

		if (jobs[i]->intake != NULL)
			answer_delivery(thread, jobs[i], err);
		else
			answer_single(thread, jobs[i], &group->results[at], data_version, err);
		at += events;
	}
}

static enum err try_group(struct thread *thread, struct group *group, int64_t *data_version)
{
	const struct principal *who = &group->jobs[0]->request.who;
	int64_t start_ns = clock_monotonic_ns();
	enum err err = group->deliveries > 0 ? write_deliveries(thread, group, data_version)
					     : ingest_write(thread->db, who, group->items, group->events, false, false, data_version, group->results);

	stats_batch(thread->pool->stats, group->events, (double)(clock_monotonic_ns() - start_ns) / 1e9);
	return err;
}

/* Events that cannot be stored are rejected by ingest one by one. Should a delivery fail all the same, for the data's sake, it is
 * found by writing each alone, and put into quarantine whole: a sender that comes again and again with it would gain nothing. */
static void write_group(struct thread *thread, struct job **jobs, size_t count)
{
	struct group group;
	int64_t data_version = 0;
	enum err err;

	group_make(&group, jobs, count);
	err = try_group(thread, &group, &data_version);
	if (group.deliveries > 0 && ingest_is_of_the_data(err)) {
		bool alone = count == 1;

		group_free(&group);
		for (size_t i = 0; !alone && i < count; i++)
			write_group(thread, jobs + i, 1);
		if (!alone)
			return;
		intake_set_aside_whole(jobs[0]->intake, "not_storable", "the delivery cannot be stored");
		group_make(&group, jobs, count);
		err = try_group(thread, &group, &data_version);
	}
	answer_group(thread, &group, data_version, err);
	group_free(&group);
}

/* Refuses those that waited too long; returns how many are left, in their order. */
static size_t drop_late(struct worker_pool *pool, struct job **jobs, size_t count)
{
	int64_t now_ns = clock_monotonic_ns();
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (!job_drop_late(pool, jobs[i], now_ns))
			jobs[kept++] = jobs[i];
	return kept;
}

void commits_run(struct thread *thread, struct job *list)
{
	size_t max = (size_t)thread->pool->settings->batch;
	struct job **jobs = memory_zeroed(max, sizeof(struct job *));
	struct job **others = memory_zeroed(max, sizeof(struct job *));
	size_t count = to_array(list, jobs);

	for (size_t done = 0; done < count;) {
		size_t taken;

		/* While those before them were written, others waited here. */
		count = done + drop_late(thread->pool, jobs + done, count - done);
		if (done == count)
			break;
		taken = gather(jobs + done, count - done, others, max);

		write_group(thread, jobs + done, taken);
		done += taken;
	}
	free(jobs);
	free(others);
}
