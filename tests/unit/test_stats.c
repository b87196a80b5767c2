/* Counters: what is counted where, from any number of threads. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats.h"

Suite *suite_stats(void);

static const struct route table[] = {
	{.method = METHOD_GET, .path = "/v1/accounts/{id}"},
	{.method = METHOD_POST, .path = "/v1/accounts"},
};

static void assert_line(struct stats *stats, const char *line)
{
	struct buffer out = {0};
	char *whole = malloc(strlen(line) + 3);

	sprintf(whole, "\n%s\n", line);
	stats_render(stats, &out);
	ck_assert_msg(strstr(out.data, whole) != NULL, "%s is not in\n%s", line, out.data);
	free(whole);
	buffer_free(&out);
}

START_TEST(requests)
{
	struct stats *stats = stats_new(table, 2);

	stats_request(stats, &table[0], METHOD_GET, 200, 0.0004, 0, 100);
	stats_request(stats, &table[0], METHOD_HEAD, 200, 0.002, 0, 0);
	stats_request(stats, &table[0], METHOD_GET, 404, 20, 0, 50);
	stats_request(stats, &table[1], METHOD_POST, 503, 0.1, 1000, 10);
	stats_request(stats, NULL, METHOD_GET, 404, 0.1, 0, 7);
	assert_line(stats, "plumbline_http_request_duration_seconds_bucket{route=\"/v1/accounts/{id}\",method=\"GET\",status=\"2xx\",le=\"0.0005\"} 1");
	assert_line(stats, "plumbline_http_request_duration_seconds_bucket{route=\"/v1/accounts/{id}\",method=\"GET\",status=\"2xx\",le=\"0.0025\"} 2");
	assert_line(stats, "plumbline_http_request_duration_seconds_bucket{route=\"/v1/accounts/{id}\",method=\"GET\",status=\"2xx\",le=\"+Inf\"} 2");
	assert_line(stats, "plumbline_http_request_duration_seconds_sum{route=\"/v1/accounts/{id}\",method=\"GET\",status=\"2xx\"} 0.002400");
	assert_line(stats, "plumbline_http_request_duration_seconds_count{route=\"/v1/accounts/{id}\",method=\"GET\",status=\"4xx\"} 1");
	assert_line(stats, "plumbline_http_request_duration_seconds_bucket{route=\"/v1/accounts/{id}\",method=\"GET\",status=\"4xx\",le=\"10\"} 0");
	assert_line(stats, "plumbline_http_request_duration_seconds_count{route=\"/v1/accounts\",method=\"POST\",status=\"5xx\"} 1");
	assert_line(stats, "plumbline_http_request_duration_seconds_count{route=\"none\",method=\"any\",status=\"4xx\"} 1");
	assert_line(stats, "plumbline_http_request_bytes_total{route=\"/v1/accounts\",method=\"POST\"} 1000");
	assert_line(stats, "plumbline_http_response_bytes_total{route=\"/v1/accounts/{id}\",method=\"GET\"} 150");
	stats_free(stats);
}
END_TEST

START_TEST(others)
{
	struct stats *stats = stats_new(table, 2);

	stats_batch(stats, 1, 0.002);
	stats_batch(stats, 100, 0.7);
	stats_error(stats, ERR_OVERLOADED);
	stats_error(stats, ERR_OK);
	stats_database(stats, 0.003);
	stats_queue_wait(stats, -1); /* a clock that went backwards counts as nothing */
	stats_lag(stats, 3600);
	stats_outcome(stats, OUTCOME_STALE, 5);
	stats_count(stats, COUNTER_QUARANTINED, 2);
	stats_gauge(stats, GAUGE_QUEUE_WORK, 17);
	stats_publish(stats, TEXT("# HELP x A.\n# TYPE x gauge\nx 1\n"));
	stats_publish(stats, TEXT("# HELP y A.\n# TYPE y gauge\ny 2\n"));
	assert_line(stats, "plumbline_commit_batch_events_bucket{le=\"1\"} 1");
	assert_line(stats, "plumbline_commit_batch_events_bucket{le=\"128\"} 2");
	assert_line(stats, "plumbline_commit_batch_events_sum 101.000000");
	assert_line(stats, "plumbline_commit_duration_seconds_bucket{le=\"0.5\"} 1");
	assert_line(stats, "plumbline_commit_duration_seconds_sum 0.702000");
	assert_line(stats, "plumbline_http_errors_total{code=\"overloaded\"} 1");
	assert_line(stats, "plumbline_http_errors_total{code=\"not_found\"} 0");
	assert_line(stats, "plumbline_database_duration_seconds_count 1");
	assert_line(stats, "plumbline_queue_wait_seconds_sum 0.000000");
	assert_line(stats, "plumbline_ingest_lag_seconds_bucket{le=\"3600\"} 1");
	assert_line(stats, "plumbline_events_total{outcome=\"stale\"} 5");
	assert_line(stats, "plumbline_quarantined_total 2");
	assert_line(stats, "plumbline_queue_depth 17");
	assert_line(stats, "plumbline_build_info{version=\"" PLUMBLINE_VERSION "\"} 1");
	assert_line(stats, "y 2");
	stats_free(stats);
}
END_TEST

