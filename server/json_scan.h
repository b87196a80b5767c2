/* JSON as text: checks it and finds slices of it without building a tree, so that a large array can be taken apart in the
 * memory of one element and numbers travel as they were written, never through a double.
 *
 * Every function is safe on any bytes: text that is not JSON gives the failure said below, never a read beyond its end. Slices
 * point into the text given. */
#ifndef PLUMBLINE_JSON_SCAN_H
#define PLUMBLINE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

enum { JSON_DEPTH_MAX = 64 }; /* of nested arrays and objects */

/* Why a text is not JSON, and where. */
struct json_fault {
	size_t offset;
	const char *message; /* static: "a comma or ] is missing" */
	bool too_deep;       /* JSON, but nested deeper than JSON_DEPTH_MAX */
};

/* True when the text is one JSON value (RFC 8259) in UTF-8 without U+0000, nested at most JSON_DEPTH_MAX deep. Duplicate names
 * and \u escapes of half surrogates pass. values (may be NULL): how many values it holds, itself included; set on success. */
bool json_scan_valid(struct text text, size_t *values, struct json_fault *fault);

/* Line and column (both from 1, columns in bytes) of an offset, for messages. */
void json_scan_position(struct text text, size_t offset, size_t *line, size_t *column);

/* The elements of an array, or the members of an object, in order. */
struct json_walk {
	const char *at, *end;
	bool is_object, started;
};

enum json_step { JSON_STEP_VALUE, JSON_STEP_END, JSON_STEP_BROKEN };

/* False when the text does not begin with [ or {. */
bool json_walk_open(struct text text, struct json_walk *walk);

/* The next raw value; name (may be NULL) gets its raw name with quotes when the walk is of an object. */
enum json_step json_walk_next(struct json_walk *walk, struct text *name, struct text *value);

/* The raw value of a member of an object; the absent text when there is none. Names are compared decoded. */
struct text json_member(struct text object, const char *name);

/* Decodes a raw string with its quotes. False when it is not one, or holds U+0000 or half a surrogate pair. */
bool json_string_decode(struct text raw, struct buffer *out);

/* Takes the next number of a valid text, from *at on; false when there is no further one. */
bool json_next_number(struct text text, size_t *at, struct text *number);

/* Appends the JSON pointer of the innermost value that covers the offset of a valid text. */
void json_pointer_at(struct text text, size_t offset, struct buffer *out);

/* Appends /name with the escapes of RFC 6901 (~0, ~1). */
void json_pointer_append(struct buffer *out, struct text name);

#endif
