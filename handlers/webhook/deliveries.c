#include "deliveries.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "gzip.h"
#include "log.h"
#include "route.h"

/* ── taking a delivery apart ────────────────────────────────────────────────────────────────────── */

struct reading {
	struct intake *intake;
	void (*unmapped)(void *context, const char *object, struct text name);
	void *context;
};

static struct text kind_of(const struct mapped *mapped)
{
	return mapped->resource != NULL ? text_of(mapped->resource->kind) : (struct text){0};
}

static void take_event(struct intake *intake, const struct mapped *mapped)
{
	struct problems problems = {0};
	struct ingest_item item = {0};

	if (mapped_read(mapped, &item, &problems)) {
		item.partial = true;
		intake_add_event(intake, mapped->index, mapped->raw, &item);
	} else {
		intake_add_aside(intake, mapped->index, mapped->raw, kind_of(mapped), mapped->id,
				 problems.count > 0 ? problems.items[0].code : "invalid", problems.count > 0 ? problems.items[0].pointer : "",
				 problems.count > 0 ? problems.items[0].message : "the record cannot be an event");
	}
	problems_free(&problems);
}

static bool take_mapped(void *context, const struct mapped *mapped)
{
	struct reading *reading = context;
	struct intake *intake = reading->intake;

	switch (mapped->type) {
	case MAPPED_EVENT:
		take_event(intake, mapped);
		break;
	case MAPPED_NOTICE:
		if (mapped->resource != NULL)
			intake_add_notice(intake, mapped->index, mapped->raw, kind_of(mapped), mapped->id, mapped->reason);
		else
			intake_add_ignored(intake, mapped->index, mapped->raw, mapped->reason);
		break;
	case MAPPED_IGNORED:
		intake_add_ignored(intake, mapped->index, mapped->raw, mapped->reason);
		break;
	case MAPPED_PROBLEM:
		intake_add_aside(intake, mapped->index, mapped->raw, kind_of(mapped), mapped->id, mapped->code, mapped->pointer,
				 mapped->message);
		break;
	}
	return true;
}

static void hear_unmapped(void *context, const char *object, struct text name)
{
	struct reading *reading = context;

	if (reading->unmapped != NULL)
		reading->unmapped(reading->context, object, name);
}

size_t delivery_read(const struct known_source *known, const struct delivery *delivery, struct intake *intake,
		     void (*unmapped)(void *context, const char *object, struct text name), void *context)
{
	struct reading reading = {intake, unmapped, context};
	struct mapped_sink sink = {take_mapped, hear_unmapped, &reading};
	struct mapped_counts counts = {0};

	if (delivery->body.size == 0) {
		intake_add_ignored(intake, 0, delivery->body, "the body is empty");
		return 0;
	}
	source_map(known->compiled, delivery, &sink, &counts);
	return counts.unmapped;
}

void records_read(const struct source *compiled, struct intake *intake)
{
	struct reading reading = {.intake = intake};
	struct mapped_sink sink = {take_mapped, hear_unmapped, &reading};

	source_records(compiled, &sink);
}

/* ── a request as a delivery ────────────────────────────────────────────────────────────────────── */

enum { ASKED_MAX = 32 };

/* A header or query parameter that the mapping asked for and the delivery had. */
struct asked {
	const char *name;
	bool in_query;
	struct text value;
};

/* What the callbacks of struct delivery know, and what beside the body the mapping asked for. */
struct arrival {
	const struct request *request;
	const struct source *source;
	bool mapping;
	struct asked asked[ASKED_MAX];
	size_t asked_count;
};

static void note_asked(struct arrival *arrival, const char *name, bool in_query, struct text value)
{
	for (size_t i = 0; i < arrival->asked_count; i++)
		if (arrival->asked[i].in_query == in_query && strcmp(arrival->asked[i].name, name) == 0)
			return;
	if (arrival->asked_count < ASKED_MAX && !source_proves_by(arrival->source, name, in_query))
		arrival->asked[arrival->asked_count++] = (struct asked){name, in_query, value};
}

