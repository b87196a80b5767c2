/* The configuration of sources. A document is compiled before it is kept, so that what is kept works. */
#include "sources.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "deliveries.h"
#include "json_scan.h"
#include "log.h"
#include "memory.h"
#include "route.h"
#include "seal.h"

static const struct field list_fields[] = {
    {.name = "cursor", .type = FIELD_STRING, .summary = "next of the page before"},
    {.name = "limit", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000, .summary = "sources a page"},
};
const struct shape source_list_params = SHAPE("sources", list_fields);

static void check_name(const json_t *value, const char *pointer, struct problems *problems)
{
	const char *name = json_string_value(value);
	size_t size = strlen(name);

	if (size == 0 || size > 63 || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_")] != '\0' || name[0] == '-' || name[0] == '_')
		problems_add(problems, pointer, "invalid_text", "1 to 63 of a-z, 0-9, - and _, the first a letter or digit");
	else if (strcmp(name, "api") == 0)
		problems_add(problems, pointer, "reserved", "\"api\" is the source of what keys without a source write");
}

static void check_url(const json_t *value, const char *pointer, struct problems *problems)
{
	const char *url = json_string_value(value);

	if ((strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) || url[strcspn(url, " #")] != '\0')
		problems_add(problems, pointer, "invalid_text", "the whole address that the sender calls, such as https://plumbline.example.com/v1/webhooks/hubspot");
}

static void check_preset(const json_t *value, const char *pointer, struct problems *problems)
{
	struct text name = {json_string_value(value), json_string_length(value)};
	struct buffer known = {0};

	if (preset_find(name) != NULL)
		return;
	for (size_t i = 0; i < presets_count; i++)
		buffer_printf(&known, "%s%s", i > 0 ? ", " : "", presets[i].name);
	problems_add(problems, pointer, "not_one_of", "there is no such preset; there are: %s", buffer_text(&known).data);
	buffer_free(&known);
}

static const struct field source_fields[] = {
    {.name = "source", .type = FIELD_STRING, .required = true, .bounded = true, .min = 1, .max = 63, .check = check_name},
    {.name = "preset", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 63, .check = check_preset},
    {.name = "enabled", .type = FIELD_BOOLEAN, .no_null = true},
    {.name = "url", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 2000, .check = check_url},
    {.name = "override", .type = FIELD_ANY},
};
static const struct shape source_shape = SHAPE("source", source_fields);

/* ── documents ──────────────────────────────────────────────────────────────────────────────────── */

static struct text member_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : (struct text){0};
}

static struct text override_of(struct text config)
{
	struct text raw = json_member(config, "override");

	return text_equal(raw, TEXT("null")) ? (struct text){0} : raw;
}

/* The document a configuration means, appended to out. */
static bool make_document(const json_t *config, struct text raw, struct buffer *out, struct problems *problems)
{
	struct text name = member_text(config, "preset");
	const struct preset *preset = name.data != NULL ? preset_find(name) : NULL;

	return source_document(preset != NULL ? preset->document : (struct text){0}, override_of(raw), out, problems);
}

/* Problems of the document, which the caller changes by its override. */
static void move_problems(struct problems *from, struct problems *to)
{
	for (size_t i = 0; i < from->count; i++) {
		struct buffer pointer = {0};

		buffer_printf(&pointer, "/override%s", from->items[i].pointer);
		problems_add(to, pointer.data, from->items[i].code, "%s", from->items[i].message);
		buffer_free(&pointer);
	}
	problems_free(from);
}

static struct source *compile_config(const json_t *config, struct text raw, struct problems *problems)
{
	struct problems found = {0};
	struct buffer document = {0};
	struct source *compiled = NULL;

	if (make_document(config, raw, &document, &found))
		compiled = source_compile(buffer_text(&document), &found);
	buffer_free(&document);
	move_problems(&found, problems);
	return compiled;
}

