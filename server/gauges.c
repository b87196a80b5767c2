#include "gauges.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "log.h"
#include "memory.h"
#include "pause.h"
#include "ready.h"
#include "stats.h"

enum { CONNECT_TIMEOUT_S = 5 };

enum family { FAMILY_TOTAL, FAMILY_TEAM, FAMILY_REP, FAMILY_LEFT_OUT, FAMILY_QUARANTINE, FAMILY_DELIVERY, FAMILY_JOBS, FAMILY_JOB_ROWS, FAMILY_ALERTS, FAMILY_COUNT };

static const struct {
	const char *name, *help;
} families[FAMILY_COUNT] = {
	[FAMILY_TOTAL] = {"plumbline_alignment", "Metrics of the alignment table for the current fiscal quarter, whole organisation; absent while there is nothing to measure."},
	[FAMILY_TEAM] = {"plumbline_team_alignment", "The same by team."},
	[FAMILY_REP] = {"plumbline_rep_alignment", "The same by rep, where setting and organisation allow it."},
	[FAMILY_LEFT_OUT] = {"plumbline_alignment_groups_left_out", "Teams or reps without gauges because there are too many."},
	[FAMILY_QUARANTINE] = {"plumbline_quarantine_open", "Items in quarantine that nobody has replayed or discarded."},
	[FAMILY_DELIVERY] = {"plumbline_delivery_age_seconds", "Since the last verified delivery of a source in use, to within a minute."},
	[FAMILY_JOBS] = {"plumbline_jobs", "Jobs by status."},
	[FAMILY_JOB_ROWS] = {"plumbline_job_rows_done", "Rows that the unfinished job has looked at; 0 without one."},
	[FAMILY_ALERTS] = {"plumbline_alert_deliveries", "Deliveries of alerts that wait for their next attempt, or were given up."},
};

/* What an organisation said last. */
struct org_gauges {
	char *id;
	struct buffer version; /* of its data, configuration and local date */
	struct buffer samples[FAMILY_COUNT];
};

struct gauges {
	const struct settings *settings;
	const struct ready *ready;
	struct stats *stats;
	pthread_t thread;
	struct pause pause;
	struct org_gauges *orgs; /* the thread's own */
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

/* by NULL: the whole organisation. */
static void append_sample(struct buffer *out, const char *family, struct text org, const char *by, struct text key, const char *metric, double value)
{
	buffer_printf(out, "%s{org=\"", family);
	append_label(out, org);
	if (by != NULL) {
		buffer_printf(out, "\",%s=\"", by);
		append_label(out, key);
	}
	if (metric != NULL) {
		buffer_append_string(out, "\",metric=\"");
		append_label(out, text_of(metric));
	}
	buffer_printf(out, "\"} %.10g\n", value);
}

static void append_metrics(struct buffer *out, const char *family, struct text org, const char *by, struct text key, json_t *metrics)
{
	const char *name;
	json_t *metric;

	json_object_foreach(metrics, name, metric) {
		json_t *value = json_object_get(metric, "value");

		/* null: there is nothing to measure, which is not 0 */
		if (json_is_number(value))
			append_sample(out, family, org, by, key, name, json_number_value(value));
	}
}

bool gauges_read_answer(struct text org, struct text answer, struct buffer *alignment, struct buffer *quarantine)
{
	json_t *document = json_loadb(answer.data, answer.size, 0, NULL);
	json_t *metrics = json_object_get(json_object_get(document, "total"), "metrics");
	json_t *open = json_object_get(json_object_get(json_object_iter_value(json_object_iter(metrics)), "excluded"), "quarantined_open");

	append_metrics(alignment, families[FAMILY_TOTAL].name, org, NULL, TEXT(""), metrics);
	if (json_is_number(open))
		append_sample(quarantine, families[FAMILY_QUARANTINE].name, org, NULL, TEXT(""), NULL, json_number_value(open));
	json_decref(document);
	return metrics != NULL;
}

size_t gauges_read_groups(struct text org, const char *by, struct text answer, struct buffer *out)
{
	const char *family = families[strcmp(by, "rep") == 0 ? FAMILY_REP : FAMILY_TEAM].name;
	json_t *document = json_loadb(answer.data, answer.size, 0, NULL);
	json_t *row, *rows = json_object_get(document, "rows");
	size_t i, written = 0, left = 0;

	json_array_foreach(rows, i, row) {
		const char *key = json_string_value(json_object_get(row, "key"));

		if (key == NULL)
			continue;
		if (written++ < GAUGES_GROUPS_MAX)
			append_metrics(out, family, org, by, text_of(key), json_object_get(row, "metrics"));
		else
			left++;
	}
	json_decref(document);
	return left;
}

static struct org_gauges *find_org(struct gauges *gauges, struct text id)
{
	struct org_gauges *orgs;

	for (size_t i = 0; i < gauges->count; i++)
		if (text_equal_string(id, gauges->orgs[i].id))
			return &gauges->orgs[i];
	orgs = memory_grown(gauges->orgs, (gauges->count + 1) * sizeof *orgs);
	gauges->orgs = orgs;
	orgs[gauges->count] = (struct org_gauges){.id = memory_string_of(id.data, id.size)};
	return &orgs[gauges->count++];
}

/* What it depends on as one text in *version; *reps: figures of single reps may be told. */
static bool read_version(struct db *db, const char *org, struct buffer *version, bool *reps)
{
	struct db_param id = {.text = text_of(org)};
	struct db_result *result = NULL;

	if (db_run(db, STATEMENT_org_version, &id, 1, DB_ONE, &result, NULL, NULL) != ERR_OK)
		return false;
	for (size_t column = 0; column < 3; column++) {
		buffer_append_text(version, db_value(result, 0, column));
		buffer_append_string(version, " ");
	}
	*reps = text_equal_string(db_value(result, 0, 3), "t");
	db_result_free(result);
	return true;
}

static enum err ask_alignment(struct db *db, const char *org, const char *by, struct db_result **result)
{
	struct buffer question = {0};
	struct db_param params[2];
	enum err err;

