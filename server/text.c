#include "text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct text text_of(const char *string)
{
	return (struct text){string, string != NULL ? strlen(string) : 0};
}

bool text_equal(struct text a, struct text b)
{
	if (a.size != b.size || (a.data == NULL) != (b.data == NULL))
		return false;
	return a.size == 0 || memcmp(a.data, b.data, a.size) == 0;
}

bool text_equal_string(struct text a, const char *b)
{
	return text_equal(a, text_of(b));
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}

void buffer_clear(struct buffer *buffer)
{
	buffer->size = 0;
	if (buffer->data != NULL)
		buffer->data[0] = '\0';
}

bool buffer_grow(struct buffer *buffer, size_t more)
{
	size_t needed, capacity;
	char *data;

	if (more > SIZE_MAX / 2 - buffer->size)
		abort();
	needed = buffer->size + more + 1;
	if (needed <= buffer->capacity)
		return true;
	capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
	while (capacity < needed)
		capacity += capacity / 2;
	data = memory_grown_if_any(buffer->data, capacity);
	if (data == NULL)
		return false;
	if (buffer->data == NULL)
		data[0] = '\0';
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

void buffer_reserve(struct buffer *buffer, size_t more)
{
	if (!buffer_grow(buffer, more))
		memory_none(more);
}

void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
	buffer_reserve(buffer, size);
	if (size > 0)
		memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
	buffer->data[buffer->size] = '\0';
}

void buffer_append_text(struct buffer *buffer, struct text text)
{
	buffer_append(buffer, text.data, text.size);
}

void buffer_append_string(struct buffer *buffer, const char *string)
{
	buffer_append_text(buffer, text_of(string));
}

void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments)
{
	va_list again;
	int size;

	va_copy(again, arguments);
	size = vsnprintf(NULL, 0, format, arguments);
	if (size < 0)
		abort();
	buffer_reserve(buffer, (size_t)size);
	vsnprintf(buffer->data + buffer->size, (size_t)size + 1, format, again);
	buffer->size += (size_t)size;
	va_end(again);
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	buffer_vprintf(buffer, format, arguments);
	va_end(arguments);
}

void buffer_shorten(struct buffer *buffer, size_t most)
{
	if (buffer->size <= most)
		return;
	buffer->size = text_beginning(buffer_text(buffer), most).size;
	buffer->data[buffer->size] = '\0';
}

/* Length of the UTF-8 sequence at the start of text, 0 when it is not one (overlong, surrogate, beyond U+10FFFF, cut). */
static size_t utf8_length(struct text text)
{
	const unsigned char *byte = (const unsigned char *)text.data;
	size_t size;
	unsigned char low = 0x80, high = 0xBF; /* bounds of the second byte */

	if (byte[0] < 0x80)
		return 1;
	if (byte[0] >= 0xC2 && byte[0] <= 0xDF)
		size = 2;
	else if (byte[0] >= 0xE0 && byte[0] <= 0xEF)
		size = 3;
	else if (byte[0] >= 0xF0 && byte[0] <= 0xF4)
		size = 4;
	else
		return 0;
	if (byte[0] == 0xE0)
		low = 0xA0;
	else if (byte[0] == 0xED)
		high = 0x9F;
	else if (byte[0] == 0xF0)
		low = 0x90;
	else if (byte[0] == 0xF4)
		high = 0x8F;
	if (text.size < size || byte[1] < low || byte[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if (byte[i] < 0x80 || byte[i] > 0xBF)
			return 0;
	return size;
}

/* How many bytes from the start are ASCII and not NUL, counted in eights. */
static size_t plain_length(struct text text)
{
	const uint64_t ones = UINT64_MAX / 255, tops = ones << 7;
	size_t length = 0;

	for (; text.size - length >= 8; length += 8) {
		uint64_t bytes;

		memcpy(&bytes, text.data + length, 8);
		if (((bytes - ones) | bytes) & tops)
			break;
	}
	return length;
}

bool text_is_clean_utf8(struct text text)
{
	while (text.size > 0) {
		size_t length = plain_length(text);

		text.data += length;
		text.size -= length;
		if (text.size == 0)
			return true;
		length = utf8_length(text);

		if (length == 0 || text.data[0] == '\0')
			return false;
		text.data += length;
		text.size -= length;
	}
	return true;
}

struct text text_beginning(struct text text, size_t most)
{
	if (text.size <= most)
		return text;
	while (most > 0 && ((unsigned char)text.data[most] & 0xC0) == 0x80)
		most--;
	return (struct text){text.data, most};
}

static void append_json_escape(struct buffer *buffer, unsigned char byte)
{
	static const char *const named[] = {
		['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\",
	};

	if (byte < sizeof named / sizeof *named && named[byte] != NULL)
		buffer_append_string(buffer, named[byte]);
	else
		buffer_printf(buffer, "\\u%04x", (unsigned)byte);
}

static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

void buffer_append_json_string(struct buffer *buffer, struct text text)
{
	buffer_append(buffer, "\"", 1);
	while (text.size > 0) {
		size_t clean = 0;

		/* Runs of plain ASCII are by far the most common: they go in one piece. */
		while (clean < text.size && is_plain((unsigned char)text.data[clean]))
			clean++;
		if (clean > 0) {
			buffer_append(buffer, text.data, clean);
		} else if ((unsigned char)text.data[0] < 0x80) {
			append_json_escape(buffer, (unsigned char)text.data[0]);
			clean = 1;
		} else {
			clean = utf8_length(text);
			if (clean > 0)
				buffer_append(buffer, text.data, clean);
			else
				buffer_append_string(buffer, "\xEF\xBF\xBD");
			clean = clean > 0 ? clean : 1;
		}
		text.data += clean;
		text.size -= clean;
	}
	buffer_append(buffer, "\"", 1);
}

struct text buffer_text(const struct buffer *buffer)
{
	return (struct text){buffer->data != NULL ? buffer->data : "", buffer->size};
}

enum { NAME_MAX_SIZE = 64 }; /* longer names have no near one worth naming */

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

/* Levenshtein distance with one row. */
static int edit_distance(struct text a, struct text b)
{
	int row[NAME_MAX_SIZE + 1];

	for (int j = 0; j <= (int)b.size; j++)
		row[j] = j;
	for (int i = 1; i <= (int)a.size; i++) {
		int diagonal = row[0];

		row[0] = i;
		for (int j = 1; j <= (int)b.size; j++) {
			int replaced = diagonal + (lower(a.data[i - 1]) != lower(b.data[j - 1]));

			diagonal = row[j];
			row[j] = smaller(replaced, smaller(row[j], row[j - 1]) + 1);
		}
	}
	return row[b.size];
}

int text_nearest(struct text name, const char *const *names, size_t count)
{
	int best = -1, best_distance = 0;

	if (name.size == 0 || name.size > NAME_MAX_SIZE)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct text candidate = text_of(names[i]);
		int distance, longest, limit;

		if (candidate.size == 0 || candidate.size > NAME_MAX_SIZE)
			continue;
		longest = (int)(name.size > candidate.size ? name.size : candidate.size);
		limit = longest / 3 > 2 ? longest / 3 : 2;
		distance = edit_distance(name, candidate);
		/* A name that shares nothing is not near, however short it is. */
		if (distance > limit || distance >= longest)
			continue;
		if (best < 0 || distance < best_distance) {
			best = (int)i;
			best_distance = distance;
		}
	}
	return best;
}