/* body, an object as the database wrote it, with the document its configuration means as a further member. */
static void append_with_document(struct text body, struct buffer *out)
{
	struct problems problems = {0};
	struct buffer document = {0};
	json_t *source = json_loadb(body.data, body.size, 0, NULL);

	if (make_document(source, body, &document, &problems)) {
		buffer_append(out, body.data, body.size - 1);
		buffer_append_string(out, ", \"document\": ");
		buffer_append_text(out, buffer_text(&document));
		buffer_append_string(out, "}");
	} else {
		buffer_append_text(out, body);
	}
	problems_free(&problems);
	buffer_free(&document);
	json_decref(source);
}

/* ── keeping one ────────────────────────────────────────────────────────────────────────────────── */

/* A configuration that is to be kept. */
struct change {
	struct request *request;
	struct reply *reply;
	struct text config; /* JSON */
	bool is_new;
	struct source *compiled;
	char name[64];
};

static enum err refused(struct change *change)
{
	size_t count = change->reply->problems.count;

	return reply_error(change->reply, ERR_VALIDATION_FAILED, "the source cannot be accepted: %zu problem%s", count, count == 1 ? "" : "s");
}

/* Checks the configuration; path_name: the name it must have, when the path says one. */
static enum err check_change(struct change *change, struct text path_name)
{
	struct problems *problems = &change->reply->problems;
	const char *code, *message;
	json_t *config = json_parse_strict(change->config, &code, &message);
	struct text name = member_text(config, "source");

	if (config == NULL) {
		problems_add(problems, "", code, "%s", message);
		return reply_error(change->reply, ERR_INVALID_JSON, "%s", message);
	}
	if (!json_is_object(config))
		problems_add(problems, "", "wrong_type", "must be an object");
	else if (shape_check(&source_shape, config, "", true, problems))
		change->compiled = compile_config(config, change->config, problems);
	if (problems->count == 0 && path_name.data != NULL && !text_equal(name, path_name))
		problems_add(problems, "/source", "given_twice", "the path says otherwise");
	if (name.size < sizeof change->name && name.size > 0)
		memcpy(change->name, name.data, name.size);
	json_decref(config);
	return problems->count == 0 ? ERR_OK : refused(change);
}

static enum err put_row(struct change *change)
{
	struct request *request = change->request;
	struct reply *reply = change->reply;
	struct db_result *row = NULL;
	struct buffer json = {0};
	char org_id[16];
	enum err err;

	snprintf(org_id, sizeof org_id, "%d", request->who.org_id);
	request_head_to_json(request, &json);
	err = db_run(request->db, STATEMENT_source_put,
		     (struct db_param[]){{.text = text_of(org_id)},
					 {.text = buffer_text(&json)},
					 {.text = change->config},
					 {.text = change->is_new ? TEXT("t") : TEXT("f")}},
		     4, DB_ONE, &row, &reply->problems, &reply->detail);
	if (err == ERR_OK)
		append_with_document(db_value(row, 0, 0), &reply->body);
	db_result_free(row);
	buffer_free(&json);
	return err;
}

/* The records that the mapping itself refers to, written as events of the source. */
static enum err write_records(struct change *change)
{
	struct intake *intake = intake_new((struct text){0});
	struct ingest_item **items;
	struct ingest_result *results;
	struct principal who = {.org_id = change->request->who.org_id};
	int64_t data_version;
	size_t count = 0;
	enum err err;

	memcpy(who.source, change->name, sizeof change->name);
	records_read(change->compiled, intake);
	items = memory_zeroed(intake->count + 1, sizeof *items);
	results = memory_zeroed(intake->count + 1, sizeof *results);
	for (size_t i = 0; i < intake->count; i++)
		if (intake->parts[i].type == PART_EVENT)
			items[count++] = &intake->parts[i].item;
	err = ingest_write(change->request->db, &who, items, count, false, false, &data_version, results);
	for (size_t i = 0; i < count; i++) {
		if (err == ERR_OK && results[i].outcome == OUTCOME_REJECTED)
			log_say(LOG_WARN, "source_record", "source %s: a record of its mapping was rejected: %s", change->name,
				results[i].code != NULL ? results[i].code : "");
		ingest_result_free(&results[i]);
	}
	free(items);
	free(results);
	intake_free(intake);
	return err;
}

