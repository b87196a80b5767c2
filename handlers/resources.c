/* One object at a time: PUT, PATCH, DELETE, restore, merge, and reading. */
#include "resources.h"

#include <stdio.h>
#include <string.h>

#include "export.h"
#include "json_scan.h"
#include "route.h"
#include "shape_text.h"

#define OCCURRED_AT {.name = "occurred_at", .type = FIELD_DATETIME, .summary = "when it happened; now when absent"}

static const struct field write_fields[] = {
	OCCURRED_AT,
	{.name = "event_id", .type = FIELD_ID, .summary = "the source's id of this event"},
};
const struct shape write_params = SHAPE("write", write_fields);

static const struct field post_fields[] = {
	OCCURRED_AT,
	{.name = "event_id", .type = FIELD_ID, .summary = "the source's id of this event, for a single object"},
	{.name = "atomic", .type = FIELD_BOOLEAN, .summary = "all or nothing"},
	{.name = "dry_run", .type = FIELD_BOOLEAN, .summary = "try everything, write nothing"},
};
const struct shape post_params = SHAPE("post", post_fields);

static const struct field list_fields[] = {
	{.name = "cursor", .type = FIELD_STRING, .summary = "next of the page before"},
	{.name = "limit", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000, .summary = "objects a page"},
	{.name = "include_deleted", .type = FIELD_BOOLEAN, .summary = "deleted and merged ones too"},
};
const struct shape list_params = SHAPE("list", list_fields);

static const struct field history_fields[] = {
	{.name = "cursor", .type = FIELD_STRING, .summary = "next of the page before"},
	{.name = "limit", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000, .summary = "events a page"},
};
const struct shape history_params = SHAPE("history", history_fields);

static const struct resource *resource_of(const struct request *request)
{
	return request->route->data;
}

/* The event id that stands outside the record: the query parameter, or the header. */
static struct text outer_event_id(const struct request *request, struct problems *problems)
{
	static const struct field id = {.name = "event_id", .type = FIELD_ID};
	struct text query = request_query(request, "event_id");
	const struct text *header = request->header(request, "idempotency-key");
	struct text_fault fault;

	if (header == NULL)
		return query;
	if (!text_is_clean_utf8(*header))
		problems_add(problems, "Idempotency-Key", "invalid_text", "the header is not valid UTF-8");
	else if (!text_fits(&id, *header, &fault))
		problems_add(problems, "Idempotency-Key", fault.code, "%s", fault.message);
	else if (query.data != NULL && !text_equal(query, *header))
		problems_add(problems, "event_id", "given_twice", "the header Idempotency-Key says otherwise");
	return *header;
}

struct item_context resource_context(const struct request *request, enum item_form form, struct problems *problems)
{
	return (struct item_context){
	    .resource = resource_of(request),
	    .form = form,
	    .id = request->path_param_count > 0 ? request->path_params[0] : (struct text){0},
	    .occurred_at = request_query(request, "occurred_at"),
	    .event_id = outer_event_id(request, problems),
	    .strict = true,
	};
}

static enum err refused(const struct resource *resource, struct reply *reply)
{
	size_t count = reply->problems.count;

	return reply_error(reply, ERR_VALIDATION_FAILED, "the %s cannot be accepted as it is: %zu problem%s", resource->kind, count,
			   count == 1 ? "" : "s");
}

static enum err read_body(struct request *request, struct reply *reply, enum item_form form, struct ingest_item *item)
{
	struct item_context context = resource_context(request, form, &reply->problems);

	switch (item_read(&context, request->body, item, &reply->problems)) {
	case ITEM_NOT_JSON:
		return reply_error(reply, ERR_INVALID_JSON, "%s", reply->problems.items[reply->problems.count - 1].message);
	case ITEM_REFUSED:
		return refused(context.resource, reply);
	case ITEM_SOUND:
		break;
	}
	if (reply->problems.count == 0)
		return ERR_OK;
	ingest_item_free(item);
	return refused(context.resource, reply);
}

enum err resource_put(struct request *request, struct reply *reply, struct ingest_item *item, bool *single)
{
	*single = true;
	return read_body(request, reply, ITEM_FULL, item);
}

enum err resource_patch(struct request *request, struct reply *reply, struct ingest_item *item, bool *single)
{
	*single = true;
	return read_body(request, reply, ITEM_PATCH, item);
}

enum err resource_post_one(struct request *request, struct reply *reply, struct ingest_item *item, bool *single)
{
	struct json_walk walk;
	bool is_array = request->stream == NULL && json_walk_open(request->body, &walk) && !walk.is_object;

	*single = request->stream == NULL && !is_array && !text_equal_string(request_query(request, "dry_run"), "true");
	return *single ? read_body(request, reply, ITEM_ENTRY, item) : ERR_OK;
}

