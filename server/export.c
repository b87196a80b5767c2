#include "export.h"

#include "answer_stream.h"
#include "route.h"
#include "service.h"

enum { PIECE = 32 * 1024 }; /* bytes handed to the loop at a time: a wake-up a row would cost more than the row */

bool export_wanted(const struct request *request)
{
	return request->route->export != STATEMENT_NONE && request->format != FORMAT_JSON;
}

static bool wanted(void *context)
{
	return answer_stream_wanted(context);
}

static enum err open_rows(struct request *request, const struct db_param *params, size_t count, struct db_rows **rows, struct reply *reply)
{
	struct db_rows_open open = {
		.statement = request->route->export, .params = params, .count = count, .wanted = wanted, .context = request->answer,
		.timeout_ms = (int)(request->service->settings->export_timeout_s * 1000),
	};
	enum err err = db_rows_open(request->db, &open, rows, &reply->problems, &reply->detail);

	if (err != ERR_OK || db_rows_value(*rows, 0).data != NULL)
		return err;
	db_rows_close(*rows);
	*rows = NULL;
	return ERR_NOT_FOUND;
}

/* Sends this row and all that follow. */
static enum err send_rows(struct answer_stream *answer, struct db_rows *rows)
{
	struct buffer piece = {0};
	enum err err = ERR_OK;
	bool more = true, taken = true;

	while (err == ERR_OK && more && taken) {
		buffer_append_text(&piece, db_rows_value(rows, 0));
		if (piece.size >= PIECE) {
			taken = answer_stream_write(answer, buffer_text(&piece));
			buffer_clear(&piece);
		}
		err = db_rows_next(rows, &more);
	}
	if (err == ERR_OK && taken && piece.size > 0)
		(void)answer_stream_write(answer, buffer_text(&piece));
	buffer_free(&piece);
	return err;
}

enum err export_run(struct request *request, const struct db_param *params, size_t count, struct reply *reply)
{
	struct db_rows *rows;
	struct text cursor;
	enum err err = open_rows(request, params, count, &rows, reply);

	if (err != ERR_OK)
		return err;
	cursor = db_rows_value(rows, 1);
	if (cursor.data != NULL)
		query_link(request, cursor, reply);
	reply->content_type = query_content_type(request->format);
	/* From here on the reply is the loop's. */
	answer_stream_begin(request->answer, ANSWER_STREAM_SIZE);
	if (request->method != METHOD_HEAD)
		err = send_rows(request->answer, rows);
	db_rows_close(rows);
	return err;
}
