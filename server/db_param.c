/* Parameters on their way to PostgreSQL. Lists go as binary text[]: no quoting here, no parsing there. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "db_internal.h"

enum { TYPE_TEXT = 25, HEADER_SIZE = 20, EMPTY_SIZE = 12 };

static void append_int32(struct buffer *buffer, uint32_t value)
{
	uint32_t wire = htonl(value);

	buffer_append(buffer, &wire, sizeof wire);
}

/* Dimensions, has-null flag, element type, number of elements, lower bound. The number is set when the array is used. */
static void append_header(struct buffer *buffer)
{
	append_int32(buffer, 1);
	append_int32(buffer, 0);
	append_int32(buffer, TYPE_TEXT);
	append_int32(buffer, 0);
	append_int32(buffer, 1);
}

static void set_int32(struct buffer *buffer, size_t at, uint32_t value)
{
	uint32_t wire = htonl(value);

	memcpy(buffer->data + at, &wire, sizeof wire);
}

void db_array_add(struct db_array *array, struct text value)
{
	if (array->encoded.size == 0)
		append_header(&array->encoded);
	if (value.data == NULL) {
		append_int32(&array->encoded, UINT32_MAX);
		set_int32(&array->encoded, 4, 1);
	} else {
		append_int32(&array->encoded, (uint32_t)value.size);
		buffer_append_text(&array->encoded, value);
	}
	array->count++;
}

void db_array_free(struct db_array *array)
{
	buffer_free(&array->encoded);
	array->count = 0;
}

struct db_param db_array_param(struct db_array *array)
{
	static const char empty[EMPTY_SIZE] = {[11] = TYPE_TEXT};

	if (array->count == 0)
		return (struct db_param){.text = {empty, sizeof empty}, .is_array = true};
	set_int32(&array->encoded, 12, (uint32_t)array->count);
	return (struct db_param){.text = buffer_text(&array->encoded), .is_array = true};
}

bool wire_make(struct wire *wire, const struct db_param *params, size_t count)
{
	size_t total = 0, at = 0;

	if (count > DB_PARAMS_MAX)
		abort();
	for (size_t i = 0; i < count; i++) {
		if (params[i].is_array || params[i].text.data == NULL)
			continue;
		if (memchr(params[i].text.data, '\0', params[i].text.size) != NULL)
			return false;
		total += params[i].text.size + 1;
	}
	buffer_reserve(&wire->copies, total); /* once: the pointers into it stay */
	for (size_t i = 0; i < count; i++) {
		wire->formats[i] = params[i].is_array;
		wire->lengths[i] = params[i].is_array ? (int)params[i].text.size : 0;
		wire->values[i] = params[i].text.data;
		if (params[i].is_array || params[i].text.data == NULL)
			continue;
		at = wire->copies.size;
		buffer_append(&wire->copies, params[i].text.data, params[i].text.size);
		buffer_append(&wire->copies, "", 1);
		wire->values[i] = wire->copies.data + at;
	}
	return true;
}
