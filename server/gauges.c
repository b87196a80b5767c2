#include "gauges.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "log.h"
#include "pause.h"
#include "ready.h"
#include "stats.h"

enum { CONNECT_TIMEOUT_S = 5 };

/* What an organisation said last. */
struct org_gauges {
	char *id;
	struct buffer version;    /* of its data, configuration and local date */
	struct buffer alignment, quarantine, sources;
};

struct gauges {
	const struct settings *settings;
	const struct ready *ready;
	struct stats *stats;
	pthread_t thread;
	struct pause pause;
	struct org_gauges *orgs;  /* the thread's own */
	size_t count;
};

/* Backslash, quote and line feed, as the exposition format asks for. */
static void append_label(struct buffer *out, struct text value)
{
	for (size_t i = 0; i < value.size; i++) {
		char c = value.data[i];

		if (c == '\\' || c == '"')
			buffer_printf(out, "\\%c", c);
		else if (c == '\n')
			buffer_append_string(out, "\\n");
		else
			buffer_append(out, &c, 1);
	}
}

static void append_sample(struct buffer *out, const char *family, struct text org, const char *metric, double value)
{
	buffer_printf(out, "%s{org=\"", family);
	append_label(out, org);
	if (metric != NULL) {
		buffer_append_string(out, "\",metric=\"");
		append_label(out, text_of(metric));
	}
	buffer_printf(out, "\"} %.10g\n", value);
}

bool gauges_read_answer(struct text org, struct text answer, struct buffer *alignment, struct buffer *quarantine)
{
	json_t *document = json_loadb(answer.data, answer.size, 0, NULL);
	json_t *metrics = json_object_get(json_object_get(document, "total"), "metrics");
	json_t *open = NULL, *metric;
	const char *key;

	json_object_foreach(metrics, key, metric) {
		json_t *value = json_object_get(metric, "value");

		/* null: there is nothing to measure, which is not 0 */
		if (json_is_number(value))
			append_sample(alignment, "plumbline_alignment", org, key, json_number_value(value));
		if (open == NULL)
			open = json_object_get(json_object_get(metric, "excluded"), "quarantined_open");
	}
	if (json_is_number(open))
		append_sample(quarantine, "plumbline_quarantine_open", org, NULL, json_number_value(open));
	json_decref(document);
	return metrics != NULL;
}

static struct org_gauges *find_org(struct gauges *gauges, struct text id)
{
	struct org_gauges *orgs;

	for (size_t i = 0; i < gauges->count; i++)
		if (text_equal_string(id, gauges->orgs[i].id))
			return &gauges->orgs[i];
	orgs = realloc(gauges->orgs, (gauges->count + 1) * sizeof *orgs);
	if (orgs == NULL)
		abort();
	gauges->orgs = orgs;
	orgs[gauges->count] = (struct org_gauges){.id = strndup(id.data, id.size)};
	if (orgs[gauges->count].id == NULL)
		abort();
	return &orgs[gauges->count++];
}

/* True when the answer can be another one than the last; *version is then the new one. */
static bool has_changed(struct db *db, const struct org_gauges *org, struct buffer *version)
{
	struct db_param id = {.text = text_of(org->id)};
	struct db_result *result = NULL;

	if (db_run(db, STATEMENT_org_version, &id, 1, DB_ONE, &result, NULL, NULL) != ERR_OK)
		return false;
	for (size_t column = 0; column < 3; column++) {
		buffer_append_text(version, db_value(result, 0, column));
		buffer_append_string(version, " ");
	}
	db_result_free(result);
	return !text_equal(buffer_text(version), buffer_text(&org->version));
}

static void ask_org(struct db *db, struct org_gauges *org, struct text slug)
{
	static const char question[] = "{\"path\":[],\"query\":{\"by\":\"segment\"},\"format\":\"json\","
				       "\"who\":{\"scope\":\"all\",\"rep\":null,\"team\":null,\"key\":\"\"},\"body\":null}";
	struct db_param params[] = {{.text = text_of(org->id)}, {.text = TEXT(question)}};
	struct buffer version = {0};
	struct db_result *result = NULL;

	if (has_changed(db, org, &version) && db_run(db, STATEMENT_alignment, params, 2, DB_ONE, &result, NULL, NULL) == ERR_OK) {
		buffer_clear(&org->alignment);
		buffer_clear(&org->quarantine);
		if (gauges_read_answer(slug, db_value(result, 0, 0), &org->alignment, &org->quarantine)) {
			buffer_free(&org->version);
			org->version = version;
			version = (struct buffer){0};
		}
		db_result_free(result);
	}
	buffer_free(&version);
}

