#include "line_reader.h"

#include <string.h>

static bool is_blank(struct text text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] != ' ' && text.data[i] != '\t' && text.data[i] != '\r')
			return false;
	return true;
}

static void give(struct line_reader *reader, struct text text)
{
	struct line line = {.text = text, .number = ++reader->number, .too_long = reader->skipping || text.size > reader->limit};

	reader->skipping = false;
	if (line.number == 1 && text.size >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0)
		line.text = (struct text){text.data + 3, text.size - 3};
	if (line.too_long)
		line.text = (struct text){"", 0};
	else if (is_blank(line.text))
		return;
	if (!reader->take(reader->context, &line))
		reader->stopped = true;
}

/* Keeps the beginning of a line, or, once it is too long, only that it is. */
static void hold(struct line_reader *reader, const char *data, size_t size)
{
	if (reader->skipping || reader->rest.size + size > reader->limit) {
		reader->skipping = true;
		buffer_clear(&reader->rest);
	} else {
		buffer_append(&reader->rest, data, size);
	}
}

bool line_reader_feed(struct line_reader *reader, const char *data, size_t size)
{
	while (size > 0 && !reader->stopped) {
		const char *newline = memchr(data, '\n', size);
		size_t piece = newline != NULL ? (size_t)(newline - data) : size;

		if (newline == NULL) {
			hold(reader, data, piece);
			break;
		}
		if (reader->rest.size == 0 && !reader->skipping) {
			give(reader, (struct text){data, piece});
		} else {
			hold(reader, data, piece);
			give(reader, buffer_text(&reader->rest));
			buffer_clear(&reader->rest);
		}
		data += piece + 1;
		size -= piece + 1;
	}
	return !reader->stopped;
}

bool line_reader_end(struct line_reader *reader)
{
	if (!reader->stopped && (reader->rest.size > 0 || reader->skipping))
		give(reader, buffer_text(&reader->rest));
	buffer_clear(&reader->rest);
	return !reader->stopped;
}

void line_reader_free(struct line_reader *reader)
{
	buffer_free(&reader->rest);
}
