#include "alerts.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "checked.h"
#include "clock.h"
#include "db.h"
#include "outgoing.h"
#include "ready.h"
#include "route.h"
#include "seal.h"
#include "service.h"
#include "webhook_signature.h"

static const char *const statuses[] = {"ok", "warn", "fail", NULL};
static const char *const states[] = {"pending", "delivered", "dead", NULL};
static const char *const formats[] = {"standard", "slack", NULL};
static const char *const groupings[] = {"total", "rep", "team", "segment", "product", "tier", "origin", "kind", "class", "source", NULL};

#define PAGE(things) \
	{.name = "cursor", .type = FIELD_STRING, .summary = "next of the page before"}, \
	{.name = "limit", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000, .summary = things " a page"}

static const struct field list_fields[] = {
    {.name = "status", .type = FIELD_WORD, .words = statuses, .summary = "changes to this status only"},
    {.name = "metric", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 100, .summary = "of this metric only"},
    {.name = "by", .type = FIELD_WORD, .words = groupings, .summary = "of this grouping only"},
    {.name = "key", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 200, .summary = "of this rep, team, segment … only"},
    PAGE("alerts"),
};
const struct shape alert_list_params = SHAPE("alerts", list_fields);

static const struct field endpoint_list_fields[] = {PAGE("endpoints")};
const struct shape alert_endpoint_list_params = SHAPE("alert-endpoints", endpoint_list_fields);

static const struct field delivery_list_fields[] = {
    {.name = "state", .type = FIELD_WORD, .words = states, .summary = "deliveries in this state only"},
    {.name = "endpoint", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 20, .summary = "to this endpoint only"},
    {.name = "alert", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 20, .summary = "of this alert only"},
    PAGE("deliveries"),
};
const struct shape alert_delivery_list_params = SHAPE("alert-deliveries", delivery_list_fields);

/* ── what an endpoint is ────────────────────────────────────────────────────────────────────────── */

static const struct field metric_element = {.name = "metric", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 100};
static const struct field grouping_element = {.name = "by", .type = FIELD_WORD, .no_null = true, .words = groupings};
static const struct field status_element = {.name = "status", .type = FIELD_WORD, .no_null = true, .words = statuses};
static const struct field team_element = {.name = "team", .type = FIELD_ID, .no_null = true};

static const struct field filter_fields[] = {
    {.name = "metrics", .type = FIELD_LIST, .element = &metric_element},
    {.name = "by", .type = FIELD_LIST, .element = &grouping_element},
    {.name = "statuses", .type = FIELD_LIST, .element = &status_element},
    {.name = "teams", .type = FIELD_LIST, .element = &team_element},
};
static const struct shape filter_shape = SHAPE("filter", filter_fields);

static const struct field endpoint_fields[] = {
    {.name = "name", .type = FIELD_STRING, .bounded = true, .min = 0, .max = 200, .summary = "for people"},
    {.name = "url", .type = FIELD_STRING, .required = true, .no_null = true, .bounded = true, .min = 1, .max = 2000},
    {.name = "format", .type = FIELD_WORD, .no_null = true, .words = formats},
    {.name = "filter", .type = FIELD_OBJECT, .inner = &filter_shape},
    {.name = "enabled", .type = FIELD_BOOLEAN, .no_null = true},
};
static const struct shape endpoint_shape = SHAPE("endpoint", endpoint_fields);

static struct text member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : (struct text){0};
}

/* An endpoint that is to be kept. */
struct change {
	struct request *request;
	struct reply *reply;
	json_t *config;
	bool whole;
	char id[24];                 /* "e7" */
	struct buffer secret, shown; /* shown: of the address what may be */
};

/* The body, checked; the address is looked at by itself, for what is wrong with it depends on the settings. */
static enum err check(struct change *change)
{
	struct reply *reply = change->reply;
	enum err err = checked_body(change->request, reply, &endpoint_shape, change->whole);
	const char *code, *message, *fault;
	struct text url;

	if (err != ERR_OK)
		return err;
	change->config = json_parse_strict(change->request->body, &code, &message);
	url = member(change->config, "url");
	fault = url.data != NULL ? outgoing_url_fault(change->request->service->settings, url, &change->shown) : NULL;
	if (fault == NULL)
		return ERR_OK;
	problems_add(&reply->problems, "/url", "invalid_url", "%s", fault);
	return reply_error(reply, ERR_VALIDATION_FAILED, "the endpoint cannot be accepted: its url %s", fault);
}

static void seal(const struct change *change, struct text secret, struct buffer *kept)
{
	char context[64];

	snprintf(context, sizeof context, "alert-endpoint/%s", change->id);
	secret_seal(change->request->service->settings->secret_key, change->request->who.org_id, context, secret, kept);
}

static struct db_param param_of(const struct buffer *buffer)
{
	return (struct db_param){.text = buffer->size > 0 ? buffer_text(buffer) : (struct text){0}};
}

static void wipe(struct buffer *buffer)
{
	if (buffer->data != NULL)
		sodium_memzero(buffer->data, buffer->size);
	buffer_free(buffer);
}

