/* The handler of everything that is one statement: the body is what PostgreSQL built. */
#include <string.h>

#include "db.h"
#include "export.h"
#include "route.h"
#include "shape.h"

static void append_string_or_null(struct buffer *out, const char *value)
{
	if (value[0] != '\0')
		buffer_append_json_string(out, text_of(value));
	else
		buffer_append_string(out, "null");
}

static const char *format_word(enum format format)
{
	static const char *const words[] = {[FORMAT_JSON] = "json", [FORMAT_CSV] = "csv", [FORMAT_NDJSON] = "ndjson"};

	return words[format];
}

static void append_who(struct buffer *out, const struct principal *who)
{
	static const char *const words[] = {[READ_ALL] = "all", [READ_TEAM] = "team", [READ_SELF] = "self"};

	buffer_printf(out, "\"who\":{\"scope\":\"%s\",\"rep\":", words[who->read_scope]);
	append_string_or_null(out, who->rep_id);
	buffer_append_string(out, ",\"team\":");
	append_string_or_null(out, who->team_id);
	buffer_append_string(out, ",\"key\":");
	append_string_or_null(out, who->key_id);
	buffer_append_string(out, "}");
}

void request_to_json(const struct request *request, struct buffer *out)
{
	buffer_append_string(out, "{\"path\":[");
	for (size_t i = 0; i < request->path_param_count; i++) {
		buffer_append_string(out, i > 0 ? "," : "");
		buffer_append_json_string(out, request->path_params[i]);
	}
	buffer_append_string(out, "],\"query\":{");
	for (size_t i = 0; i < request->query_count; i++) {
		buffer_append_string(out, i > 0 ? "," : "");
		buffer_append_json_string(out, request->query[i].name);
		buffer_append_string(out, ":");
		buffer_append_json_string(out, request->query[i].value);
	}
	buffer_printf(out, "},\"format\":\"%s\",", format_word(request->format));
	append_who(out, &request->who);
	buffer_append_string(out, ",\"body\":");
	if (request->body.size > 0)
		buffer_append_text(out, request->body);
	else
		buffer_append_string(out, "null");
	buffer_append_string(out, "}");
}

void request_head_to_json(const struct request *request, struct buffer *out)
{
	struct request bare = *request;

	bare.body = (struct text){0};
	request_to_json(&bare, out);
}

/* The text goes to PostgreSQL as it came, so that decimals stay exact; here it is only made sure that it is JSON. */
static enum err check_body(struct request *request, struct reply *reply)
{
	const char *code = NULL, *message = NULL;
	json_t *document;

	if (request->body.size == 0)
		return ERR_OK;
	document = json_parse_strict(request->body, &code, &message);
	if (document == NULL)
		return reply_error(reply, ERR_INVALID_JSON, "%s", message);
	json_decref(document);
	return ERR_OK;
}

static void append_percent_encoded(struct buffer *out, struct text text)
{
	for (size_t i = 0; i < text.size; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
			     strchr("-._~", byte) != NULL;

		if (plain && byte != '\0')
			buffer_append(out, &byte, 1);
		else
			buffer_printf(out, "%%%02X", byte);
	}
}

void query_link(const struct request *request, struct text cursor, struct reply *reply)
{
	const char *end = memchr(request->target.data, '?', request->target.size);
	struct buffer link = {0};

	buffer_append_string(&link, "<");
	buffer_append(&link, request->target.data, end != NULL ? (size_t)(end - request->target.data) : request->target.size);
	buffer_append_string(&link, "?cursor=");
	append_percent_encoded(&link, cursor);
	for (size_t i = 0; i < request->query_count; i++) {
		if (text_equal_string(request->query[i].name, "cursor"))
			continue;
		buffer_append_string(&link, "&");
		append_percent_encoded(&link, request->query[i].name);
		buffer_append_string(&link, "=");
		append_percent_encoded(&link, request->query[i].value);
	}
	if (request->format != FORMAT_JSON) /* which the machinery has taken out of the parameters */
		buffer_printf(&link, "&format=%s", format_word(request->format));
	buffer_append_string(&link, ">; rel=\"next\"");
	reply_header(reply, "Link", link.data);
	buffer_free(&link);
}

const char *query_content_type(enum format format)
{
	static const char *const types[] = {
	    [FORMAT_JSON] = NULL,
	    [FORMAT_CSV] = "text/csv; charset=utf-8; header=present",
	    [FORMAT_NDJSON] = "application/x-ndjson",
	};

	return types[format];
}

void query_reply(const struct request *request, const struct db_result *rows, struct reply *reply)
{
	struct text cursor = db_columns(rows) > 1 ? db_value(rows, 0, 1) : (struct text){0};

	buffer_clear(&reply->body);
	buffer_append_text(&reply->body, db_value(rows, 0, 0));
	reply->content_type = query_content_type(request->format);
	if (cursor.data != NULL)
		query_link(request, cursor, reply);
}

enum err query_ask(struct request *request, struct reply *reply, enum statement statement, struct db_result **rows)
{
	struct buffer json = {0};
	struct db_param params[2];
	char org_id[16];
	enum err err = check_body(request, reply);

	if (err != ERR_OK)
		return err;
	snprintf(org_id, sizeof org_id, "%d", request->who.org_id);
	request_to_json(request, &json);
	params[0] = (struct db_param){.text = text_of(org_id)};
	params[1] = (struct db_param){.text = buffer_text(&json)};
	if (export_wanted(request)) {
		err = export_run(request, params, 2, reply);
		buffer_free(&json);
		return err;
	}
	err = db_run(request->db, statement, params, 2, DB_ONE, rows, &reply->problems, &reply->detail);
	if (err == ERR_OK && db_value(*rows, 0, 0).data == NULL) {
		db_result_free(*rows);
		*rows = NULL;
		err = ERR_NOT_FOUND;
	}
	buffer_free(&json);
	return err;
}

enum err query_run(struct request *request, struct reply *reply)
{
	struct db_result *rows = NULL;
	enum err err = query_ask(request, reply, request->route->statement, &rows);

	if (err == ERR_OK && rows != NULL) /* else an export, which is sent already */
		query_reply(request, rows, reply);
	db_result_free(rows);
	return err;
}
