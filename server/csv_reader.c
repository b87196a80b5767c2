#include "csv_reader.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct csv_reader {
	struct csv_parser parser;
	bool (*row)(void *context, const struct csv_row *row);
	void *context;
	struct buffer bytes;                /* of the cells of the row that is being read */
	size_t ends[CSV_COLUMNS_MAX];       /* of each cell in bytes */
	struct text cells[CSV_COLUMNS_MAX];
	size_t count;
	size_t line, row_line;              /* being read; where the row began, 0: no row begun */
	size_t row_bytes;
	size_t head;                        /* bytes of the byte order mark seen so far */
	bool started;                       /* behind the place of the byte order mark */
	bool stopped;
	const char *message;
};

static const char mark[] = "\xEF\xBB\xBF";

struct csv_reader *csv_reader_new(bool (*row)(void *context, const struct csv_row *row), void *context)
{
	struct csv_reader *reader = memory_zeroed(1, sizeof *reader);

	if (csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
		abort();
	reader->row = row;
	reader->context = context;
	reader->line = 1;
	return reader;
}

void csv_reader_free(struct csv_reader *reader)
{
	if (reader == NULL)
		return;
	csv_free(&reader->parser);
	buffer_free(&reader->bytes);
	free(reader);
}

static void take_cell(void *cell, size_t size, void *context)
{
	struct csv_reader *reader = context;

	if (reader->stopped || reader->message != NULL)
		return;
	if (reader->count == CSV_COLUMNS_MAX) {
		reader->message = "a row has more than 1,000 cells";
		return;
	}
	buffer_append(&reader->bytes, cell, size);
	reader->ends[reader->count++] = reader->bytes.size;
}

static void end_row(int terminator, void *context)
{
	struct csv_reader *reader = context;
	size_t start = 0;

	(void)terminator;
	if (reader->stopped || reader->message != NULL)
		return;
	for (size_t i = 0; i < reader->count; i++) {
		reader->cells[i] = (struct text){reader->bytes.data + start, reader->ends[i] - start};
		start = reader->ends[i];
	}
	if (!reader->row(reader->context, &(struct csv_row){reader->cells, reader->count, reader->row_line > 0 ? reader->row_line : reader->line}))
		reader->stopped = true;
	reader->count = 0;
	reader->row_line = 0;
	reader->row_bytes = 0;
	buffer_clear(&reader->bytes);
}

static bool is_blank(const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (strchr(" \t\r\n", data[i]) == NULL || data[i] == '\0')
			return false;
	return true;
}

/* A piece without line break but at its end, so that rows know their line. */
static void feed_piece(struct csv_reader *reader, const char *data, size_t size)
{
	if (reader->row_line == 0 && !is_blank(data, size))
		reader->row_line = reader->line;
	reader->row_bytes += size;
	if (csv_parse(&reader->parser, data, size, take_cell, end_row, reader) != size && reader->message == NULL)
		reader->message = "a quote stands inside a cell, or text behind a closing quote; quotes in quoted cells are doubled";
	if (reader->row_bytes > CSV_ROW_MAX && reader->message == NULL)
		reader->message = "a row is longer than 1 MiB; is a quote not closed?";
	if (reader->row_line == 0)
		reader->row_bytes = 0;
}

static bool outcome(const struct csv_reader *reader, struct csv_fault *fault)
{
	if (reader->message == NULL && !reader->stopped)
		return true;
	*fault = (struct csv_fault){0};
	if (reader->message != NULL)
		*fault = (struct csv_fault){reader->row_line != 0 ? reader->row_line : reader->line, reader->message};
	return false;
}

/* The first line break, a carriage return or a line feed; NULL when there is none. */
static const char *find_break(const char *data, size_t size)
{
	const char *feed = memchr(data, '\n', size);
	const char *back = memchr(data, '\r', feed != NULL ? (size_t)(feed - data) : size);

	return back != NULL ? back : feed;
}

static void feed_lines(struct csv_reader *reader, const char *data, size_t size)
{
	while (size > 0 && !reader->stopped && reader->message == NULL) {
		const char *end = find_break(data, size);
		size_t piece = end != NULL ? (size_t)(end - data) + 1 : size;

		feed_piece(reader, data, piece);
		if (end != NULL && *end == '\n' && reader->message == NULL)
			reader->line++;
		data += piece;
		size -= piece;
	}
}

/* Drops a byte order mark; returns how many bytes of data it took. */
static size_t skip_mark(struct csv_reader *reader, const char *data, size_t size)
{
	size_t taken = 0;

	if (reader->head == 0 && size > 0 && ((unsigned char)data[0] == 0xFF || (unsigned char)data[0] == 0xFE)) {
		reader->message = "it looks like UTF-16; save it as UTF-8";
		return 0;
	}
	while (taken < size && reader->head < sizeof mark - 1 && data[taken] == mark[reader->head]) {
		taken++;
		reader->head++;
	}
	if (reader->head < sizeof mark - 1 && taken == size)
		return taken; /* may still become one */
	reader->started = true;
	if (reader->head < sizeof mark - 1)
		feed_lines(reader, mark, reader->head); /* it was none */
	return taken;
}

bool csv_reader_feed(struct csv_reader *reader, const char *data, size_t size, struct csv_fault *fault)
{
	if (!reader->started) {
		size_t taken = skip_mark(reader, data, size);

		data += taken;
		size -= taken;
	}
	feed_lines(reader, data, size);
	return outcome(reader, fault);
}

bool csv_reader_end(struct csv_reader *reader, struct csv_fault *fault)
{
	if (!reader->started && reader->head < sizeof mark - 1)
		feed_lines(reader, mark, reader->head);
	if (reader->message == NULL && !reader->stopped && csv_fini(&reader->parser, take_cell, end_row, reader) != 0)
		reader->message = "a quoted cell does not end";
	return outcome(reader, fault);
}
