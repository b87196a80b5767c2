#include "scalar.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "json_scan.h"
#include "moment.h"
#include "number.h"
#include "shape.h"

enum { LIST_MAX = 1000 };

bool scalar_has_value(struct scalar scalar)
{
	return scalar.type != SCALAR_ABSENT && scalar.type != SCALAR_NULL && scalar.type != SCALAR_BROKEN;
}

struct scalar scalar_string(struct text text)
{
	if (text.data == NULL)
		return (struct scalar){.type = SCALAR_ABSENT};
	return (struct scalar){.type = text.size > 0 ? SCALAR_STRING : SCALAR_NULL, .text = text};
}

struct scalar scalar_broken(const char *code, const char *message)
{
	return (struct scalar){.type = SCALAR_BROKEN, .code = code, .message = message};
}

static struct scalar read_string(struct arena *arena, struct text raw)
{
	struct buffer decoded = {0};
	struct scalar scalar;

	if (memchr(raw.data, '\\', raw.size) == NULL)
		return scalar_string((struct text){raw.data + 1, raw.size - 2});
	if (json_string_decode(raw, &decoded))
		scalar = scalar_string(arena_keep(arena, buffer_text(&decoded)));
	else
		scalar = scalar_broken("invalid_text", "the text holds U+0000 or half a surrogate pair");
	buffer_free(&decoded);
	return scalar;
}

struct scalar scalar_read(struct arena *arena, struct text raw)
{
	if (raw.data == NULL || raw.size == 0)
		return (struct scalar){.type = SCALAR_ABSENT};
	switch (raw.data[0]) {
	case '"':
		return read_string(arena, raw);
	case '{':
		return (struct scalar){.type = SCALAR_OBJECT, .text = raw};
	case '[':
		return (struct scalar){.type = SCALAR_LIST, .text = raw};
	case 'n':
		return (struct scalar){.type = SCALAR_NULL, .text = raw};
	case 't':
	case 'f':
		return (struct scalar){.type = SCALAR_BOOLEAN, .text = raw};
	default:
		return (struct scalar){.type = SCALAR_NUMBER, .text = raw};
	}
}

static struct text trimmed(struct text text)
{
	while (text.size > 0 && text.data[0] == ' ')
		text = (struct text){text.data + 1, text.size - 1};
	while (text.size > 0 && text.data[text.size - 1] == ' ')
		text.size--;
	return text;
}

static struct scalar to_string(struct scalar scalar)
{
	if (scalar.type == SCALAR_LIST || scalar.type == SCALAR_OBJECT)
		return scalar_broken("wrong_type", "must be a text or a number, not a list or an object");
	scalar.type = SCALAR_STRING;
	return scalar;
}

static struct scalar to_number(struct arena *arena, struct scalar scalar, const struct convert_options *options)
{
	bool whole = options->conversion == CONVERT_INTEGER;
	struct text made = {0};

	if (scalar.type == SCALAR_STRING || scalar.type == SCALAR_NUMBER)
		made = number_make(arena, trimmed(scalar.text), options->scale, whole ? 0 : options->rounded ? options->places : NUMBER_ANY);
	if (made.data == NULL)
		return scalar_broken("not_a_number", "is no number of at most 30 digits before the point");
	return (struct scalar){.type = SCALAR_NUMBER, .text = made};
}

/* The next part of hh:mm:ss; false when it is no number up to 9,999. */
static bool take_part(struct text *rest, unsigned *part)
{
	size_t digits = 0;

	for (*part = 0; digits < rest->size && rest->data[digits] != ':'; digits++) {
		if (rest->data[digits] < '0' || rest->data[digits] > '9' || digits == 4)
			return false;
		*part = *part * 10 + (unsigned)(rest->data[digits] - '0');
	}
	*rest = digits < rest->size ? (struct text){rest->data + digits + 1, rest->size - digits - 1} : (struct text){0};
	return digits > 0;
}

static struct scalar to_duration(struct arena *arena, struct scalar scalar, const struct convert_options *options)
{
	struct text rest = trimmed(scalar.text);
	unsigned hours, minutes, seconds = 0;
	char digits[24];

	if (scalar.type != SCALAR_STRING || memchr(rest.data, ':', rest.size) == NULL)
		return to_number(arena, scalar, options);
	if (!take_part(&rest, &hours) || !take_part(&rest, &minutes) || (rest.data != NULL && !take_part(&rest, &seconds)) || rest.data != NULL ||
	    minutes > 59 || seconds > 59)
		return scalar_broken("not_a_duration", "is no duration such as 01:30");
	snprintf(digits, sizeof digits, "%u", hours * 3600 + minutes * 60 + seconds);
	return (struct scalar){.type = SCALAR_NUMBER, .text = arena_keep(arena, text_of(digits))};
}

static struct scalar to_boolean(struct scalar scalar)
{
	static const char *const yes[] = {"true", "yes", "1"}, *const no[] = {"false", "no", "0"};

	if (scalar.type == SCALAR_BOOLEAN)
		return scalar;
	for (size_t i = 0; i < 3 && scalar.type != SCALAR_LIST && scalar.type != SCALAR_OBJECT; i++) {
		if (scalar.text.size == strlen(yes[i]) && strncasecmp(scalar.text.data, yes[i], scalar.text.size) == 0)
			return (struct scalar){.type = SCALAR_BOOLEAN, .text = TEXT("true")};
		if (scalar.text.size == strlen(no[i]) && strncasecmp(scalar.text.data, no[i], scalar.text.size) == 0)
			return (struct scalar){.type = SCALAR_BOOLEAN, .text = TEXT("false")};
	}
	return scalar_broken("not_a_boolean", "is neither true nor false");
}