/* Ages change by themselves: asked for every time. */
static void ask_sources(struct db *db, struct org_gauges *org, struct text slug)
{
	struct db_param id = {.text = text_of(org->id)};
	struct db_result *rows = NULL;

	if (db_run(db, STATEMENT_source_ages, &id, 1, DB_MANY, &rows, NULL, NULL) != ERR_OK)
		return;
	buffer_clear(&org->sources);
	for (size_t row = 0; row < db_rows(rows); row++) {
		buffer_append_string(&org->sources, "plumbline_delivery_age_seconds{org=\"");
		append_label(&org->sources, slug);
		buffer_append_string(&org->sources, "\",source=\"");
		append_label(&org->sources, db_value(rows, row, 0));
		buffer_append_string(&org->sources, "\"} ");
		buffer_append_text(&org->sources, db_value(rows, row, 1));
		buffer_append_string(&org->sources, "\n");
	}
	db_result_free(rows);
}

static void publish(struct gauges *gauges)
{
	struct buffer out = {0};

	buffer_append_string(&out, "# HELP plumbline_alignment Metrics of the alignment table for the current fiscal quarter, whole "
				   "organisation; absent while there is nothing to measure.\n# TYPE plumbline_alignment gauge\n");
	for (size_t i = 0; i < gauges->count; i++)
		buffer_append_text(&out, buffer_text(&gauges->orgs[i].alignment));
	buffer_append_string(&out, "# HELP plumbline_quarantine_open Items in quarantine that nobody has replayed or discarded.\n"
				   "# TYPE plumbline_quarantine_open gauge\n");
	for (size_t i = 0; i < gauges->count; i++)
		buffer_append_text(&out, buffer_text(&gauges->orgs[i].quarantine));
	buffer_append_string(&out, "# HELP plumbline_delivery_age_seconds Since the last verified delivery of a source in use, to within a minute.\n"
				   "# TYPE plumbline_delivery_age_seconds gauge\n");
	for (size_t i = 0; i < gauges->count; i++)
		buffer_append_text(&out, buffer_text(&gauges->orgs[i].sources));
	stats_publish(gauges->stats, buffer_text(&out));
	buffer_free(&out);
}

static void ask_all(struct gauges *gauges, struct db *db)
{
	struct db_result *list = NULL;

	if (db_run(db, STATEMENT_org_list, NULL, 0, DB_MANY, &list, NULL, NULL) != ERR_OK)
		return;
	for (size_t row = 0; row < db_rows(list); row++) {
		struct org_gauges *org = find_org(gauges, db_value(list, row, 0));

		ask_org(db, org, db_value(list, row, 1));
		ask_sources(db, org, db_value(list, row, 1));
	}
	db_result_free(list);
	publish(gauges);
}

static void *run(void *context)
{
	struct gauges *gauges = context;
	const struct settings *settings = gauges->settings;
	struct db *db = db_open(settings->database_read_url[0] != '\0' ? settings->database_read_url : settings->database_url,
				settings->prepare, CONNECT_TIMEOUT_S);
	int64_t seconds;

	db_limit(db, (int)settings->statement_timeout_ms);
	do {
		bool is_ready = ready_state(gauges->ready) == READY_YES;

		if (is_ready)
			ask_all(gauges, db);
		seconds = is_ready ? settings->gauge_interval_s : 1;
	} while (!pause_wait(&gauges->pause, seconds * 1000));
	db_close(db);
	return NULL;
}

static void release(struct gauges *gauges)
{
	for (size_t i = 0; i < gauges->count; i++) {
		free(gauges->orgs[i].id);
		buffer_free(&gauges->orgs[i].version);
		buffer_free(&gauges->orgs[i].alignment);
		buffer_free(&gauges->orgs[i].quarantine);
		buffer_free(&gauges->orgs[i].sources);
	}
	free(gauges->orgs);
	pause_free(&gauges->pause);
	free(gauges);
}

struct gauges *gauges_start(const struct settings *settings, const struct ready *ready, struct stats *stats)
{
	struct gauges *gauges;

	if (settings->gauge_interval_s == 0)
		return NULL;
	gauges = calloc(1, sizeof *gauges);
	if (gauges == NULL)
		abort();
	gauges->settings = settings;
	gauges->ready = ready;
	gauges->stats = stats;
	pause_init(&gauges->pause);
	if (pthread_create(&gauges->thread, NULL, run, gauges) == 0)
		return gauges;
	log_say(LOG_ERROR, "gauges_failed", "no thread can be had");
	release(gauges);
	return NULL;
}

void gauges_stop(struct gauges *gauges)
{
	if (gauges == NULL)
		return;
	pause_end(&gauges->pause);
	pthread_join(gauges->thread, NULL);
	release(gauges);
}
