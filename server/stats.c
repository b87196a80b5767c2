#include "stats.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "memory.h"
#include "process.h"

enum { CLASS_COUNT = 6, BUCKET_MAX = 16 }; /* status classes 0xx (none) … 5xx */

/* A histogram whose bounds stand elsewhere. The sum is kept in millionths so that it can be added atomically. */
struct histogram {
	_Atomic uint64_t buckets[BUCKET_MAX + 1]; /* not cumulative; the last is +Inf */
	_Atomic uint64_t sum_micro;
};

struct bounds {
	size_t count;
	double upper[BUCKET_MAX];
};

static const struct bounds request_bounds = {
	14, {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}};
static const struct bounds database_bounds = {
	13, {0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5}};
static const struct bounds wait_bounds = {11, {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}};
static const struct bounds batch_bounds = {10, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512}};
static const struct bounds lag_bounds = {10, {0.1, 1, 5, 30, 60, 300, 1800, 3600, 21600, 86400}};

/* One route, or the requests that met none. */
struct route_stats {
	struct histogram classes[CLASS_COUNT];
	_Atomic uint64_t bytes_in, bytes_out;
};

struct stats {
	const struct route *routes;
	size_t count;                 /* rows of routes; route_stats has one more, for no route */
	struct route_stats *by_route;
	struct histogram database, batch, commit, wait, lag;
	_Atomic uint64_t errors[ERR_COUNT];
	_Atomic uint64_t outcomes[OUTCOME_COUNT];
	_Atomic uint64_t counters[COUNTER_COUNT];
	_Atomic double gauges[GAUGE_COUNT];
	double start_time_s;
	struct source_list *sources;
	pthread_mutex_t mutex;        /* guards published */
	struct buffer published;
};

/* What a family is called and what it says. */
struct family {
	const char *name, *help;
};

static const struct family gauge_families[GAUGE_COUNT] = {
	[GAUGE_CONNECTIONS] = {"plumbline_connections", "Open connections to the API."},
	[GAUGE_CONNECTIONS_LIMIT] = {"plumbline_connections_limit", "Open connections beyond which requests are refused."},
	[GAUGE_REQUESTS_IN_FLIGHT] = {"plumbline_requests_in_flight", "Requests received and not yet answered."},
	[GAUGE_QUEUE_WORK] = {"plumbline_queue_depth", "Requests waiting for a worker."},
	[GAUGE_QUEUE_COMMIT] = {"plumbline_commit_queue_depth", "Single events waiting to be written."},
	[GAUGE_QUEUE_LIMIT] = {"plumbline_queue_limit", "Requests that may wait before more are refused."},
	[GAUGE_BODY_BYTES] = {"plumbline_body_bytes", "Memory held by request bodies being received."},
	[GAUGE_READY] = {"plumbline_ready", "1 when the database is there and its schema is current."},
	[GAUGE_CACHE_BYTES] = {"plumbline_cache_bytes", "Memory held by cached answers."},
};

#define EVALUATIONS "plumbline_alert_evaluations_total", "Evaluations of the thresholds of an organisation."
#define ALERTS "plumbline_alerts_total", "Changes of status that were told, by the new status."
#define ALERT_ATTEMPTS "plumbline_alert_attempts_total", "Attempts to deliver an alert that ended, by what became of the delivery."

static const struct family counter_families[COUNTER_COUNT] = {
	[COUNTER_CONNECTIONS] = {"plumbline_connections_accepted_total", "Connections accepted by the API."},
	[COUNTER_REFUSED_CONNECTIONS] = {"plumbline_refused_connections_total", "Requests refused because there were too many connections."},
	[COUNTER_REFUSED_QUEUE] = {"plumbline_refused_queue_total", "Requests refused because too many were waiting."},
	[COUNTER_REFUSED_FRAMING] = {"plumbline_refused_framing_total", "Requests refused because of how they were framed."},
	[COUNTER_REFUSED_KEYS] = {"plumbline_refused_keys_total", "Requests whose API key was wrong, or not looked at because too many from the same address were."},
	[COUNTER_TIMEOUTS] = {"plumbline_client_timeouts_total", "Connections closed because the client was too slow."},
	[COUNTER_QUARANTINED] = {"plumbline_quarantined_total", "Items put into quarantine."},
	[COUNTER_DATABASE_ERRORS] = {"plumbline_database_errors_total", "Statements that failed for the database's sake."},
	[COUNTER_DATABASE_CONNECTS] = {"plumbline_database_connects_total", "Connections opened to the database."},
	[COUNTER_CACHE_HITS] = {"plumbline_cache_hits_total", "Reads answered from memory."},
	[COUNTER_CACHE_MISSES] = {"plumbline_cache_misses_total", "Reads that could have been cached and were not."},
	[COUNTER_EVALUATIONS] = {EVALUATIONS},
	[COUNTER_EVALUATIONS_FAILED] = {EVALUATIONS},
	[COUNTER_ALERTS_OK] = {ALERTS},
	[COUNTER_ALERTS_WARN] = {ALERTS},
	[COUNTER_ALERTS_FAIL] = {ALERTS},
	[COUNTER_ALERTS_DELIVERED] = {ALERT_ATTEMPTS},
	[COUNTER_ALERTS_RETRIED] = {ALERT_ATTEMPTS},
	[COUNTER_ALERTS_DEAD] = {ALERT_ATTEMPTS},
};