static struct text header_of(const void *context, const char *name, size_t nth)
{
	/* The engine is given the context as it is not to be changed by it; what is noted here is ours. */
	struct arrival *arrival = *(struct arrival *const *)context;
	const struct text *value = arrival->request->header_at(arrival->request, name, nth);

	if (arrival->mapping && nth == 0 && value != NULL)
		note_asked(arrival, name, false, *value);
	return value != NULL ? *value : (struct text){0};
}

static struct text query_of(const void *context, const char *name, size_t nth)
{
	struct arrival *arrival = *(struct arrival *const *)context;
	const struct request *request = arrival->request;
	size_t before = nth;

	for (size_t i = 0; i < request->query_count; i++) {
		if (!text_equal_string(request->query[i].name, name) || before-- > 0)
			continue;
		if (arrival->mapping && nth == 0)
			note_asked(arrival, name, true, request->query[i].value);
		return request->query[i].value;
	}
	return (struct text){0};
}

void delivery_url(const struct settings *settings, const struct known_source *known, struct text target, struct buffer *url)
{
	const char *base = known->url[0] != '\0' ? known->url : settings->public_url;
	const char *host = strstr(base, "://"), *mark = memchr(target.data, '?', target.size);

	buffer_append_string(url, base);
	/* An address that ends with its host says nothing of the path. */
	if (known->url[0] == '\0' || (host != NULL && strchr(host + 3, '/') == NULL))
		buffer_append_text(url, target);
	else if (mark != NULL && strchr(base, '?') == NULL)
		buffer_append(url, mark, target.size - (size_t)(mark - target.data));
}

/* A body that says it is gzip and is not stays as it came: it is kept for a person to look at. */
static struct text unpack(const struct request *request, struct intake *intake)
{
	const struct text *coding = request->header_at(request, "content-encoding", 0);

	if (coding == NULL || (!text_equal(*coding, TEXT("gzip")) && !text_equal(*coding, TEXT("x-gzip"))))
		return request->body;
	if (gzip_expand(request->body, (size_t)request->service->settings->body_max, &intake->unpacked) != ERR_OK)
		return request->body;
	return buffer_text(&intake->unpacked);
}

/* What beside the body the mapping asked for, so that an item can be mapped again later: headers by their names, query parameters behind
 * a question mark, which no header's name holds. */
static void keep_asked(const struct arrival *arrival, struct buffer *json)
{
	struct buffer name = {0};

	for (size_t i = 0; i < arrival->asked_count; i++) {
		buffer_clear(&name);
		buffer_append_string(&name, arrival->asked[i].in_query ? "?" : "");
		buffer_append_string(&name, arrival->asked[i].name);
		buffer_append_string(json, i == 0 ? "{" : ",");
		buffer_append_json_string(json, buffer_text(&name));
		buffer_append_string(json, ":");
		buffer_append_json_string(json, arrival->asked[i].value);
	}
	if (arrival->asked_count > 0)
		buffer_append_string(json, "}");
	buffer_free(&name);
}

static enum err refuse(const struct known_source *known, const struct request *request, enum verdict verdict, struct reply *reply)
{
	struct log_line line;

	stats_delivery(known->stats, DELIVERY_UNVERIFIED);
	stats_verification(known->stats, verdict_code(verdict));
	log_begin(&line, LOG_WARN, "delivery_unverified");
	log_string(&line, "id", request->request_id);
	log_int(&line, "org", known->org_id);
	log_string(&line, "source", known->name);
	log_string(&line, "reason", verdict_code(verdict));
	log_end(&line);
	reply_header(reply, "WWW-Authenticate", source_asks_basic(known->compiled) ? "Basic realm=\"plumbline\", charset=\"UTF-8\""
										     : "Signature realm=\"plumbline\"");
	/* Why is in the log: whoever guesses is told nothing. */
	return ERR_UNVERIFIED;
}