START_TEST(nobody_counts)
{
	stats_request(NULL, NULL, METHOD_GET, 200, 1, 1, 1);
	stats_database(NULL, 1);
	stats_batch(NULL, 1, 1);
	stats_error(NULL, ERR_NOT_FOUND);
	stats_queue_wait(NULL, 1);
	stats_outcome(NULL, OUTCOME_ACCEPTED, 1);
	stats_lag(NULL, 1);
	stats_count(NULL, COUNTER_CACHE_HITS, 1);
	stats_gauge(NULL, GAUGE_READY, 1);
	stats_publish(NULL, TEXT(""));
	stats_free(NULL);
}
END_TEST

enum { THREADS = 4, ROUNDS = 10000 };

static void *count(void *context)
{
	for (int i = 0; i < ROUNDS; i++)
		stats_request(context, &table[0], METHOD_GET, 200, 0.001, 1, 1);
	return NULL;
}

START_TEST(threads)
{
	struct stats *stats = stats_new(table, 2);
	pthread_t ids[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&ids[i], NULL, count, stats);
	for (int i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	assert_line(stats, "plumbline_http_request_duration_seconds_count{route=\"/v1/accounts/{id}\",method=\"GET\",status=\"2xx\"} 40000");
	assert_line(stats, "plumbline_http_request_bytes_total{route=\"/v1/accounts/{id}\",method=\"GET\"} 40000");
	stats_free(stats);
}
END_TEST

START_TEST(sources)
{
	struct stats *stats = stats_new(table, 2);
	struct source_stats *crm = stats_source(stats, "default", "crm");

	ck_assert_ptr_eq(stats_source(stats, "default", "crm"), crm);
	ck_assert_ptr_ne(stats_source(stats, "other", "crm"), crm);
	stats_delivery(crm, DELIVERY_STORED);
	stats_delivery(crm, DELIVERY_UNVERIFIED);
	stats_delivered(crm, DELIVERED_QUARANTINED, 3);
	stats_unmapped(crm, 7);
	stats_verification(crm, "signature_wrong");
	stats_verification(crm, "signature_stale");
	stats_verification(crm, "signature_wrong");
	assert_line(stats, "plumbline_deliveries_total{org=\"default\",source=\"crm\",outcome=\"stored\"} 1");
	assert_line(stats, "plumbline_deliveries_total{org=\"other\",source=\"crm\",outcome=\"stored\"} 0");
	assert_line(stats, "plumbline_delivery_items_total{org=\"default\",source=\"crm\",outcome=\"quarantined\"} 3");
	assert_line(stats, "plumbline_unmapped_members_total{org=\"default\",source=\"crm\"} 7");
	assert_line(stats, "plumbline_verification_failures_total{org=\"default\",source=\"crm\",reason=\"signature_wrong\"} 2");
	assert_line(stats, "plumbline_verification_failures_total{org=\"default\",source=\"crm\",reason=\"signature_stale\"} 1");
	ck_assert_ptr_null(stats_source(NULL, "default", "crm"));
	stats_delivery(NULL, DELIVERY_STORED);
	stats_free(stats);
}
END_TEST

Suite *suite_stats(void)
{
	Suite *suite = suite_create("stats");
	TCase *tcase = tcase_create("stats");

	tcase_add_test(tcase, requests);
	tcase_add_test(tcase, sources);
	tcase_add_test(tcase, others);
	tcase_add_test(tcase, nobody_counts);
	tcase_add_test(tcase, threads);
	suite_add_tcase(suite, tcase);
	return suite;
}
