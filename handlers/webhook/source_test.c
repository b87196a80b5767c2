/* POST /v1/sources/{source}/test: a pasted delivery through verification and mapping, and what its events would change. Nothing is
 * written. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "deliveries.h"
#include "json_scan.h"
#include "memory.h"
#include "route.h"
#include "sources.h"

enum { TRIED_MAX = 200, UNMAPPED_MAX = 200 };

static const struct field test_fields[] = {
    {.name = "body", .type = FIELD_ANY, .required = true, .summary = "a string: the text exactly; else the JSON as it is written here"},
    {.name = "headers", .type = FIELD_ANY, .summary = "an object: a string, or a list of them, a name"},
    {.name = "url", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 4000, .summary = "as the sender called it, with its query"},
    {.name = "now", .type = FIELD_DATETIME, .no_null = true, .summary = "the time to judge the signature's by; now when absent"},
    {.name = "override", .type = FIELD_ANY, .summary = "a merge patch to the source's document, to try before it is kept"},
};
static const struct shape test_shape = SHAPE("test", test_fields);

struct unmapped {
	char *object;
	struct buffer name;
	size_t times;
};

/* A test at work. */
struct trial {
	struct request *request;
	struct reply *reply;
	json_t *given;
	struct known_source *known;
	struct buffer url, body;
	char *query_memory;
	struct param query[QUERY_PARAMS_MAX];
	size_t query_count;
	enum verdict verdict;
	struct intake *intake;
	char **changes;        /* of the events, in their order; NULL: not tried */
	struct unmapped unmapped[UNMAPPED_MAX];
	size_t unmapped_count;
};

/* ── the delivery that was pasted ───────────────────────────────────────────────────────────────── */

static bool same_name(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++)
		if ((*a >= 'A' && *a <= 'Z' ? *a - 'A' + 'a' : *a) != *b)
			return false;
	return *a == *b;
}

static struct text string_text(const json_t *value)
{
	return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : (struct text){0};
}

static struct text header_of(const void *context, const char *name, size_t nth)
{
	const struct trial *trial = context;
	json_t *headers = json_object_get(trial->given, "headers"), *value;
	const char *given;

	json_object_foreach(headers, given, value) {
		size_t count = json_is_array(value) ? json_array_size(value) : 1;

		if (!same_name(given, name))
			continue;
		if (nth < count)
			return string_text(json_is_array(value) ? json_array_get(value, nth) : value);
		nth -= count;
	}
	return (struct text){0};
}

static struct text query_of(const void *context, const char *name, size_t nth)
{
	const struct trial *trial = context;

	for (size_t i = 0; i < trial->query_count; i++)
		if (text_equal_string(trial->query[i].name, name) && nth-- == 0)
			return trial->query[i].value;
	return (struct text){0};
}

static void check_headers(const json_t *headers, struct problems *problems)
{
	const char *name;
	json_t *value, *element;
	size_t i;

	if (headers == NULL || json_is_null(headers))
		return;
	if (!json_is_object(headers))
		problems_add(problems, "/headers", "wrong_type", "must be an object");
	json_object_foreach((json_t *)(uintptr_t)headers, name, value) {
		struct buffer pointer = {0};
		bool sound = json_is_string(value) || json_is_array(value);

		json_array_foreach(value, i, element)
			sound = sound && json_is_string(element);
		buffer_append_string(&pointer, "/headers");
		json_pointer_append(&pointer, text_of(name));
		if (!sound)
			problems_add(problems, pointer.data, "wrong_type", "must be a string or a list of strings");
		buffer_free(&pointer);
	}
}

static enum err read_given(struct trial *trial)
{
	struct reply *reply = trial->reply;
	const char *code, *message;

	trial->given = json_parse_strict(trial->request->body, &code, &message);
	if (trial->given == NULL)
		return reply_error(reply, ERR_INVALID_JSON, "%s", message);
	if (!json_is_object(trial->given)) {
		problems_add(&reply->problems, "", "wrong_type", "must be an object");
	} else {
		shape_check(&test_shape, trial->given, "", true, &reply->problems);
		check_headers(json_object_get(trial->given, "headers"), &reply->problems);
	}
	if (reply->problems.count > 0)
		return reply_error(reply, ERR_VALIDATION_FAILED, "the test cannot be made");
	return ERR_OK;
}

static enum err read_source(struct trial *trial)
{
	struct request *request = trial->request;
	struct text override = json_member(request->body, "override");
	struct buffer name = {0};
	enum err err;

	if (text_equal(override, TEXT("null")))
		override = (struct text){0};
	buffer_append_text(&name, request->path_params[0]);
	err = registry_read(request->service->settings, request->db, request->who.org_id, name.data, override, &trial->known,
			    &trial->reply->problems);
	buffer_free(&name);
	if (err == ERR_NOT_FOUND)
		return reply_error(trial->reply, err, "there is no such source");
	if (err == ERR_OK && trial->known->compiled == NULL)
		err = reply_error(trial->reply, ERR_VALIDATION_FAILED, "the document of the source is not sound");
	return err;
}

