/* Lines as they arrive: bytes in, lines out, in the memory of one line. For NDJSON. */
#ifndef PLUMBLINE_LINE_READER_H
#define PLUMBLINE_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/* A line without its line break; valid during the callback. Empty lines (also of spaces) are not reported. */
struct line {
	struct text text;
	size_t number; /* from 1 */
	bool too_long; /* longer than the limit: text is empty, the rest of it was skipped */
};

struct line_reader {
	size_t limit; /* bytes of a line */
	bool (*take)(void *context, const struct line *line); /* false: stop */
	void *context;
	struct buffer rest; /* the beginning of a line whose end has not come yet */
	size_t number;
	bool skipping, stopped;
};

/* A byte order mark before the first line is dropped. False once take has said stop. */
bool line_reader_feed(struct line_reader *reader, const char *data, size_t size);
bool line_reader_end(struct line_reader *reader); /* the last line need not end in a line break */
void line_reader_free(struct line_reader *reader);

#endif
