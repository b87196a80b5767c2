#include "shape_text.h"

#include <stdio.h>
#include <string.h>

#include "decimal.h"

enum { SHOWN = 60, ID_MAX = 200, INTEGER_DIGITS = 15 };

/* Sets the fault; the text is quoted, cut to what a person wants to see of it. */
static bool refuse(struct text_fault *fault, const char *code, struct text text, const char *sentence)
{
	struct text shown = text_beginning(text, SHOWN);

	fault->code = code;
	snprintf(fault->message, sizeof fault->message, "\"%.*s%s\" %s", (int)shown.size, shown.size > 0 ? shown.data : "",
		 text.size > SHOWN ? "…" : "", sentence);
	return false;
}

static size_t characters(struct text text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.size; i++)
		count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
	return count;
}

bool size_fits(const struct field *field, size_t size, const char *what, struct text_fault *fault)
{
	if (!field->bounded || ((double)size >= field->min && (double)size <= field->max))
		return true;
	fault->code = (double)size < field->min ? "too_short" : "too_long";
	if (size == 0 && field->min == 1)
		snprintf(fault->message, sizeof fault->message, "must not be empty");
	else
		snprintf(fault->message, sizeof fault->message, "has %zu %s; %.0f to %.0f are allowed", size, what, field->min, field->max);
	return false;
}

static bool fits_string(const struct field *field, struct text text, struct text_fault *fault)
{
	return size_fits(field, characters(text), "characters", fault);
}

static bool fits_id(const struct field *field, struct text text, struct text_fault *fault)
{
	size_t size = characters(text);

	(void)field;
	if (size == 0)
		return refuse(fault, "not_an_id", text, "is no id: ids are not empty");
	if (size > ID_MAX)
		return refuse(fault, "not_an_id", text, "is no id: ids have at most 200 characters");
	for (size_t i = 0; i < text.size; i++)
		if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7F)
			return refuse(fault, "not_an_id", text, "is no id: it holds a control character");
	return true;
}

static bool within(const struct field *field, const struct decimal *value)
{
	struct decimal min, max;
	char text[64];

	snprintf(text, sizeof text, "%.15g", field->min);
	if (!decimal_parse(text_of(text), &min))
		return false;
	snprintf(text, sizeof text, "%.15g", field->max);
	if (!decimal_parse(text_of(text), &max))
		return false;
	return decimal_compare(value, &min) >= 0 && decimal_compare(value, &max) <= 0;
}

static bool check_bounds(const struct field *field, struct text text, const struct decimal *value, struct text_fault *fault)
{
	char sentence[120];

	if (!field->bounded || within(field, value))
		return true;
	snprintf(sentence, sizeof sentence, "is out of range: %.15g to %.15g are allowed", field->min, field->max);
	return refuse(fault, "out_of_range", text, sentence);
}

static bool fits_decimal(const struct field *field, struct text text, struct text_fault *fault)
{
	struct decimal value;

	if (decimal_parse(text, &value))
		return check_bounds(field, text, &value, fault);
	for (size_t i = 0; i < text.size; i++)
		if (strchr("+-.0123456789eE", text.data[i]) == NULL || text.data[i] == '\0')
			return refuse(fault, "not_a_number", text, "is not a number; write it like 1234.56, without separators or units");
	if (text.size > 0 && text.data[text.size - 1] >= '0' && text.data[text.size - 1] <= '9' && text.data[0] != '.' && text.data[0] != '+')
		return refuse(fault, "out_of_range", text, "is out of range: 30 digits before and 30 after the point are kept");
	return refuse(fault, "not_a_number", text, "is not a number; write it like 1234.56");
}

static bool fits_integer(const struct field *field, struct text text, struct text_fault *fault)
{
	size_t first = text.size > 0 && text.data[0] == '-';
	struct decimal value;

	if (text.size == first)
		return refuse(fault, "not_an_integer", text, "is not a whole number");
	for (size_t i = first; i < text.size; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return refuse(fault, "not_an_integer", text, "is not a whole number; write it without point and exponent");
	if (text.size - first > INTEGER_DIGITS || !decimal_parse(text, &value))
		return refuse(fault, "out_of_range", text, "is out of range: 15 digits are allowed");
	return check_bounds(field, text, &value, fault);
}

static bool fits_boolean(const struct field *field, struct text text, struct text_fault *fault)
{
	(void)field;
	if (text_equal_string(text, "true") || text_equal_string(text, "false"))
		return true;
	return refuse(fault, "wrong_type", text, "is neither true nor false");
}

static bool fits_date(const struct field *field, struct text text, struct text_fault *fault)
{
	(void)field;
	return value_is_date(text) || refuse(fault, "not_a_date", text, "is not a day of the calendar; write it YYYY-MM-DD");
}

/* "2027-01-31T09:30:00 01:00": a plus that a URL turned into a space. */
static bool lost_plus(struct text text)
{
	return text.size > 16 && text.data[10] == 'T' && text.data[text.size - 6] == ' ' && text.data[text.size - 3] == ':';
}

static bool fits_datetime(const struct field *field, struct text text, struct text_fault *fault)
{
	(void)field;
	if (value_is_datetime(text))
		return true;
	if (lost_plus(text))
		return refuse(fault, "not_a_datetime", text, "is not a time: in a URL the + of an offset is written %2B");
	return refuse(fault, "not_a_datetime", text, "is not a time of RFC 3339; write it like 2027-01-31T09:30:00Z or 2027-01-31T10:30:00+01:00");
}

static bool fits_date_or_datetime(const struct field *field, struct text text, struct text_fault *fault)
{
	if (value_is_date(text) || fits_datetime(field, text, fault))
		return true;
	return lost_plus(text) ? false : refuse(fault, "not_a_datetime", text, "is neither a day (2027-01-31) nor a time of RFC 3339 (2027-01-31T09:30:00Z)");
}

static bool fits_currency(const struct field *field, struct text text, struct text_fault *fault)
{
	(void)field;
	return value_is_currency(text) || refuse(fault, "unknown_currency", text, "is not a currency code of ISO 4217; write it like EUR");
}

static bool fits_word(const struct field *field, struct text text, struct text_fault *fault)
{
	struct buffer sentence = {0};
	size_t count = 0;
	int nearest;

	for (; field->words[count] != NULL; count++)
		if (text_equal_string(text, field->words[count]))
			return true;
	buffer_append_string(&sentence, "is not one of ");
	for (size_t i = 0; i < count; i++)
		buffer_printf(&sentence, "%s%s", i == 0 ? "" : ", ", field->words[i]);
	nearest = text_nearest(text, field->words, count);
	if (nearest >= 0)
		buffer_printf(&sentence, "; did you mean \"%s\"?", field->words[nearest]);
	refuse(fault, "not_one_of", text, sentence.data);
	buffer_free(&sentence);
	return false;
}

bool text_fits(const struct field *field, struct text text, struct text_fault *fault)
{
	static bool (*const checks[])(const struct field *, struct text, struct text_fault *) = {
	    [FIELD_STRING] = fits_string,     [FIELD_ID] = fits_id,
	    [FIELD_DECIMAL] = fits_decimal,   [FIELD_INTEGER] = fits_integer,
	    [FIELD_BOOLEAN] = fits_boolean,   [FIELD_DATE] = fits_date,
	    [FIELD_DATETIME] = fits_datetime, [FIELD_DATE_OR_DATETIME] = fits_date_or_datetime,
	    [FIELD_CURRENCY] = fits_currency, [FIELD_WORD] = fits_word,
	    [FIELD_ANY] = NULL,
	};

	return checks[field->type] == NULL || checks[field->type](field, text, fault);
}