static void note_use(struct request *request, const struct known_source *known)
{
	char org_id[16];

	if (!registry_note_due(request->service->handlers, known))
		return;
	snprintf(org_id, sizeof org_id, "%d", known->org_id);
	(void)db_run(request->db, STATEMENT_source_delivered,
		     (struct db_param[]){{.text = text_of(org_id)}, {.text = text_of(known->name)}}, 2, DB_NONE, NULL, NULL, NULL);
}

static enum err take(struct request *request, struct reply *reply, const struct known_source *known, struct intake *intake)
{
	struct arrival arrival = {.request = request, .source = known->compiled}, *context = &arrival;
	struct buffer url = {0};
	struct delivery delivery = {.method = text_of(method_name(request->method)), .now_ms = clock_unix_ms(), .header = header_of,
				    .query = query_of, .context = &context};
	enum verdict verdict;

	delivery_url(request->service->settings, known, request->target, &url);
	delivery.url = buffer_text(&url);
	delivery.body = intake->body = unpack(request, intake);
	verdict = source_verify(known->compiled, known->secrets, known->secret_count, &delivery);
	if (verdict == VERIFIED) {
		arrival.mapping = true;
		stats_unmapped(known->stats, delivery_read(known, &delivery, intake, NULL, NULL));
		keep_asked(&arrival, &intake->headers);
		note_use(request, known);
	}
	buffer_free(&url);
	return verdict == VERIFIED ? ERR_OK : refuse(known, request, verdict, reply);
}

/* ── hooks of the route ─────────────────────────────────────────────────────────────────────────── */

/* What a sender may hear: nothing but 503 makes all of them come again, whatever it is that keeps us from storing. */
static enum err unavailable(enum err err, const struct request *request, struct reply *reply)
{
	if (error_info(err)->status == 503)
		return err;
	problems_free(&reply->problems);
	log_say(LOG_ERROR, "delivery_failed", "request %s: %s", request->request_id, error_info(err)->code);
	return reply_error(reply, ERR_OVERLOADED, "the delivery could not be stored; send it again");
}

static bool has_work(const struct intake *intake)
{
	for (size_t i = 0; i < intake->count; i++)
		if (intake->parts[i].type != PART_IGNORED)
			return true;
	return false;
}

enum err webhook_take(struct request *request, struct reply *reply, struct intake **made)
{
	struct handlers *handlers = request->service->handlers;
	struct known_source *known = NULL;
	struct intake *intake;
	enum err err = registry_get(handlers, request->db, request->path_params[0], &known);

	problems_free(&reply->problems); /* of the query, which need not be one */
	if (err == ERR_NOT_FOUND)
		return reply_error(reply, err, "there is no such source");
	if (err != ERR_OK)
		return unavailable(err, request, reply);
	request->who.org_id = known->org_id;
	memcpy(request->who.source, known->name, sizeof known->name);
	intake = intake_new(request->body);
	intake->owner = known->stats;
	err = take(request, reply, known, intake);
	registry_release(handlers, known);
	if (err == ERR_OK && has_work(intake)) {
		*made = intake;
		return ERR_OK;
	}
	if (err == ERR_OK)
		err = webhook_settled(request, reply, intake, ERR_OK);
	intake_free(intake);
	return err;
}

enum err webhook_settled(struct request *request, struct reply *reply, const struct intake *intake, enum err err)
{
	struct intake_counts counts;

	if (err != ERR_OK) {
		stats_delivery(intake->owner, DELIVERY_UNAVAILABLE);
		return unavailable(err, request, reply);
	}
	counts = intake_count(intake);
	stats_delivery(intake->owner, DELIVERY_STORED);
	stats_delivered(intake->owner, DELIVERED_ACCEPTED, counts.accepted);
	stats_delivered(intake->owner, DELIVERED_QUARANTINED, counts.quarantined);
	stats_delivered(intake->owner, DELIVERED_IGNORED, counts.ignored);
	stats_delivered(intake->owner, DELIVERED_RESYNC, counts.notices);
	intake_reply(intake, reply);
	return ERR_OK;
}