/* delete, restore and merge have no record: the body, if any, is a few members of its own. */
static enum err make_item(const struct item_context *context, struct reply *reply, const char *operation, struct text into,
			  struct ingest_item *item)
{
	if (reply->problems.count == 0 && item_make(context, operation, into, item, &reply->problems))
		return ERR_OK;
	return refused(context->resource, reply);
}

enum err resource_delete(struct request *request, struct reply *reply, struct ingest_item *item, bool *single)
{
	struct item_context context = resource_context(request, ITEM_ENTRY, &reply->problems);

	*single = true;
	return make_item(&context, reply, "delete", (struct text){0}, item);
}

enum err resource_restore(struct request *request, struct reply *reply, struct ingest_item *item, bool *single)
{
	struct item_context context = resource_context(request, ITEM_ENTRY, &reply->problems);

	*single = true;
	return make_item(&context, reply, "restore", (struct text){0}, item);
}

static const struct field merge_fields[] = {
	{.name = "into", .type = FIELD_ID, .required = true, .summary = "the id of the object that stays"},
};
static const struct shape merge_shape = SHAPE("merge", merge_fields);

enum err resource_merge(struct request *request, struct reply *reply, struct ingest_item *item, bool *single)
{
	struct item_context context = resource_context(request, ITEM_ENTRY, &reply->problems);
	const char *code, *message;
	json_t *body = json_parse_strict(request->body, &code, &message), *value;
	struct text into = {0};
	enum err err;

	*single = true;
	if (body == NULL) {
		problems_add(&reply->problems, "", code, "%s", message);
		return reply_error(reply, ERR_INVALID_JSON, "%s", message);
	}
	shape_check_text(&merge_shape, body, request->body, "", true, &reply->problems);
	value = json_object_get(body, "into");
	if (json_is_string(value))
		into = (struct text){json_string_value(value), json_string_length(value)};
	else if (json_is_number(value))
		into = json_member(request->body, "into");
	if (text_equal(into, context.id))
		problems_add(&reply->problems, "/into", "merged_into_itself", "an object cannot be merged into itself");
	err = make_item(&context, reply, "merge", into, item);
	json_decref(body);
	return err;
}

/* A single write that did not go through group commit: too large for the event loop, or a dry run. */
enum err resource_write(struct request *request, struct reply *reply)
{
	bool dry_run = text_equal_string(request_query(request, "dry_run"), "true"), single = true;
	struct ingest_item item = {0}, *items[] = {&item};
	struct ingest_result result = {0};
	int64_t data_version;
	enum err err;

	err = request->route->prepare(request, reply, &item, &single);
	if (err == ERR_OK && !single)
		err = read_body(request, reply, ITEM_ENTRY, &item);
	if (err == ERR_OK)
		err = ingest_write(request->db, &request->who, items, 1, dry_run, false, &data_version, &result);
	if (err == ERR_OK)
		err = ingest_reply_single(&result, &item, data_version, reply);
	ingest_result_free(&result);
	ingest_item_free(&item);
	return err;
}

/* The columns of a list as CSV: what the table of the kind says after the envelope. */
static enum err read_export(struct request *request, struct reply *reply, struct db_param *params)
{
	const struct shape *shape = resource_of(request)->shape;
	struct db_array fields = {0};
	enum err err;

	for (size_t i = ENVELOPE_FIELDS; i < shape->count; i++)
		db_array_add(&fields, text_of(shape->fields[i].name));
	params[3] = db_array_param(&fields);
	err = export_run(request, params, request->path_param_count > 0 ? 3 : 4, reply);
	db_array_free(&fields);
	return err;
}

enum err resource_read(struct request *request, struct reply *reply)
{
	struct db_result *rows = NULL;
	struct buffer json = {0};
	struct db_param params[4];
	char org_id[16];
	enum err err;

	snprintf(org_id, sizeof org_id, "%d", request->who.org_id);
	request_to_json(request, &json);
	params[0] = (struct db_param){.text = text_of(org_id)};
	params[1] = (struct db_param){.text = text_of(resource_of(request)->kind)};
	params[2] = (struct db_param){.text = buffer_text(&json)};
	if (export_wanted(request))
		err = read_export(request, reply, params);
	else
		err = db_run(request->db, request->route->statement, params, 3, DB_ONE, &rows, &reply->problems, &reply->detail);
	if (err == ERR_OK && rows != NULL && db_value(rows, 0, 0).data == NULL)
		err = ERR_NOT_FOUND;
	if (err == ERR_OK && rows != NULL)
		query_reply(request, rows, reply);
	else if (err == ERR_NOT_FOUND && request->path_param_count > 0)
		reply_error(reply, err, "there is no %s \"%.*s\"", resource_of(request)->kind, (int)request->path_params[0].size,
			    request->path_params[0].data);
	db_result_free(rows);
	buffer_free(&json);
	return err;
}