/* Keeps a checked configuration, in the transaction that is open. */
static enum err keep(struct change *change)
{
	enum err err = put_row(change);

	return err == ERR_OK ? write_records(change) : err;
}

static enum err end(struct change *change, enum err err)
{
	struct db *db = change->request->db;

	source_free(change->compiled);
	if (err == ERR_OK)
		return db_commit(db);
	if (db_in_transaction(db))
		db_rollback(db);
	buffer_free(&change->reply->body);
	return err;
}

enum err source_post(struct request *request, struct reply *reply)
{
	struct change change = {.request = request, .reply = reply, .config = request->body, .is_new = true};
	char location[96];
	enum err err = check_change(&change, (struct text){0});

	if (err == ERR_OK)
		err = db_begin(request->db);
	if (err == ERR_OK)
		err = keep(&change);
	err = end(&change, err);
	if (err != ERR_OK)
		return err;
	reply->status = 201;
	snprintf(location, sizeof location, "/v1/sources/%s", change.name);
	reply_header(reply, "Location", location);
	return ERR_OK;
}

/* The body with the name of the path where it says none. */
static void name_config(struct text body, struct text name, struct buffer *config)
{
	struct problems ignored = {0};
	struct buffer named = {0};

	buffer_append_string(&named, "{\"source\":");
	buffer_append_json_string(&named, name);
	buffer_append_string(&named, "}");
	if (!source_document(buffer_text(&named), body, config, &ignored)) {
		buffer_clear(config);
		buffer_append_text(config, body);
	}
	problems_free(&ignored);
	buffer_free(&named);
}

enum err source_replace(struct request *request, struct reply *reply)
{
	struct change change = {.request = request, .reply = reply};
	struct buffer config = {0};
	const char *code, *message;
	json_t *body = json_parse_strict(request->body, &code, &message);
	enum err err;

	if (body == NULL)
		return reply_error(reply, ERR_INVALID_JSON, "%s", message);
	json_decref(body);
	name_config(request->body, request->path_params[0], &config);
	change.config = buffer_text(&config);
	err = check_change(&change, request->path_params[0]);
	if (err == ERR_OK)
		err = db_begin(request->db);
	if (err == ERR_OK)
		err = keep(&change);
	err = end(&change, err);
	buffer_free(&config);
	return err;
}

static enum err hold(struct request *request, struct reply *reply, struct buffer *config)
{
	struct db_result *row = NULL;
	char org_id[16];
	enum err err;

	snprintf(org_id, sizeof org_id, "%d", request->who.org_id);
	err = db_run(request->db, STATEMENT_source_held,
		     (struct db_param[]){{.text = text_of(org_id)}, {.text = request->path_params[0]}}, 2, DB_ONE, &row, NULL, NULL);
	if (err == ERR_OK && db_value(row, 0, 0).data == NULL)
		err = reply_error(reply, ERR_NOT_FOUND, "there is no such source");
	else if (err == ERR_OK && !source_document(db_value(row, 0, 0), request->body, config, &reply->problems))
		err = reply_error(reply, ERR_VALIDATION_FAILED, "the body must be an object: a merge patch (RFC 7396)");
	db_result_free(row);
	return err;
}

enum err source_patch(struct request *request, struct reply *reply)
{
	struct change change = {.request = request, .reply = reply};
	struct buffer config = {0};
	const char *code, *message;
	json_t *body = json_parse_strict(request->body, &code, &message);
	enum err err;

