/* Counters for Prometheus. Every function may be called from any thread; none blocks for long. */
#ifndef PLUMBLINE_STATS_H
#define PLUMBLINE_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "ingest.h"
#include "route.h"
#include "stats_source.h"

struct stats;

/* Values that go up and down, read when asked for. */
enum gauge {
	GAUGE_CONNECTIONS,        /* open on the API's listener */
	GAUGE_CONNECTIONS_LIMIT,
	GAUGE_REQUESTS_IN_FLIGHT,
	GAUGE_QUEUE_WORK,         /* requests waiting for a worker */
	GAUGE_QUEUE_COMMIT,       /* single events waiting for the group commit */
	GAUGE_QUEUE_LIMIT,
	GAUGE_BODY_BYTES,         /* memory held by bodies being collected */
	GAUGE_READY,              /* 1: the database is there and the schema is current */
	GAUGE_CACHE_BYTES,
	GAUGE_COUNT
};

/* Things counted. */
enum counter {
	COUNTER_CONNECTIONS,      /* accepted */
	COUNTER_REFUSED_CONNECTIONS, /* answered 503 because of the connection limit */
	COUNTER_REFUSED_QUEUE,    /* answered 503 because a queue was full */
	COUNTER_REFUSED_FRAMING,  /* requests refused for how they were framed */
	COUNTER_REFUSED_KEYS,     /* requests whose key was wrong, or not looked at because too many from there were */
	COUNTER_TIMEOUTS,         /* connections closed because the client was too slow */
	COUNTER_QUARANTINED,      /* items put into quarantine */
	COUNTER_DATABASE_ERRORS,
	COUNTER_DATABASE_CONNECTS,
	COUNTER_CACHE_HITS,
	COUNTER_CACHE_MISSES,
	COUNTER_EVALUATIONS,      /* of thresholds, done */
	COUNTER_EVALUATIONS_FAILED,
	COUNTER_ALERTS_OK,        /* changes of status, by what it changed to */
	COUNTER_ALERTS_WARN,
	COUNTER_ALERTS_FAIL,
	COUNTER_ALERTS_DELIVERED, /* attempts to deliver them, by what became of them */
	COUNTER_ALERTS_RETRIED,
	COUNTER_ALERTS_DEAD,
	COUNTER_COUNT
};

/* routes: label values of requests; the table must live as long as the stats. */
struct stats *stats_new(const struct route *routes, size_t count);
void stats_free(struct stats *stats); /* NULL allowed */

/* One request answered. route NULL: none matched. stats NULL is allowed in all of these. */
void stats_request(struct stats *stats, const struct route *route, enum method method, int status, double seconds,
		   uint64_t bytes_in, uint64_t bytes_out);
void stats_error(struct stats *stats, enum err err);        /* of the answer; ERR_OK counts as nothing */
void stats_database(struct stats *stats, double seconds);  /* one statement, or one transaction of a group commit */
void stats_batch(struct stats *stats, size_t events, double seconds); /* one group commit, and the time of writing it */
void stats_queue_wait(struct stats *stats, double seconds);
void stats_outcome(struct stats *stats, enum outcome outcome, uint64_t events);
void stats_lag(struct stats *stats, double seconds);       /* received minus occurred of the event just stored */
void stats_count(struct stats *stats, enum counter counter, uint64_t by);
void stats_gauge(struct stats *stats, enum gauge gauge, double value);

/* Further families, already in exposition format (alignment gauges from the database); replaces the former text. */
void stats_publish(struct stats *stats, struct text exposition);

/* The text exposition 0.0.4. */
void stats_render(struct stats *stats, struct buffer *out);

#endif