static void read_query(struct trial *trial)
{
	const char *mark = strchr(trial->url.data, '?');
	struct problems ignored = {0};

	if (mark == NULL)
		return;
	trial->query_memory = memory_take(strlen(mark) + 1);
	(void)query_parse(text_of(mark + 1), trial->query_memory, trial->query, &trial->query_count, &ignored);
	problems_free(&ignored);
}

static void read_delivery(struct trial *trial)
{
	const struct known_source *known = trial->known;
	bool usual = strcmp(known->slug, "default") == 0;
	struct buffer target = {0};
	const json_t *body = json_object_get(trial->given, "body");
	struct text url = string_text(json_object_get(trial->given, "url"));

	buffer_printf(&target, "/v1/webhooks/%s%s%s", usual ? "" : known->slug, usual ? "" : ".", known->name);
	if (url.data != NULL)
		buffer_append_text(&trial->url, url);
	else
		delivery_url(trial->request->service->settings, known, buffer_text(&target), &trial->url);
	buffer_free(&target);
	read_query(trial);
	buffer_append_string(&trial->body, "");
	buffer_append_text(&trial->body, json_is_string(body) ? string_text(body) : json_member(trial->request->body, "body"));
}

/* Milliseconds since 1970 of a valid RFC 3339 time. */
static int64_t read_time(const char *text)
{
	struct tm parts = {0};
	const char *day = strptime(text, "%Y-%m-%d", &parts), *rest = NULL;
	int64_t ms;

	if (day != NULL && *day != '\0')
		rest = strptime(day + 1, "%H:%M:%S", &parts);
	if (rest == NULL)
		return clock_unix_ms();
	ms = (int64_t)timegm(&parts) * 1000;
	if (*rest == '.') {
		int64_t unit = 100;

		for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
			ms += (*rest - '0') * unit;
	}
	if ((*rest == '+' || *rest == '-') && strlen(rest) >= 6) {
		int64_t minutes = strtol(rest + 1, NULL, 10) * 60 + strtol(rest + 4, NULL, 10);

		ms += (*rest == '+' ? -minutes : minutes) * 60000;
	}
	return ms;
}

/* ── verification and mapping ───────────────────────────────────────────────────────────────────── */

static void hear_unmapped(void *context, const char *object, struct text name)
{
	struct trial *trial = context;
	struct unmapped *row;

	for (size_t i = 0; i < trial->unmapped_count; i++) {
		row = &trial->unmapped[i];
		if (strcmp(row->object, object) == 0 && text_equal(buffer_text(&row->name), name)) {
			row->times++;
			return;
		}
	}
	if (trial->unmapped_count == UNMAPPED_MAX)
		return;
	row = &trial->unmapped[trial->unmapped_count++];
	row->object = memory_string(object);
	buffer_append_text(&row->name, name);
	row->times = 1;
}

/* now says by which time a signature is judged, not which secrets hold: those of today do. */
static void use_secrets_of_today(struct known_source *known)
{
	int64_t today_ms = clock_unix_ms();

	for (size_t i = 0; i < known->secret_count; i++) {
		struct source_secret *secret = &known->secrets[i];

		if (secret->not_before_ms <= today_ms && (secret->not_after_ms == 0 || today_ms < secret->not_after_ms))
			secret->not_before_ms = secret->not_after_ms = 0;
	}
}

static void judge(struct trial *trial)
{
	const char *now = json_string_value(json_object_get(trial->given, "now"));
	struct delivery delivery = {
	    .method = TEXT("POST"),
	    .url = buffer_text(&trial->url),
	    .body = buffer_text(&trial->body),
	    .now_ms = now != NULL ? read_time(now) : clock_unix_ms(),
	    .header = header_of,
	    .query = query_of,
	    .context = trial,
	};

	use_secrets_of_today(trial->known);
	trial->verdict = source_verify(trial->known->compiled, trial->known->secrets, trial->known->secret_count, &delivery);
	trial->intake = intake_new(delivery.body);
	(void)delivery_read(trial->known, &delivery, trial->intake, hear_unmapped, trial);
}

static enum err try_events(struct trial *trial)
{
	struct intake *intake = trial->intake;
	size_t events = intake_events(intake), count = 0, at = 0;
	struct ingest_item **items = memory_zeroed(events + 1, sizeof *items);
	struct ingest_result *results = memory_zeroed(events + 1, sizeof *results);
	struct principal who = {.org_id = trial->request->who.org_id};
	enum err err = ERR_OK;