	if (body == NULL)
		return reply_error(reply, ERR_INVALID_JSON, "%s", message);
	json_decref(body);
	err = db_begin(request->db);
	if (err == ERR_OK)
		err = hold(request, reply, &config);
	change.config = buffer_text(&config);
	if (err == ERR_OK)
		err = check_change(&change, request->path_params[0]);
	if (err == ERR_OK)
		err = keep(&change);
	err = end(&change, err);
	buffer_free(&config);
	return err;
}

enum err source_get(struct request *request, struct reply *reply)
{
	struct db_result *row = NULL;
	char org_id[16];
	enum err err;

	snprintf(org_id, sizeof org_id, "%d", request->who.org_id);
	err = db_run(request->db, STATEMENT_source_get,
		     (struct db_param[]){{.text = text_of(org_id)}, {.text = request->path_params[0]}}, 2, DB_ONE, &row, &reply->problems,
		     &reply->detail);
	if (err == ERR_OK)
		append_with_document(db_value(row, 0, 0), &reply->body);
	db_result_free(row);
	return err;
}

enum err preset_list(struct request *request, struct reply *reply)
{
	(void)request;
	buffer_append_string(&reply->body, "{\"data\":[");
	for (size_t i = 0; i < presets_count; i++) {
		buffer_printf(&reply->body, "%s{\"preset\":\"%s\",\"document\":", i > 0 ? ",\n" : "\n", presets[i].name);
		buffer_append_text(&reply->body, presets[i].document);
		buffer_append_string(&reply->body, "}");
	}
	buffer_append_string(&reply->body, "],\"next\":null}\n");
	return ERR_OK;
}

/* ── secrets ────────────────────────────────────────────────────────────────────────────────────── */

enum { SECRET_BYTES = 32, OVERLAP_DEFAULT_H = 24, OVERLAP_MAX_H = 8760 };

static const struct field secret_fields[] = {
    {.name = "secret", .type = FIELD_STRING, .bounded = true, .min = 8, .max = 1000, .summary = "made up when absent"},
    {.name = "overlap_hours", .type = FIELD_INTEGER, .no_null = true, .bounded = true, .min = 0, .max = OVERLAP_MAX_H,
     .summary = "how long the secret before it goes on to hold"},
};
static const struct shape secret_shape = SHAPE("secret", secret_fields);

/* A secret in the form that the first verifier of a document takes: base64 behind its prefix (whsec_), user and password, or hexadecimal
 * digits, which are a text as well as a key. */
static void make_secret(const json_t *document, struct buffer *secret)
{
	const json_t *verifier = json_array_get(json_object_get(document, "verify"), 0);
	struct text prefix = member_text(verifier, "secret_prefix");
	unsigned char bytes[SECRET_BYTES];
	char text[2 * SECRET_BYTES + 1];

	randombytes_buf(bytes, sizeof bytes);
	if (text_equal(member_text(verifier, "secret_encoding"), TEXT("base64")))
		sodium_bin2base64(text, sizeof text, bytes, sizeof bytes, sodium_base64_VARIANT_ORIGINAL);
	else
		sodium_bin2hex(text, sizeof text, bytes, sizeof bytes);
	if (prefix.data != NULL)
		buffer_append_text(secret, prefix);
	else if (text_equal(member_text(verifier, "type"), TEXT("basic")))
		buffer_append_string(secret, "plumbline:");
	buffer_append_string(secret, text);
	sodium_memzero(bytes, sizeof bytes);
	sodium_memzero(text, sizeof text);
}

static enum err make_secret_for(struct request *request, struct reply *reply, struct buffer *secret)
{
	struct reply source = {0};
	json_t *answer = NULL;
	enum err err = source_get(request, &source);

	if (err == ERR_OK) {
		answer = json_loadb(source.body.data, source.body.size, 0, NULL);
		make_secret(json_object_get(answer, "document"), secret);
	} else {
		reply_error(reply, err, "%s", buffer_text(&source.detail).data != NULL ? source.detail.data : "");
	}
	json_decref(answer);
	reply_free(&source);
	return err;
}