static struct scalar to_time(struct arena *arena, struct scalar scalar, enum conversion conversion)
{
	enum moment_unit unit = conversion == CONVERT_EPOCH_MS ? MOMENT_MILLISECONDS : conversion == CONVERT_EPOCH_S ? MOMENT_SECONDS : MOMENT_AUTO;
	bool is_date = conversion == CONVERT_DATE;
	struct text text = trimmed(scalar.text), made = {0};

	if (scalar.type == SCALAR_STRING || scalar.type == SCALAR_NUMBER) {
		if (conversion == CONVERT_MOMENT && value_is_date(text))
			made = text;
		else
			made = is_date ? moment_date(arena, text, unit) : moment_make(arena, text, unit);
	}
	if (made.data == NULL)
		return is_date ? scalar_broken("not_a_date", "is no date and no time") : scalar_broken("not_a_datetime", "is no time that can be read");
	return (struct scalar){.type = SCALAR_STRING, .text = made};
}

static struct scalar to_case(struct arena *arena, struct scalar scalar, bool lower)
{
	char *out;

	scalar = to_string(scalar);
	if (scalar.type == SCALAR_BROKEN)
		return scalar;
	out = arena_take(arena, scalar.text.size + 1);
	for (size_t i = 0; i < scalar.text.size; i++) {
		char c = scalar.text.data[i];

		if (lower && c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		else if (!lower && c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		out[i] = c;
	}
	scalar.text.data = out;
	return scalar;
}

static void add_element(struct buffer *out, struct text text)
{
	if (out->size > 1)
		buffer_append_string(out, ",");
	buffer_append_json_string(out, text);
}

static void split(struct text text, char separator, struct buffer *out)
{
	while (text.data != NULL) {
		const char *found = separator != '\0' ? memchr(text.data, separator, text.size) : NULL;
		struct text part = {text.data, found != NULL ? (size_t)(found - text.data) : text.size};

		if (trimmed(part).size > 0)
			add_element(out, trimmed(part));
		text = found != NULL ? (struct text){found + 1, text.size - part.size - 1} : (struct text){0};
	}
}

static struct scalar to_list(struct arena *arena, struct scalar scalar, char separator)
{
	struct buffer out = {0};
	struct json_walk walk;
	struct text raw;
	size_t count = 0;

	if (scalar.type == SCALAR_OBJECT || (scalar.type == SCALAR_LIST && !json_walk_open(scalar.text, &walk)))
		return scalar_broken("wrong_type", "must be a list of texts, not an object");
	buffer_append_string(&out, "[");
	if (scalar.type != SCALAR_LIST)
		split(scalar.text, separator, &out);
	while (scalar.type == SCALAR_LIST && json_walk_next(&walk, NULL, &raw) == JSON_STEP_VALUE) {
		struct scalar element = to_string(scalar_read(arena, raw));

		if (element.type == SCALAR_BROKEN || raw.data[0] == 'n' || ++count > LIST_MAX) {
			buffer_free(&out);
			return scalar_broken("wrong_type", "must be a list of at most 1,000 texts");
		}
		if (element.text.size > 0)
			add_element(&out, element.text);
	}
	buffer_append_string(&out, "]");
	scalar = (struct scalar){.type = out.size > 2 ? SCALAR_LIST : SCALAR_NULL, .text = arena_keep(arena, buffer_text(&out))};
	buffer_free(&out);
	return scalar;
}

/* Each five characters give one more, which says which of them are capitals. */
static struct scalar to_id18(struct arena *arena, struct scalar scalar)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
	char check[3];

	scalar = to_string(scalar);
	if (scalar.type == SCALAR_BROKEN || scalar.text.size != 15)
		return scalar;
	for (size_t group = 0; group < 3; group++) {
		unsigned bits = 0;

		for (size_t i = 0; i < 5; i++) {
			char c = scalar.text.data[group * 5 + i];

			bits |= (unsigned)(c >= 'A' && c <= 'Z') << i;
		}
		check[group] = letters[bits];
	}
	scalar.text = arena_join(arena, (struct text[]){scalar.text, {check, 3}}, 2);
	return scalar;
}

struct scalar scalar_convert(struct arena *arena, struct scalar scalar, const struct convert_options *options)
{
	if (!scalar_has_value(scalar))
		return scalar;
	switch (options->conversion) {
	case CONVERT_STRING:
		return to_string(scalar);
	case CONVERT_NUMBER:
	case CONVERT_INTEGER:
		return to_number(arena, scalar, options);
	case CONVERT_BOOLEAN:
		return to_boolean(scalar);
	case CONVERT_DATE:
	case CONVERT_DATETIME:
	case CONVERT_MOMENT:
	case CONVERT_EPOCH_MS:
	case CONVERT_EPOCH_S:
		return to_time(arena, scalar, options->conversion);
	case CONVERT_DURATION:
		return to_duration(arena, scalar, options);
	case CONVERT_LOWER:
	case CONVERT_UPPER:
		return to_case(arena, scalar, options->conversion == CONVERT_LOWER);
	case CONVERT_LIST:
		return to_list(arena, scalar, options->separator);
	case CONVERT_ID18:
		return to_id18(arena, scalar);
	case CONVERT_NONE:
		break;
	}
	return scalar;
}

void scalar_write(struct scalar scalar, struct buffer *out)
{
	if (scalar.type == SCALAR_STRING)
		buffer_append_json_string(out, scalar.text);
	else if (scalar.type == SCALAR_NULL)
		buffer_append_string(out, "null");
	else
		buffer_append_text(out, scalar.text);
}