/* Of counters that share a family with their neighbours; NULL: it is one of its own. */
static const char *const counter_labels[COUNTER_COUNT] = {
	[COUNTER_EVALUATIONS] = "outcome=\"done\"",
	[COUNTER_EVALUATIONS_FAILED] = "outcome=\"failed\"",
	[COUNTER_ALERTS_OK] = "status=\"ok\"",
	[COUNTER_ALERTS_WARN] = "status=\"warn\"",
	[COUNTER_ALERTS_FAIL] = "status=\"fail\"",
	[COUNTER_ALERTS_DELIVERED] = "outcome=\"delivered\"",
	[COUNTER_ALERTS_RETRIED] = "outcome=\"retry\"",
	[COUNTER_ALERTS_DEAD] = "outcome=\"dead\"",
};

static const char *const outcome_names[OUTCOME_COUNT] = {
	[OUTCOME_ACCEPTED] = "accepted", [OUTCOME_DUPLICATE] = "duplicate", [OUTCOME_STALE] = "stale",
	[OUTCOME_UNCHANGED] = "unchanged", [OUTCOME_REJECTED] = "rejected",
};

struct stats *stats_new(const struct route *table, size_t count)
{
	struct stats *stats = memory_zeroed(1, sizeof *stats);
	struct timespec now;

	stats->sources = source_list_new();
	stats->routes = table;
	stats->count = count;
	stats->by_route = memory_zeroed(count + 1, sizeof *stats->by_route);
	clock_gettime(CLOCK_REALTIME, &now);
	stats->start_time_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	pthread_mutex_init(&stats->mutex, NULL);
	return stats;
}

void stats_free(struct stats *stats)
{
	if (stats == NULL)
		return;
	pthread_mutex_destroy(&stats->mutex);
	buffer_free(&stats->published);
	source_list_free(stats->sources);
	free(stats->by_route);
	free(stats);
}

static void add(_Atomic uint64_t *to, uint64_t by)
{
	atomic_fetch_add_explicit(to, by, memory_order_relaxed);
}