/* A secret that proves nothing would end the one that does. */
static enum err check_secret(struct request *request, struct reply *reply, struct text secret)
{
	struct known_source *known = NULL;
	struct buffer name = {0};
	enum err err;

	buffer_append_text(&name, request->path_params[0]);
	err = registry_read(request->service->settings, request->db, request->who.org_id, name.data, (struct text){0}, &known, NULL);
	if (err == ERR_NOT_FOUND)
		reply_error(reply, err, "there is no such source");
	if (err == ERR_OK && known->compiled != NULL && !source_takes_secret(known->compiled, secret)) {
		problems_add(&reply->problems, "/secret", "not_a_secret",
			     "no verifier of the source can go by it: see its encoding and length, or leave it out to have one made");
		err = reply_error(reply, ERR_VALIDATION_FAILED, "the secret cannot be accepted");
	}
	known_source_free(known);
	buffer_free(&name);
	return err;
}

static enum err put_secret(struct request *request, struct reply *reply, struct text secret, long long overlap_hours)
{
	struct db_result *row = NULL;
	struct buffer json = {0}, kept = {0}, name = {0};
	char org_id[16], hours[16];
	enum err err;

	snprintf(org_id, sizeof org_id, "%d", request->who.org_id);
	snprintf(hours, sizeof hours, "%lld", overlap_hours);
	request_head_to_json(request, &json);
	buffer_append_text(&name, request->path_params[0]);
	secret_seal(request->service->settings->secret_key, request->who.org_id, name.data, secret, &kept);
	err = db_run(request->db, STATEMENT_source_secret_put,
		     (struct db_param[]){{.text = text_of(org_id)},
					 {.text = buffer_text(&json)},
					 {.text = request->path_params[0]},
					 {.text = buffer_text(&kept)},
					 {.text = text_of(hours)}},
		     5, DB_ONE, &row, &reply->problems, &reply->detail);
	if (err == ERR_OK)
		buffer_append_text(&reply->body, db_value(row, 0, 0));
	db_result_free(row);
	sodium_memzero(kept.data, kept.size);
	buffer_free(&kept);
	buffer_free(&name);
	buffer_free(&json);
	return err;
}

enum err source_secret_post(struct request *request, struct reply *reply)
{
	const char *code, *message = "";
	json_t *body = request->body.size > 0 ? json_parse_strict(request->body, &code, &message) : json_object();
	struct buffer made = {0};
	struct text secret;
	json_int_t overlap;
	enum err err;

	if (body == NULL)
		return reply_error(reply, ERR_INVALID_JSON, "%s", message);
	if (!json_is_object(body))
		problems_add(&reply->problems, "", "wrong_type", "must be an object");
	else
		shape_check(&secret_shape, body, "", true, &reply->problems);
	if (reply->problems.count > 0) {
		json_decref(body);
		return reply_error(reply, ERR_VALIDATION_FAILED, "the secret cannot be accepted");
	}
	secret = member_text(body, "secret");
	err = secret.data == NULL ? make_secret_for(request, reply, &made) : check_secret(request, reply, secret);
	overlap = json_object_get(body, "overlap_hours") != NULL ? json_integer_value(json_object_get(body, "overlap_hours")) : OVERLAP_DEFAULT_H;
	if (err == ERR_OK)
		err = put_secret(request, reply, secret.data != NULL ? secret : buffer_text(&made), overlap);
	if (err == ERR_OK && made.size > 0) {
		/* Shown this once. */
		reply->body.size--;
		buffer_append_string(&reply->body, ", \"secret\": ");
		buffer_append_json_string(&reply->body, buffer_text(&made));
		buffer_append_string(&reply->body, "}");
	}
	reply->status = err == ERR_OK ? 201 : 0;
	reply->no_store = true;
	buffer_free(&made);
	json_decref(body);
	return err;
}