/* Writes it: the configuration without the address, which is sealed as the secret is. */
static enum err put_row(struct change *change)
{
	struct request *request = change->request;
	struct buffer json = {0}, address = {0}, secret = {0};
	struct db_result *row = NULL;
	struct text url = member(change->config, "url");
	char org_id[16], *config;
	enum err err;

	snprintf(org_id, sizeof org_id, "%d", request->who.org_id);
	request_head_to_json(request, &json);
	if (url.data != NULL)
		seal(change, url, &address);
	if (change->secret.size > 0)
		seal(change, buffer_text(&change->secret), &secret);
	json_object_del(change->config, "url");
	config = json_dumps(change->config, JSON_COMPACT);
	if (config == NULL)
		abort();
	err = db_run(request->db, STATEMENT_alert_endpoint_put,
		     (struct db_param[]){{.text = text_of(org_id)},
					 {.text = buffer_text(&json)},
					 {.text = text_of(change->id + 1)},
					 {.text = text_of(config)},
					 {.text = change->whole ? TEXT("t") : TEXT("f")},
					 param_of(&change->shown),
					 param_of(&address),
					 param_of(&secret)},
		     8, DB_ONE, &row, &change->reply->problems, &change->reply->detail);
	if (err == ERR_OK)
		buffer_append_text(&change->reply->body, db_value(row, 0, 0));
	db_result_free(row);
	free(config);
	wipe(&address);
	wipe(&secret);
	buffer_free(&json);
	return err;
}

/* The secret, shown this once, as a further member of the answer. */
static void show_secret(struct reply *reply, const struct buffer *secret)
{
	reply->body.size--;
	buffer_append_string(&reply->body, ", \"secret\": ");
	buffer_append_json_string(&reply->body, buffer_text(secret));
	buffer_append_string(&reply->body, "}");
}

static void end(struct change *change)
{
	json_decref(change->config);
	wipe(&change->secret);
	buffer_free(&change->shown);
}

static enum err take_number(struct change *change)
{
	char org_id[16];
	struct db_result *row = NULL;
	enum err err;

	snprintf(org_id, sizeof org_id, "%d", change->request->who.org_id);
	err = db_run(change->request->db, STATEMENT_alert_endpoint_number, (struct db_param[]){{.text = text_of(org_id)}}, 1, DB_ONE, &row,
		     &change->reply->problems, &change->reply->detail);
	if (err == ERR_OK)
		snprintf(change->id, sizeof change->id, "e%.*s", (int)db_value(row, 0, 0).size, db_value(row, 0, 0).data);
	db_result_free(row);
	return err;
}

static enum err make(struct change *change)
{
	struct db *db = change->request->db;
	enum err err = db_begin(db);

	if (err != ERR_OK)
		return err;
	err = take_number(change);
	if (err == ERR_OK)
		err = put_row(change);
	if (err == ERR_OK)
		return db_commit(db);
	db_rollback(db);
	return err;
}

enum err alert_endpoint_post(struct request *request, struct reply *reply)
{
	struct change change = {.request = request, .reply = reply, .whole = true};
	char location[64];
	enum err err = check(&change);

	webhook_secret_make(&change.secret);
	if (err == ERR_OK)
		err = make(&change);
	if (err == ERR_OK) {
		show_secret(reply, &change.secret);
		reply->status = 201;
		reply->no_store = true;
		snprintf(location, sizeof location, "/v1/alert-endpoints/%s", change.id);
		reply_header(reply, "Location", location);
	} else {
		buffer_free(&reply->body);
	}
	end(&change);
	return err;
}

/* Whether the path names an endpoint; its id is then written as we write it, and what is sealed is bound to it. */
static enum err find(struct change *change)
{
	struct request bare = *change->request;
	struct text id = bare.path_params[0];
	struct db_result *rows = NULL;
	enum err err;

	bare.body = (struct text){0};
	err = query_ask(&bare, change->reply, STATEMENT_alert_endpoint_get, &rows);

	db_result_free(rows);
	if (err == ERR_OK)
		snprintf(change->id, sizeof change->id, "%.*s", (int)id.size, id.data);
	return err;
}

static enum err replace(struct request *request, struct reply *reply, bool whole)
{
	struct change change = {.request = request, .reply = reply, .whole = whole};
	enum err err = check(&change);

	if (err == ERR_OK)
		err = find(&change);
	if (err == ERR_OK)
		err = put_row(&change);
	end(&change);
	return err;
}

enum err alert_endpoint_put(struct request *request, struct reply *reply)
{
	return replace(request, reply, true);
}

enum err alert_endpoint_patch(struct request *request, struct reply *reply)
{
	return replace(request, reply, false);
}

/* ── secrets ────────────────────────────────────────────────────────────────────────────────────── */

enum { OVERLAP_DEFAULT_H = 24, OVERLAP_MAX_H = 8760 };

