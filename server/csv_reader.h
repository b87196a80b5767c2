/* CSV (RFC 4180) as it arrives: bytes in, rows out, in the memory of one row. */
#ifndef PLUMBLINE_CSV_READER_H
#define PLUMBLINE_CSV_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

enum {
	CSV_ROW_MAX = 1024 * 1024, /* bytes of a row; a quote that is never closed ends here */
	CSV_COLUMNS_MAX = 1000
};

struct csv_reader;

/* A row; valid during the callback. Spaces around cells that are not quoted are taken off. Cells may hold any bytes. */
struct csv_row {
	const struct text *cells;
	size_t count;
	size_t line; /* where it begins, from 1 */
};

/* Why the text is not CSV, and in which line. */
struct csv_fault {
	size_t line;
	const char *message; /* static */
};

/* row is called for each row; empty lines are no rows. When it returns false, nothing is read any more. */
struct csv_reader *csv_reader_new(bool (*row)(void *context, const struct csv_row *row), void *context);
void csv_reader_free(struct csv_reader *reader); /* NULL allowed */

/* Both return false when the text is not CSV (fault is set) or the callback has said stop (fault->message is NULL). A byte order
 * mark of UTF-8 at the start is dropped. The last row need not end in a line break. */
bool csv_reader_feed(struct csv_reader *reader, const char *data, size_t size, struct csv_fault *fault);
bool csv_reader_end(struct csv_reader *reader, struct csv_fault *fault);

#endif
