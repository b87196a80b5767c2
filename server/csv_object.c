#include "csv_object.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_scan.h"
#include "memory.h"

struct column {
	const struct field *field;
	char *open_name; /* member of the open object; NULL: the field itself */
};

struct csv_header {
	struct column *columns;
	size_t count;
};

void csv_header_free(struct csv_header *header)
{
	if (header == NULL)
		return;
	for (size_t i = 0; i < header->count; i++)
		free(header->columns[i].open_name);
	free(header->columns);
	free(header);
}

static const struct field *find_field(const struct shape *shape, struct text name)
{
	for (size_t i = 0; i < shape->count; i++)
		if (text_equal_string(name, shape->fields[i].name))
			return &shape->fields[i];
	return NULL;
}

/* "attributes.industry" → the open field and what stands behind its name. */
static const struct field *find_open_field(const struct shape *shape, struct text name, struct text *inside)
{
	const char *dot = memchr(name.data, '.', name.size);
	const struct field *field;

	if (dot == NULL)
		return NULL;
	field = find_field(shape, (struct text){name.data, (size_t)(dot - name.data)});
	*inside = (struct text){dot + 1, name.size - (size_t)(dot - name.data) - 1};
	return field != NULL && field->type == FIELD_OPEN && inside->size > 0 ? field : NULL;
}

static void add_unknown_column(const struct shape *shape, struct text name, struct problems *problems)
{
	struct buffer pointer = {0}, message = {0};
	const char *names[128], *open = NULL;
	size_t bare, count = shape->count < 128 ? shape->count : 128;
	int nearest;

	for (size_t i = 0; i < count; i++) {
		names[i] = shape->fields[i].name;
		if (shape->fields[i].type == FIELD_OPEN)
			open = names[i];
	}
	nearest = text_nearest(name, names, count);
	buffer_append_string(&message, "unknown column");
	bare = message.size;
	if (memchr(name.data, ';', name.size) != NULL)
		buffer_append_string(&message, "; columns are separated by commas, not semicolons.");
	else if (nearest >= 0)
		buffer_printf(&message, "; did you mean \"%s\"?", names[nearest]);
	if (open != NULL)
		buffer_printf(&message, "%s attributes of your own go into columns \"%s.<name>\"", message.size > bare ? " Otherwise:" : ";", open);
	json_pointer_append(&pointer, name);
	problems_add(problems, pointer.data, "unknown_attribute", "%s", message.data);
	buffer_free(&pointer);
	buffer_free(&message);
}

static void add_column_problem(struct problems *problems, struct text name, const char *code, const char *message)
{
	struct buffer pointer = {0};

	json_pointer_append(&pointer, name);
	problems_add(problems, pointer.data, code, "%s", message);
	buffer_free(&pointer);
}

static bool stands_before(const struct csv_row *row, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (text_equal(row->cells[i], row->cells[index]))
			return true;
	return false;
}

static void read_column(struct csv_header *header, const struct shape *shape, const struct csv_row *row, size_t index,
			struct problems *problems)
{
	struct column *column = &header->columns[index];
	struct text name = row->cells[index], inside = {0};

	if (!text_is_clean_utf8(name)) {
		problems_add(problems, "", "invalid_text", "the name of column %zu is not valid UTF-8", index + 1);
	} else if (name.size == 0) {
		problems_add(problems, "", "required", "column %zu has no name", index + 1);
	} else if (stands_before(row, index)) {
		add_column_problem(problems, name, "duplicate_key", "the column stands twice");
	} else if ((column->field = find_field(shape, name)) == NULL) {
		column->field = find_open_field(shape, name, &inside);
		if (column->field == NULL)
			add_unknown_column(shape, name, problems);
		else
			column->open_name = memory_string_of(inside.data, inside.size);
	}
}

struct csv_header *csv_header_new(const struct shape *shape, const char *needed, const struct csv_row *row, struct problems *problems)
{
	struct csv_header *header = memory_zeroed(1, sizeof *header);
	size_t before = problems->count;
	bool found = false;

	header->columns = memory_zeroed(row->count + 1, sizeof *header->columns);
	header->count = row->count;
	for (size_t i = 0; i < row->count; i++) {
		read_column(header, shape, row, i, problems);
		found = found || text_equal_string(row->cells[i], needed);
	}
	if (!found)
		add_column_problem(problems, text_of(needed), "required", "the header must name this column");
	if (problems->count == before)
		return header;
	csv_header_free(header);
	return NULL;
}

static bool is_word(struct text text, const char *word)
{
	return text.size == strlen(word) && strncasecmp(text.data, word, text.size) == 0;
}

static bool is_digits(struct text text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return text.size > 0;
}

/* A JSON number without exponent, of a size that is kept. */
static bool is_plain_number(struct text text)
{
	struct text rest = text;
	const char *point;

	if (!value_is_decimal(text) || memchr(text.data, 'e', text.size) != NULL || memchr(text.data, 'E', text.size) != NULL)
		return false;
	if (rest.data[0] == '-')
		rest = (struct text){rest.data + 1, rest.size - 1};
	point = memchr(rest.data, '.', rest.size);
	return rest.data[0] != '0' || rest.size == 1 || point == rest.data + 1;
}