static uint64_t get(_Atomic uint64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

static void observe(struct histogram *histogram, const struct bounds *bounds, double value)
{
	size_t i = 0;

	if (!(value > 0))
		value = 0;
	while (i < bounds->count && value > bounds->upper[i])
		i++;
	add(&histogram->buckets[i], 1);
	add(&histogram->sum_micro, (uint64_t)(value * 1e6 + 0.5));
}

void stats_request(struct stats *stats, const struct route *route, enum method method, int status, double seconds,
		   uint64_t bytes_in, uint64_t bytes_out)
{
	struct route_stats *of;
	size_t class = status >= 100 && status < 600 ? (size_t)status / 100 : 0;

	(void)method; /* the route's own; HEAD counts as the GET it is */
	if (stats == NULL)
		return;
	of = &stats->by_route[stats->count];
	if (route >= stats->routes && route < stats->routes + stats->count)
		of = &stats->by_route[route - stats->routes];
	observe(&of->classes[class], &request_bounds, seconds);
	add(&of->bytes_in, bytes_in);
	add(&of->bytes_out, bytes_out);
}

void stats_database(struct stats *stats, double seconds)
{
	if (stats != NULL)
		observe(&stats->database, &database_bounds, seconds);
}

void stats_error(struct stats *stats, enum err err)
{
	if (stats != NULL && err != ERR_OK)
		add(&stats->errors[err], 1);
}

void stats_batch(struct stats *stats, size_t events, double seconds)
{
	if (stats == NULL)
		return;
	observe(&stats->batch, &batch_bounds, (double)events);
	observe(&stats->commit, &database_bounds, seconds);
}

void stats_queue_wait(struct stats *stats, double seconds)
{
	if (stats != NULL)
		observe(&stats->wait, &wait_bounds, seconds);
}

void stats_lag(struct stats *stats, double seconds)
{
	if (stats != NULL)
		observe(&stats->lag, &lag_bounds, seconds);
}

void stats_outcome(struct stats *stats, enum outcome outcome, uint64_t events)
{
	if (stats != NULL)
		add(&stats->outcomes[outcome], events);
}

void stats_count(struct stats *stats, enum counter counter, uint64_t by)
{
	if (stats != NULL)
		add(&stats->counters[counter], by);
}

void stats_gauge(struct stats *stats, enum gauge gauge, double value)
{
	if (stats != NULL)
		atomic_store_explicit(&stats->gauges[gauge], value, memory_order_relaxed);
}

struct source_stats *stats_source(struct stats *stats, const char *org, const char *source)
{
	return stats != NULL ? source_list_get(stats->sources, org, source) : NULL;
}

void stats_publish(struct stats *stats, struct text exposition)
{
	if (stats == NULL)
		return;
	pthread_mutex_lock(&stats->mutex);
	buffer_clear(&stats->published);
	buffer_append_text(&stats->published, exposition);
	pthread_mutex_unlock(&stats->mutex);
}

static void head(struct buffer *out, const char *name, const char *type, const char *help)
{
	buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* labels: "" or `route="/v1",` with its comma. */
static void put_histogram(struct buffer *out, const char *name, const char *labels, struct histogram *histogram,
			  const struct bounds *bounds)
{
	uint64_t total = 0;
	size_t size = strlen(labels);

	for (size_t i = 0; i < bounds->count; i++) {
		total += get(&histogram->buckets[i]);
		buffer_printf(out, "%s_bucket{%sle=\"%g\"} %llu\n", name, labels, bounds->upper[i], (unsigned long long)total);
	}
	total += get(&histogram->buckets[bounds->count]);
	buffer_printf(out, "%s_bucket{%sle=\"+Inf\"} %llu\n", name, labels, (unsigned long long)total);
	/* Without its last comma the list of labels stands alone. */
	buffer_printf(out, "%s_sum%s%.*s%s %.6f\n", name, size > 0 ? "{" : "", size > 0 ? (int)size - 1 : 0, labels,
		      size > 0 ? "}" : "", (double)get(&histogram->sum_micro) / 1e6);
	buffer_printf(out, "%s_count%s%.*s%s %llu\n", name, size > 0 ? "{" : "", size > 0 ? (int)size - 1 : 0, labels,
		      size > 0 ? "}" : "", (unsigned long long)total);
}

static bool is_used(struct histogram *histogram)
{
	for (size_t i = 0; i <= BUCKET_MAX; i++)
		if (get(&histogram->buckets[i]) > 0)
			return true;
	return false;
}

static const char *route_path(const struct stats *stats, size_t i)
{
	return i < stats->count ? stats->routes[i].path : "none";
}

static const char *route_method(const struct stats *stats, size_t i)
{
	return i < stats->count ? method_name(stats->routes[i].method) : "any";
}

static void put_requests(struct stats *stats, struct buffer *out)
{
	static const char name[] = "plumbline_http_request_duration_seconds";

	head(out, name, "histogram", "From the first byte of a request's head to its answer being queued, by route and status class.");
	for (size_t i = 0; i <= stats->count; i++) {
		for (size_t class = 0; class < CLASS_COUNT; class++) {
			struct buffer labels = {0};

			if (!is_used(&stats->by_route[i].classes[class]))
				continue;
			buffer_printf(&labels, "route=\"%s\",method=\"%s\",status=\"%zuxx\",", route_path(stats, i),
				      route_method(stats, i), class);
			put_histogram(out, name, labels.data, &stats->by_route[i].classes[class], &request_bounds);
			buffer_free(&labels);
		}
	}
}

static void put_bytes(struct stats *stats, struct buffer *out, const char *name, const char *help, size_t offset)
{
	head(out, name, "counter", help);
	for (size_t i = 0; i <= stats->count; i++) {
		uint64_t bytes = get((_Atomic uint64_t *)(void *)((char *)&stats->by_route[i] + offset));

		if (bytes > 0)
			buffer_printf(out, "%s{route=\"%s\",method=\"%s\"} %llu\n", name, route_path(stats, i),
				      route_method(stats, i), (unsigned long long)bytes);
	}
}

/* Every code is there from the start, so that the first error is an increase. */
static void put_errors(struct stats *stats, struct buffer *out)
{
	head(out, "plumbline_http_errors_total", "counter", "Answers that were errors, by their code.");
	for (size_t i = ERR_OK + 1; i < ERR_COUNT; i++)
		buffer_printf(out, "plumbline_http_errors_total{code=\"%s\"} %llu\n", error_info((enum err)i)->code,
			      (unsigned long long)get(&stats->errors[i]));
}

static void put_counts(struct stats *stats, struct buffer *out)
{
	head(out, "plumbline_events_total", "counter", "Events received, by what became of them.");
	for (size_t i = 0; i < OUTCOME_COUNT; i++)
		buffer_printf(out, "plumbline_events_total{outcome=\"%s\"} %llu\n", outcome_names[i],
			      (unsigned long long)get(&stats->outcomes[i]));
	for (size_t i = 0; i < COUNTER_COUNT; i++) {
		const struct family *family = &counter_families[i];
		const char *labels = counter_labels[i];

		if (i == 0 || strcmp(family->name, counter_families[i - 1].name) != 0)
			head(out, family->name, "counter", family->help);
		buffer_printf(out, "%s%s%s%s %llu\n", family->name, labels != NULL ? "{" : "", labels != NULL ? labels : "",
			      labels != NULL ? "}" : "", (unsigned long long)get(&stats->counters[i]));
	}
	for (size_t i = 0; i < GAUGE_COUNT; i++) {
		head(out, gauge_families[i].name, "gauge", gauge_families[i].help);
		buffer_printf(out, "%s %.0f\n", gauge_families[i].name,
			      atomic_load_explicit(&stats->gauges[i], memory_order_relaxed));
	}
	head(out, "plumbline_log_lines_dropped_total", "counter", "Log lines lost because the log's reader was too slow.");
	buffer_printf(out, "plumbline_log_lines_dropped_total %llu\n", (unsigned long long)log_dropped());
}

static void put_process(const struct stats *stats, struct buffer *out)
{
	struct process_stats process;

	head(out, "plumbline_build_info", "gauge", "Always 1; the version is a label.");
	buffer_printf(out, "plumbline_build_info{version=\"%s\"} 1\n", PLUMBLINE_VERSION);
	head(out, "process_start_time_seconds", "gauge", "When the process started, in seconds since the epoch.");
	buffer_printf(out, "process_start_time_seconds %.3f\n", stats->start_time_s);
	if (!process_stats_read(&process))
		return;
	head(out, "process_cpu_seconds_total", "counter", "User and system time spent.");
	buffer_printf(out, "process_cpu_seconds_total %.2f\n", process.cpu_s);
	head(out, "process_resident_memory_bytes", "gauge", "Memory resident.");
	buffer_printf(out, "process_resident_memory_bytes %lld\n", (long long)process.resident_bytes);
	head(out, "process_open_fds", "gauge", "Open file descriptors.");
	buffer_printf(out, "process_open_fds %ld\n", process.open_fds);
	head(out, "process_max_fds", "gauge", "File descriptors that may be open.");
	buffer_printf(out, "process_max_fds %lld\n", (long long)process.max_fds);
}

void stats_render(struct stats *stats, struct buffer *out)
{
	put_requests(stats, out);
	put_bytes(stats, out, "plumbline_http_request_bytes_total", "Bytes of request bodies as they came.",
		  offsetof(struct route_stats, bytes_in));
	put_bytes(stats, out, "plumbline_http_response_bytes_total", "Bytes of answer bodies as they went.",
		  offsetof(struct route_stats, bytes_out));
	put_errors(stats, out);
	head(out, "plumbline_database_duration_seconds", "histogram", "Time of one statement or one group commit.");
	put_histogram(out, "plumbline_database_duration_seconds", "", &stats->database, &database_bounds);
	head(out, "plumbline_commit_batch_events", "histogram", "Single events written together.");
	put_histogram(out, "plumbline_commit_batch_events", "", &stats->batch, &batch_bounds);
	head(out, "plumbline_commit_duration_seconds", "histogram", "Time of writing one group commit, its fsync included.");
	put_histogram(out, "plumbline_commit_duration_seconds", "", &stats->commit, &database_bounds);
	head(out, "plumbline_queue_wait_seconds", "histogram", "Time from a request being complete to a worker taking it.");
	put_histogram(out, "plumbline_queue_wait_seconds", "", &stats->wait, &wait_bounds);
	head(out, "plumbline_ingest_lag_seconds", "histogram", "Time from an event's occurrence to its arrival.");
	put_histogram(out, "plumbline_ingest_lag_seconds", "", &stats->lag, &lag_bounds);
	put_counts(stats, out);
	source_list_render(stats->sources, out);
	put_process(stats, out);
	pthread_mutex_lock(&stats->mutex);
	buffer_append_text(out, buffer_text(&stats->published));
	pthread_mutex_unlock(&stats->mutex);
}