	buffer_printf(&question, "{\"path\":[],\"query\":{\"by\":\"%s\"},\"format\":\"json\","
				 "\"who\":{\"scope\":\"all\",\"rep\":null,\"team\":null,\"key\":\"\"},\"body\":null}", by);
	params[0] = (struct db_param){.text = text_of(org)};
	params[1] = (struct db_param){.text = buffer_text(&question)};
	err = db_run(db, STATEMENT_alignment, params, 2, DB_ONE, result, NULL, NULL);
	buffer_free(&question);
	return err;
}

static void ask_groups(struct db *db, const char *org, struct text slug, const char *by, struct buffer *samples, struct buffer *left_out)
{
	struct db_result *result = NULL;

	if (ask_alignment(db, org, by, &result) != ERR_OK)
		return;
	append_sample(left_out, families[FAMILY_LEFT_OUT].name, slug, "by", text_of(by), NULL,
		      (double)gauges_read_groups(slug, by, db_value(result, 0, 0), samples));
	db_result_free(result);
}

/* The alignment table, where it can be another one than the last. */
static void ask_org(const struct gauges *gauges, struct db *db, struct org_gauges *org, struct text slug)
{
	struct buffer version = {0};
	struct db_result *result = NULL;
	bool reps = false;

	if (!read_version(db, org->id, &version, &reps) || text_equal(buffer_text(&version), buffer_text(&org->version)) ||
	    ask_alignment(db, org->id, "segment", &result) != ERR_OK)
		goto out;
	for (size_t family = FAMILY_TOTAL; family <= FAMILY_QUARANTINE; family++)
		buffer_clear(&org->samples[family]);
	if (gauges_read_answer(slug, db_value(result, 0, 0), &org->samples[FAMILY_TOTAL], &org->samples[FAMILY_QUARANTINE])) {
		buffer_free(&org->version);
		org->version = version;
		version = (struct buffer){0};
	}
	ask_groups(db, org->id, slug, "team", &org->samples[FAMILY_TEAM], &org->samples[FAMILY_LEFT_OUT]);
	if (reps && gauges->settings->gauge_reps)
		ask_groups(db, org->id, slug, "rep", &org->samples[FAMILY_REP], &org->samples[FAMILY_LEFT_OUT]);
out:
	db_result_free(result);
	buffer_free(&version);
}

/* One sample a row of a statement: its first column is the label, one of the others the value. */
static void append_rows(struct org_gauges *org, enum family family, struct text slug, const char *label, const struct db_result *rows, size_t column)
{
	struct buffer *out = &org->samples[family];

	for (size_t row = 0; row < db_rows(rows); row++) {
		buffer_printf(out, "%s{org=\"", families[family].name);
		append_label(out, slug);
		buffer_printf(out, "\",%s=\"", label);
		append_label(out, db_value(rows, row, 0));
		buffer_append_string(out, "\"} ");
		buffer_append_text(out, db_value(rows, row, column));
		buffer_append_string(out, "\n");
	}
}

/* Ages, jobs and deliveries change by themselves: asked for every time. */
static void ask_running(struct db *db, struct org_gauges *org, struct text slug)
{
	struct db_param id = {.text = text_of(org->id)};
	struct db_result *rows = NULL;

	if (db_run(db, STATEMENT_source_ages, &id, 1, DB_MANY, &rows, NULL, NULL) == ERR_OK) {
		buffer_clear(&org->samples[FAMILY_DELIVERY]);
		append_rows(org, FAMILY_DELIVERY, slug, "source", rows, 1);
		db_result_free(rows);
	}
	if (db_run(db, STATEMENT_alert_delivery_counts, &id, 1, DB_MANY, &rows, NULL, NULL) == ERR_OK) {
		buffer_clear(&org->samples[FAMILY_ALERTS]);
		append_rows(org, FAMILY_ALERTS, slug, "state", rows, 1);
		db_result_free(rows);
	}
	if (db_run(db, STATEMENT_job_counts, &id, 1, DB_MANY, &rows, NULL, NULL) != ERR_OK)
		return;
	buffer_clear(&org->samples[FAMILY_JOBS]);
	buffer_clear(&org->samples[FAMILY_JOB_ROWS]);
	append_rows(org, FAMILY_JOBS, slug, "status", rows, 1);
	append_rows(org, FAMILY_JOB_ROWS, slug, "status", rows, 2);
	db_result_free(rows);
}

static void publish(struct gauges *gauges)
{
	struct buffer out = {0};

	for (size_t family = 0; family < FAMILY_COUNT; family++) {
		buffer_printf(&out, "# HELP %s %s\n# TYPE %s gauge\n", families[family].name, families[family].help, families[family].name);
		for (size_t i = 0; i < gauges->count; i++)
			buffer_append_text(&out, buffer_text(&gauges->orgs[i].samples[family]));
	}
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

		ask_org(gauges, db, org, db_value(list, row, 1));
		ask_running(db, org, db_value(list, row, 1));
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
		for (size_t family = 0; family < FAMILY_COUNT; family++)
			buffer_free(&gauges->orgs[i].samples[family]);
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
	gauges = memory_zeroed(1, sizeof *gauges);
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
