/* Shapes: tables of fields that check JSON values and query parameters and collect every problem at once. */
#ifndef PLUMBLINE_SHAPE_H
#define PLUMBLINE_SHAPE_H

#include <jansson.h>
#include <stdbool.h>

#include "request.h"

enum field_type {
	FIELD_STRING,     /* min..max: length in characters */
	FIELD_ID,         /* string or integer number, 1..200 characters, no control characters */
	FIELD_DECIMAL,    /* JSON number or decimal string; min/max when bounded */
	FIELD_INTEGER,
	FIELD_BOOLEAN,
	FIELD_DATE,       /* YYYY-MM-DD, a real day */
	FIELD_DATETIME,   /* RFC 3339 with offset */
	FIELD_DATE_OR_DATETIME,
	FIELD_CURRENCY,   /* ISO 4217 code */
	FIELD_WORD,       /* one of words */
	FIELD_OBJECT,     /* of inner */
	FIELD_LIST,       /* array of element */
	FIELD_OPEN,       /* open object: values are strings, numbers, booleans, null, arrays of strings */
	FIELD_ANY
};

struct field {
	const char *name;
	enum field_type type;
	bool required;
	bool no_null;                       /* null is refused (JSON bodies; default: null clears) */
	bool bounded;                       /* min and max hold */
	double min, max;
	const char *const *words;           /* NULL-terminated, for FIELD_WORD */
	const struct shape *inner;          /* FIELD_OBJECT */
	const struct field *element;        /* FIELD_LIST */
	/* Further check of a present, well-typed value; adds problems. pointer is the value's JSON pointer. */
	void (*check)(const json_t *value, const char *pointer, struct problems *problems);
	const char *summary;                /* one sentence for messages and docs; may be NULL */
};

struct shape {
	const char *name;
	const struct field *fields;
	size_t count;
};

#define SHAPE(label, table) {.name = (label), .fields = (table), .count = sizeof(table) / sizeof *(table)}

/* Checks an object against a shape: types, bounds, unknown names (with the nearest known), and required fields when
 * `whole` (objects inside it are always whole). A required field cannot be null. Returns true when no problem was added; adds
 * SHAPE_PROBLEMS_MAX of them at most. prefix is the JSON pointer of value itself ("" for the root). */
bool shape_check(const struct shape *shape, const json_t *value, const char *prefix, bool whole, struct problems *problems);

/* As shape_check, where raw is the text value was parsed from: numbers of decimal fields are then judged as they were written,
 * not by their double. */
bool shape_check_text(const struct shape *shape, const json_t *value, struct text raw, const char *prefix, bool whole,
		      struct problems *problems);

enum { SHAPE_PROBLEMS_MAX = 100 };

/* Checks query parameters; repeated or unknown ones are problems (code unknown_parameter names the nearest). The pointer is the
 * parameter's name. A FIELD_LIST is written with commas: by=rep,team. shape NULL: none is known. */
bool shape_check_params(const struct shape *shape, const struct param *params, size_t count, struct problems *problems);

/* Problem codes used: required, unknown_attribute, unknown_parameter, repeated_parameter, wrong_type, too_short, too_long,
 * not_a_number, not_an_integer, out_of_range, not_a_date, not_a_datetime, unknown_currency, not_one_of, not_an_id. */

/* Parses JSON strictly: whole text, UTF-8, no U+0000, no duplicate names, depth (json_scan.h) and number of values bounded.
 * Numbers: use json_number_value (whole ones are integers, but reals in a text that holds one beyond 64 bits); exact ones are
 * found in the text (json_scan.h). NULL on error; then *message (thread-local, until the next call) says what and where and
 * *code is a problem code: invalid_json (not JSON at all), too_deep, too_many_values, duplicate_key, invalid_text, out_of_range. */
json_t *json_parse_strict(struct text text, const char **code, const char **message);

/* Scalars, shared with CSV and parameters. All take clean UTF-8. */
bool value_is_decimal(struct text text);   /* -?digits[.digits][e±digits], magnitude below 1e30, at most 30 decimals */
bool value_is_date(struct text text);
bool value_is_datetime(struct text text);
bool value_is_currency(struct text text);

#endif
