/* POST /v1/{kind}: one object, a JSON array, or a stream of NDJSON or CSV. */
#include <stdlib.h>
#include <string.h>

#include "bulk.h"
#include "csv_object.h"
#include "csv_reader.h"
#include "json_scan.h"
#include "line_reader.h"
#include "memory.h"
#include "resources.h"
#include "route.h"

enum { BLOCK_SIZE = 64 * 1024 };

/* Records on their way into a bulk write. */
struct upload {
	struct bulk *bulk;
	const struct resource *resource;
	struct csv_header *header; /* NULL: not read yet */
	struct buffer record;      /* a row as JSON */
	struct reply *reply;
	enum err err;              /* why it ended early */
};

/* An answer other than the counts says what was stored before. */
static enum err end_early(const struct upload *upload, enum err err, const char *because)
{
	struct reply *reply = upload->reply;
	struct buffer detail = {0};

	if (err == ERR_BODY_TOO_LARGE)
		because = "an atomic write holds at most 16 MiB and 200,000 items";
	if (because != NULL)
		buffer_printf(&detail, "%s; ", because);
	bulk_say_so_far(upload->bulk, &detail);
	buffer_clear(&reply->detail);
	buffer_append_text(&reply->detail, buffer_text(&detail));
	buffer_free(&detail);
	return err;
}

/* ── JSON array ─────────────────────────────────────────────────────────────────────────────────── */
static enum err post_array(const struct request *request, struct upload *upload)
{
	struct json_fault fault;
	struct json_walk walk;
	struct text element;

	/* The whole text first: what is not JSON is refused before anything is stored. */
	if (!json_scan_valid(request->body, NULL, &fault)) {
		size_t line, column;

		json_scan_position(request->body, fault.offset, &line, &column);
		problems_add(&upload->reply->problems, "", "invalid_json", "line %zu, column %zu: %s", line, column, fault.message);
		return reply_error(upload->reply, ERR_INVALID_JSON, "line %zu, column %zu: %s", line, column, fault.message);
	}
	json_walk_open(request->body, &walk);
	while (json_walk_next(&walk, NULL, &element) == JSON_STEP_VALUE) {
		enum err err = bulk_add(upload->bulk, element, 0);

		if (err != ERR_OK)
			return end_early(upload, err, NULL);
	}
	return ERR_OK;
}

/* ── NDJSON ─────────────────────────────────────────────────────────────────────────────────────── */
static bool take_line(void *context, const struct line *line)
{
	struct upload *upload = context;
	struct problems problems = {0};

	if (line->too_long) {
		problems_add(&problems, "", "too_long", "a line has at most 1 MiB");
		bulk_reject(upload->bulk, line->number, &problems);
		problems_free(&problems);
		return true;
	}
	upload->err = bulk_add(upload->bulk, line->text, line->number);
	return upload->err == ERR_OK;
}

static enum err post_ndjson(struct request *request, struct upload *upload, char *block)
{
	struct line_reader reader = {.limit = ITEM_MAX, .take = take_line, .context = upload};
	enum err err = ERR_OK;
	bool going = true;
	long got = 0;

	while (going && (got = body_stream_read(request->stream, block, BLOCK_SIZE, &err)) > 0)
		going = line_reader_feed(&reader, block, (size_t)got);
	if (got == 0)
		line_reader_end(&reader);
	line_reader_free(&reader);
	if (got < 0)
		return end_early(upload, err, NULL);
	return upload->err == ERR_OK ? ERR_OK : end_early(upload, upload->err, NULL);
}

/* ── CSV ────────────────────────────────────────────────────────────────────────────────────────── */
static bool take_row(void *context, const struct csv_row *row)
{
	struct upload *upload = context;
	struct problems problems = {0};

	if (upload->header == NULL) {
		upload->header = csv_header_new(upload->resource->shape, "id", row, &upload->reply->problems);
		if (upload->header == NULL)
			upload->err = reply_error(upload->reply, ERR_VALIDATION_FAILED, "the header cannot be accepted as it is; nothing was stored");
		return upload->header != NULL;
	}
	buffer_clear(&upload->record);
	if (csv_row_to_json(upload->header, row, &upload->record, &problems))
		upload->err = bulk_add(upload->bulk, buffer_text(&upload->record), row->line);
	else
		bulk_reject(upload->bulk, row->line, &problems);
	problems_free(&problems);
	return upload->err == ERR_OK;
}

static enum err refuse_csv(struct upload *upload, const struct csv_fault *fault)
{
	struct buffer because = {0};
	enum err err;

	buffer_printf(&because, "line %zu: %s", fault->line, fault->message);
	problems_add(&upload->reply->problems, "", "invalid_csv", "%s", because.data);
	err = end_early(upload, ERR_INVALID_CSV, because.data);
	buffer_free(&because);
	return err;
}

static enum err end_csv(struct upload *upload, const struct csv_fault *fault)
{
	if (fault->message != NULL)
		return refuse_csv(upload, fault);
	if (upload->err == ERR_VALIDATION_FAILED)
		return upload->err;
	return end_early(upload, upload->err, NULL);
}

static enum err post_csv(struct request *request, struct upload *upload, char *block)
{
	struct csv_reader *reader = csv_reader_new(take_row, upload);
	struct csv_fault fault = {0};
	enum err err = ERR_OK;
	bool going = true;
	long got = 0;

	while (going && (got = body_stream_read(request->stream, block, BLOCK_SIZE, &err)) > 0)
		going = csv_reader_feed(reader, block, (size_t)got, &fault);
	if (going && got == 0)
		going = csv_reader_end(reader, &fault);
	csv_reader_free(reader);
	if (got < 0)
		return end_early(upload, err, NULL);
	if (going && upload->header == NULL)
		return refuse_csv(upload, &(struct csv_fault){1, "there is no header row"});
	return going ? ERR_OK : end_csv(upload, &fault);
}

/* ── all of them ────────────────────────────────────────────────────────────────────────────────── */
static enum err read_records(struct request *request, struct upload *upload)
{
	char *block;
	enum err err;

	if (request->stream == NULL)
		return post_array(request, upload);
	block = memory_take(BLOCK_SIZE);
	err = request->media == MEDIA_CSV ? post_csv(request, upload, block) : post_ndjson(request, upload, block);
	free(block);
	return err;
}

enum err resource_post(struct request *request, struct reply *reply)
{
	struct item_context context = resource_context(request, ITEM_ENTRY, &reply->problems);
	struct upload upload = {.resource = context.resource, .reply = reply};
	struct json_walk walk;
	enum err err;

	if (request->stream == NULL && (!json_walk_open(request->body, &walk) || walk.is_object)) {
		problems_free(&reply->problems);
		return resource_write(request, reply);
	}
	if (request_query(request, "event_id").data != NULL)
		problems_add(&reply->problems, "event_id", "not_allowed", "names one event; here each item names its own");
	if (reply->problems.count > 0)
		return reply_error(reply, ERR_INVALID_PARAMETER, "%s", reply->problems.items[0].message);
	upload.bulk = bulk_new(request, &context);
	err = read_records(request, &upload);
	if (err == ERR_OK) {
		err = bulk_finish(upload.bulk, reply);
		if (err != ERR_OK && reply->problems.count == 0)
			err = end_early(&upload, err, NULL);
	}
	csv_header_free(upload.header);
	buffer_free(&upload.record);
	bulk_free(upload.bulk);
	return err;
}