static void check_secret(const json_t *value, const char *pointer, struct problems *problems)
{
	if (!webhook_secret_is_one((struct text){json_string_value(value), json_string_length(value)}))
		problems_add(problems, pointer, "not_a_secret", "whsec_ and the base64 of 24 to 64 bytes; leave it out to have one made");
}

static const struct field secret_fields[] = {
    {.name = "secret", .type = FIELD_STRING, .no_null = true, .check = check_secret, .summary = "made up when absent"},
    {.name = "overlap_hours", .type = FIELD_INTEGER, .no_null = true, .bounded = true, .min = 0, .max = OVERLAP_MAX_H,
     .summary = "how long the secret before it signs too"},
};
static const struct shape secret_shape = SHAPE("secret", secret_fields);

static enum err put_secret(struct change *change, json_int_t overlap_hours)
{
	struct request *request = change->request;
	struct buffer json = {0}, kept = {0};
	struct db_result *row = NULL;
	char org_id[16], hours[16];
	enum err err = find(change);

	if (err != ERR_OK)
		return err;
	snprintf(org_id, sizeof org_id, "%d", request->who.org_id);
	snprintf(hours, sizeof hours, "%lld", (long long)overlap_hours);
	request_head_to_json(request, &json);
	seal(change, buffer_text(&change->secret), &kept);
	err = db_run(request->db, STATEMENT_alert_endpoint_secret_put,
		     (struct db_param[]){{.text = text_of(org_id)}, {.text = buffer_text(&json)}, param_of(&kept), {.text = text_of(hours)}}, 4, DB_ONE, &row,
		     &change->reply->problems, &change->reply->detail);
	if (err == ERR_OK)
		buffer_append_text(&change->reply->body, db_value(row, 0, 0));
	db_result_free(row);
	wipe(&kept);
	buffer_free(&json);
	return err;
}

enum err alert_endpoint_secret_post(struct request *request, struct reply *reply)
{
	struct change change = {.request = request, .reply = reply};
	const char *code, *message;
	const json_t *overlap;
	struct text given;
	enum err err = request->body.size > 0 ? checked_body(request, reply, &secret_shape, true) : ERR_OK;

	if (err != ERR_OK)
		return err;
	change.config = request->body.size > 0 ? json_parse_strict(request->body, &code, &message) : json_object();
	given = member(change.config, "secret");
	if (given.data != NULL)
		buffer_append_text(&change.secret, given);
	else
		webhook_secret_make(&change.secret);
	overlap = json_object_get(change.config, "overlap_hours");
	err = put_secret(&change, overlap != NULL ? json_integer_value(overlap) : OVERLAP_DEFAULT_H);
	if (err == ERR_OK && given.data == NULL)
		show_secret(reply, &change.secret);
	reply->status = err == ERR_OK ? 201 : 0;
	reply->no_store = true;
	end(&change);
	return err;
}

/* ── a test ─────────────────────────────────────────────────────────────────────────────────────── */

/* A worker waits meanwhile, so not for as long as a receiver may take. */
enum { WAIT_MAX_MS = 10000, WAIT_STEP_MS = 50 };

/* The delivery when it is over in time; rows NULL: it is not. */
static enum err wait_for(struct request *request, struct reply *reply, struct text id, struct db_result **rows)
{
	int64_t until_ns = clock_monotonic_ns() + WAIT_MAX_MS * INT64_C(1000000);
	const struct timespec nap = {.tv_nsec = WAIT_STEP_MS * 1000000L};
	char org_id[16];

	snprintf(org_id, sizeof org_id, "%d", request->who.org_id);
	while (ready_state(request->service->ready) == READY_YES && clock_monotonic_ns() < until_ns) {
		enum err err = db_run(request->db, STATEMENT_alert_delivery_settled, (struct db_param[]){{.text = text_of(org_id)}, {.text = id}}, 2,
				      DB_ONE, rows, &reply->problems, &reply->detail);

		if (err != ERR_OK || db_value(*rows, 0, 0).data != NULL)
			return err;
		db_result_free(*rows);
		*rows = NULL;
		nanosleep(&nap, NULL);
	}
	return ERR_OK;
}

enum err alert_endpoint_test(struct request *request, struct reply *reply)
{
	struct db_result *begun = NULL, *over = NULL;
	struct buffer location = {0};
	enum err err = query_ask(request, reply, STATEMENT_alert_endpoint_test, &begun);

	if (err != ERR_OK)
		return err;
	err = wait_for(request, reply, db_value(begun, 0, 1), &over);
	if (err == ERR_OK && over != NULL) {
		buffer_append_text(&reply->body, db_value(over, 0, 0));
	} else {
		/* It goes on, whatever became of the waiting. */
		err = ERR_OK;
		buffer_append_text(&reply->body, db_value(begun, 0, 0));
		buffer_append_string(&location, "/v1/alert-deliveries/");
		buffer_append_text(&location, db_value(begun, 0, 1));
		reply_header(reply, "Location", location.data);
		reply->status = 202;
	}
	buffer_free(&location);
	db_result_free(over);
	db_result_free(begun);
	return err;
}