	trial->changes = memory_zeroed(events + 1, sizeof(char *));
	memcpy(who.source, trial->known->name, sizeof who.source);
	for (size_t i = 0; i < intake->count && count < TRIED_MAX; i++)
		if (intake->parts[i].type == PART_EVENT)
			items[count++] = &intake->parts[i].item;
	if (count > 0)
		err = ingest_try(trial->request->db, &who, items, count, results, trial->changes);
	for (size_t i = 0; err == ERR_OK && i < intake->count && at < count; i++)
		if (intake->parts[i].type == PART_EVENT)
			intake->parts[i].result = results[at++];
	free(items);
	free(results);
	return err;
}

/* ── the answer ─────────────────────────────────────────────────────────────────────────────────── */

static void append_events(const struct trial *trial, struct buffer *body)
{
	size_t at = 0;

	buffer_append_string(body, "\"events\":[");
	for (size_t i = 0; i < trial->intake->count; i++) {
		const struct intake_part *part = &trial->intake->parts[i];

		if (part->type != PART_EVENT)
			continue;
		buffer_append_string(body, at == 0 ? "\n" : ",\n");
		buffer_printf(body, "{\"index\":%zu,\"kind\":", part->index);
		buffer_append_json_string(body, part->item.kind);
		buffer_append_string(body, ",\"id\":");
		buffer_append_json_string(body, part->item.id);
		buffer_append_string(body, ",\"operation\":");
		buffer_append_json_string(body, part->item.full ? TEXT("put") : part->item.operation);
		buffer_printf(body, ",\"source_seq\":%" PRId64 ",\"occurred_at\":", part->item.source_seq);
		if (part->item.occurred_at.data != NULL)
			buffer_append_json_string(body, part->item.occurred_at);
		else
			buffer_append_string(body, "null");
		buffer_append_string(body, ",\"patch\":");
		buffer_append_text(body, part->item.patch);
		buffer_printf(body, ",\"changes\":%s}", trial->changes[at] != NULL ? trial->changes[at] : "null");
		at++;
	}
	buffer_append_string(body, "]");
}

static void append_unmapped(const struct trial *trial, struct buffer *body)
{
	buffer_append_string(body, "\"unmapped\":[");
	for (size_t i = 0; i < trial->unmapped_count; i++) {
		const struct unmapped *row = &trial->unmapped[i];

		buffer_append_string(body, i == 0 ? "{\"object\":" : ",{\"object\":");
		buffer_append_json_string(body, text_of(row->object));
		buffer_append_string(body, ",\"name\":");
		buffer_append_json_string(body, buffer_text(&row->name));
		buffer_printf(body, ",\"times\":%zu}", row->times);
	}
	buffer_append_string(body, "]");
}

static void answer(const struct trial *trial)
{
	struct buffer *body = &trial->reply->body;
	struct intake_counts counts = intake_count(trial->intake);

	buffer_printf(body, "{\"verification\":{\"verified\":%s,\"code\":", trial->verdict == VERIFIED ? "true" : "false");
	buffer_append_json_string(body, text_of(verdict_code(trial->verdict)));
	buffer_append_string(body, ",\"message\":");
	buffer_append_json_string(body, text_of(verdict_message(trial->verdict)));
	/* What signatures over the address are held against. */
	buffer_append_string(body, ",\"url\":");
	buffer_append_json_string(body, buffer_text(&trial->url));
	buffer_printf(body, "},\n\"accepted\":%zu,\"quarantined\":%zu,\"ignored\":%zu,\n", counts.accepted, counts.quarantined,
		      counts.ignored + counts.notices);
	intake_append_items(trial->intake, body);
	buffer_append_string(body, ",\n");
	append_events(trial, body);
	buffer_append_string(body, ",\n");
	append_unmapped(trial, body);
	buffer_append_string(body, "}\n");
}

static void release(struct trial *trial)
{
	for (size_t i = 0; trial->changes != NULL && trial->changes[i] != NULL; i++)
		free(trial->changes[i]);
	free(trial->changes);
	for (size_t i = 0; i < trial->unmapped_count; i++) {
		free(trial->unmapped[i].object);
		buffer_free(&trial->unmapped[i].name);
	}
	intake_free(trial->intake);
	known_source_free(trial->known);
	buffer_free(&trial->url);
	buffer_free(&trial->body);
	free(trial->query_memory);
	json_decref(trial->given);
	free(trial);
}

enum err source_test(struct request *request, struct reply *reply)
{
	struct trial *trial = memory_zeroed(1, sizeof *trial);
	enum err err;

	trial->request = request;
	trial->reply = reply;
	err = read_given(trial);
	if (err == ERR_OK)
		err = read_source(trial);
	if (err == ERR_OK) {
		read_delivery(trial);
		judge(trial);
		err = try_events(trial);
	}
	if (err == ERR_OK)
		answer(trial);
	release(trial);
	return err;
}