static bool is_json_array(struct text text)
{
	struct json_fault fault;

	return text.size > 0 && text.data[0] == '[' && json_scan_valid(text, NULL, &fault);
}

static void append_boolean(struct buffer *out, struct text cell)
{
	if (is_word(cell, "true") || is_word(cell, "yes") || is_word(cell, "1"))
		buffer_append_string(out, "true");
	else if (is_word(cell, "false") || is_word(cell, "no") || is_word(cell, "0"))
		buffer_append_string(out, "false");
	else
		buffer_append_json_string(out, cell);
}

static void append_integer(struct buffer *out, struct text cell)
{
	struct text digits = cell.data[0] == '-' ? (struct text){cell.data + 1, cell.size - 1} : cell;

	if (is_digits(digits) && is_plain_number(cell))
		buffer_append_text(out, cell);
	else
		buffer_append_json_string(out, cell);
}

static void append_list(struct buffer *out, struct text cell)
{
	const char *separator = "[";

	if (is_json_array(cell)) {
		buffer_append_text(out, cell);
		return;
	}
	for (;;) {
		const char *end = memchr(cell.data, ';', cell.size);
		struct text part = {cell.data, end != NULL ? (size_t)(end - cell.data) : cell.size};

		buffer_append_string(out, separator);
		buffer_append_json_string(out, part);
		separator = ",";
		if (end == NULL)
			break;
		cell = (struct text){end + 1, cell.size - part.size - 1};
	}
	buffer_append_string(out, "]");
}

static void append_open_value(struct buffer *out, struct text cell)
{
	if (is_plain_number(cell) || text_equal_string(cell, "true") || text_equal_string(cell, "false") || is_json_array(cell))
		buffer_append_text(out, cell);
	else
		buffer_append_json_string(out, cell);
}

static void append_object(struct buffer *out, struct text cell)
{
	struct json_fault fault;

	if (cell.data[0] == '{' && json_scan_valid(cell, NULL, &fault))
		buffer_append_text(out, cell);
	else
		buffer_append_json_string(out, cell);
}

static void append_cell(struct buffer *out, const struct column *column, struct text cell)
{
	if (column->open_name != NULL)
		append_open_value(out, cell);
	else if (column->field->type == FIELD_BOOLEAN)
		append_boolean(out, cell);
	else if (column->field->type == FIELD_INTEGER)
		append_integer(out, cell);
	else if (column->field->type == FIELD_LIST)
		append_list(out, cell);
	else if (column->field->type == FIELD_OPEN || column->field->type == FIELD_OBJECT)
		append_object(out, cell);
	else
		buffer_append_json_string(out, cell);
}

/* The members of one open object, from all its columns. */
static void append_open(struct buffer *out, const struct csv_header *header, const struct csv_row *row, const struct field *field)
{
	const char *separator = "{";

	buffer_append_json_string(out, text_of(field->name));
	buffer_append_string(out, ":");
	for (size_t i = 0; i < header->count; i++) {
		const struct column *column = &header->columns[i];

		if (column->open_name == NULL || column->field != field || row->cells[i].size == 0)
			continue;
		buffer_append_string(out, separator);
		buffer_append_json_string(out, text_of(column->open_name));
		buffer_append_string(out, ":");
		append_cell(out, column, row->cells[i]);
		separator = ",";
	}
	buffer_append_string(out, "}");
}

/* Whether this column is the first with a value in its open object: there the object is written. */
static bool opens(const struct csv_header *header, const struct csv_row *row, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (header->columns[i].open_name != NULL && header->columns[i].field == header->columns[index].field &&
		    row->cells[i].size > 0)
			return false;
	return true;
}

static bool row_is_sound(const struct csv_header *header, const struct csv_row *row, struct problems *problems)
{
	size_t before = problems->count;

	if (row->count != header->count) {
		problems_add(problems, "", "wrong_column_count", "the row has %zu cells, the header %zu", row->count, header->count);
		return false;
	}
	for (size_t i = 0; i < row->count; i++) {
		const struct column *column = &header->columns[i];

		if (!text_is_clean_utf8(row->cells[i]))
			add_column_problem(problems, text_of(column->open_name != NULL ? column->open_name : column->field->name),
					   "invalid_text", "the cell is not valid UTF-8, or holds U+0000");
	}
	return problems->count == before;
}

bool csv_row_to_json(const struct csv_header *header, const struct csv_row *row, struct buffer *out, struct problems *problems)
{
	const char *separator = "{";

	if (!row_is_sound(header, row, problems))
		return false;
	for (size_t i = 0; i < header->count; i++) {
		const struct column *column = &header->columns[i];

		if (row->cells[i].size == 0 || (column->open_name != NULL && !opens(header, row, i)))
			continue;
		buffer_append_string(out, separator);
		separator = ",";
		if (column->open_name != NULL) {
			append_open(out, header, row, column->field);
			continue;
		}
		buffer_append_json_string(out, text_of(column->field->name));
		buffer_append_string(out, ":");
		append_cell(out, column, row->cells[i]);
	}
	buffer_append_string(out, separator[0] == '{' ? "{}" : "}");
	return true;
}
