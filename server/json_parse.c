/* JSON into a tree, strictly: our own scan says what is wrong and where, Jansson then builds the tree. */
#include <stdio.h>
#include <string.h>

#include "json_scan.h"
#include "memory.h"
#include "shape.h"

enum { JSON_VALUES_MAX = 100000 }; /* a tree takes about 100 bytes a value: this bounds what one document can cost */

static _Thread_local char said[256];

static json_t *refuse(const char **code, const char **message, const char *because, const char *sentence)
{
	*code = because;
	if (sentence != said)
		snprintf(said, sizeof said, "%s", sentence);
	*message = said;
	return NULL;
}

static json_t *refuse_at(const char **code, const char **message, struct text text, const struct json_fault *fault)
{
	size_t line, column;

	json_scan_position(text, fault->offset, &line, &column);
	snprintf(said, sizeof said, "line %zu, column %zu: %s", line, column, fault->message);
	return refuse(code, message, fault->too_deep ? "too_deep" : "invalid_json", said);
}

/* What Jansson refuses of a text that is JSON. */
static json_t *refuse_content(const char **code, const char **message, const json_error_t *error)
{
	enum json_error_code kind = json_error_code(error);

	if (kind == json_error_duplicate_key) {
		snprintf(said, sizeof said, "line %d, column %d: a name stands twice in one object", error->line, error->column);
		return refuse(code, message, "duplicate_key", said);
	}
	if (kind == json_error_numeric_overflow)
		return refuse(code, message, "out_of_range", "a number is too large");
	snprintf(said, sizeof said, "line %d, column %d: a text holds U+0000 or half a surrogate pair", error->line, error->column);
	return refuse(code, message, "invalid_text", said);
}

json_t *json_parse_strict(struct text text, const char **code, const char **message)
{
	size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, values;
	struct json_fault fault;
	json_error_t error;
	json_t *value;

	if (!json_scan_valid(text, &values, &fault))
		return refuse_at(code, message, text, &fault);
	if (values > JSON_VALUES_MAX)
		return refuse(code, message, "too_many_values", "it holds more than 100,000 values");
	memory_may_lack();
	value = json_loadb(text.data, text.size, flags, &error);
	/* A whole number beyond 64 bits does not fit an integer of Jansson's; as a real it keeps its size. */
	if (value == NULL && json_error_code(&error) == json_error_numeric_overflow)
		value = json_loadb(text.data, text.size, flags | JSON_DECODE_INT_AS_REAL, &error);
	if (memory_lacked()) {
		json_decref(value);
		return refuse(code, message, "overloaded", MEMORY_IS_SHORT);
	}
	return value != NULL ? value : refuse_content(code, message, &error);
}
