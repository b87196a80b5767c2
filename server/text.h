/* Text: a pointer and a length, not owned; and a growing buffer. */
#ifndef PLUMBLINE_TEXT_H
#define PLUMBLINE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* A view: never owns its bytes, need not end in NUL. data NULL: absent (size 0). */
struct text {
	const char *data;
	size_t size;
};

#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

struct text text_of(const char *string); /* NULL gives the absent text */
bool text_equal(struct text a, struct text b);
bool text_equal_string(struct text a, const char *b);

/* A growing byte buffer. Zero-initialised is empty. data always ends in a NUL that size does not count
 * (once anything was appended). Out of memory aborts: buffers here are bounded by the callers. */
struct buffer {
	char *data;
	size_t size;
	size_t capacity;
};

void buffer_free(struct buffer *buffer); /* leaves an empty buffer */
void buffer_clear(struct buffer *buffer); /* keeps the memory */
void buffer_reserve(struct buffer *buffer, size_t more);
bool buffer_grow(struct buffer *buffer, size_t more); /* the same for what may be large: false when there is no memory for it */
void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_append_text(struct buffer *buffer, struct text text);
void buffer_append_string(struct buffer *buffer, const char *string);
void buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
void buffer_shorten(struct buffer *buffer, size_t most); /* to text_beginning of it */
/* Appends text as a JSON string with its quotes; the text must be UTF-8 (invalid bytes become U+FFFD). */
void buffer_append_json_string(struct buffer *buffer, struct text text);
struct text buffer_text(const struct buffer *buffer);

/* Edit distance for "did you mean": index of the nearest of count names, or -1 when none is near
 * (distance over a third of the length, at least 2). Case is ignored. */
int text_nearest(struct text name, const char *const *names, size_t count);

/* The beginning of a text that is UTF-8, of at most so many bytes, that ends with a whole character: for sentences that quote it. */
struct text text_beginning(struct text text, size_t most);

/* True when the bytes are valid UTF-8 without U+0000. */
bool text_is_clean_utf8(struct text text);

#endif
