/* Fields of JSON objects against their tables. What a single text may be stands in shape_text.c. */
#include "shape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "json_scan.h"
#include "shape_text.h"

/* Where a value stands, as a list towards the root: the pointer is only written out when there is something to say. */
struct place {
	const struct place *parent; /* NULL: the root, then name is the prefix */
	const char *name;           /* of a member; NULL: an element */
	size_t index;
};

static void append_place(const struct place *place, struct buffer *out)
{
	if (place->parent == NULL) {
		buffer_append_string(out, place->name);
		return;
	}
	append_place(place->parent, out);
	if (place->name != NULL)
		json_pointer_append(out, text_of(place->name));
	else
		buffer_printf(out, "/%zu", place->index);
}

static void add(struct problems *problems, const struct place *place, const char *code, const char *message)
{
	struct buffer pointer = {0};

	if (problems->count >= SHAPE_PROBLEMS_MAX)
		return;
	buffer_append_string(&pointer, "");
	append_place(place, &pointer);
	problems_add(problems, pointer.data, code, "%s", message);
	buffer_free(&pointer);
}

static void add_wrong_type(struct problems *problems, const struct place *place, const json_t *value, const char *wanted)
{
	static const char *const names[] = {
	    [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a text", [JSON_INTEGER] = "a number",
	    [JSON_REAL] = "a number",    [JSON_TRUE] = "true",      [JSON_FALSE] = "false",   [JSON_NULL] = "null",
	};
	char message[160];

	snprintf(message, sizeof message, "must be %s, not %s", wanted, names[json_typeof(value)]);
	add(problems, place, "wrong_type", message);
}

static void check_text(const struct field *field, struct text text, const struct place *place, struct problems *problems)
{
	struct text_fault fault;

	if (!text_fits(field, text, &fault))
		add(problems, place, fault.code, fault.message);
}

static struct text string_text(const json_t *value)
{
	return (struct text){json_string_value(value), json_string_length(value)};
}

/* A number as it was written, or, when that is not known, as its double reads. */
static void check_number(const struct field *field, const json_t *value, struct text raw, const struct place *place,
			 struct problems *problems)
{
	char digits[64];

	if (raw.data == NULL) {
		if (json_is_integer(value))
			snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		else
			snprintf(digits, sizeof digits, "%.15g", json_real_value(value));
		raw = text_of(digits);
	}
	check_text(field, raw, place, problems);
}

/* A whole number is an id as it is written; 4.0 and 4e0 would be other ids than 4. */
static void check_id_number(const struct field *field, const json_t *value, struct text raw, const struct place *place,
			    struct problems *problems)
{
	bool whole = json_is_integer(value) && json_integer_value(value) >= 0;

	if (raw.data != NULL) {
		whole = raw.data[0] != '-';
		for (size_t i = 0; i < raw.size; i++)
			whole = whole && raw.data[i] >= '0' && raw.data[i] <= '9';
	}
	if (whole)
		check_number(field, value, raw, place, problems);
	else
		add(problems, place, "not_an_id", "is no id: ids are texts, or whole numbers without sign, point and exponent");
}

static void check_object(const struct shape *shape, const json_t *value, struct text raw, const struct place *place, bool whole,
			 struct problems *problems);
static void check_value(const struct field *field, const json_t *value, struct text raw, const struct place *place,
			struct problems *problems);

static void check_list(const struct field *field, const json_t *value, struct text raw, const struct place *place,
		       struct problems *problems)
{
	struct json_walk walk;
	bool walking = raw.data != NULL && json_walk_open(raw, &walk);
	size_t i, size = json_array_size(value);
	struct text_fault fault;

	if (!size_fits(field, size, "elements", &fault))
		add(problems, place, fault.code, fault.message);
	for (i = 0; i < size && field->element != NULL && problems->count < SHAPE_PROBLEMS_MAX; i++) {
		struct place element = {.parent = place, .index = i};
		struct text raw_element = {0};

		if (walking && json_walk_next(&walk, NULL, &raw_element) != JSON_STEP_VALUE)
			walking = false;
		check_value(field->element, json_array_get(value, i), raw_element, &element, problems);
	}
}

/* Jansson's iterators want an object that may change; they do not change it. */
static json_t *iterable(const json_t *value)
{
	return (json_t *)(uintptr_t)value;
}

static bool is_open_list(const json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!json_is_string(json_array_get(value, i)))
			return false;
	return true;
}

/* An open object: what rules can compare. */
static void check_open(const json_t *value, const struct place *place, struct problems *problems)
{
	for (void *at = json_object_iter(iterable(value)); at != NULL && problems->count < SHAPE_PROBLEMS_MAX;
	     at = json_object_iter_next(iterable(value), at)) {
		const char *name = json_object_iter_key(at);
		const json_t *member = json_object_iter_value(at);
		struct place here = {.parent = place, .name = name};

		if (name[0] == '\0')
			add(problems, &here, "too_short", "a name must not be empty");
		else if (strlen(name) > OPEN_NAME_MAX)
			add(problems, &here, "too_long", "a name has at most 200 bytes");
		else if (json_is_object(member) || (json_is_array(member) && !is_open_list(member)))
			add(problems, &here, "wrong_type", "must be a text, a number, true, false, null or an array of texts");
	}
}

static void check_typed(const struct field *field, const json_t *value, struct text raw, const struct place *place,
			struct problems *problems)
{
	switch (field->type) {
	case FIELD_OBJECT:
		check_object(field->inner, value, raw, place, true, problems);
		return;
	case FIELD_LIST:
		if (!json_is_array(value))
			add_wrong_type(problems, place, value, "an array");
		else
			check_list(field, value, raw, place, problems);
		return;
	case FIELD_OPEN:
		if (!json_is_object(value))
			add_wrong_type(problems, place, value, "an object");
		else
			check_open(value, place, problems);
		return;
	case FIELD_ANY:
		return;
	case FIELD_BOOLEAN:
		if (!json_is_boolean(value))
			add_wrong_type(problems, place, value, "true or false");
		return;
	case FIELD_INTEGER:
		if (!json_is_number(value))
			add_wrong_type(problems, place, value, "a whole number");
		else
			check_number(field, value, raw, place, problems);
		return;
	case FIELD_DECIMAL:
		if (json_is_number(value))
			check_number(field, value, raw, place, problems);
		else if (json_is_string(value))
			check_text(field, string_text(value), place, problems);
		else
			add_wrong_type(problems, place, value, "a number, or a text that is one");
		return;
	case FIELD_ID:
		if (json_is_number(value))
			check_id_number(field, value, raw, place, problems);
		else if (json_is_string(value))
			check_text(field, string_text(value), place, problems);
		else
			add_wrong_type(problems, place, value, "an id: a text or a whole number");
		return;
	case FIELD_STRING:
	case FIELD_DATE:
	case FIELD_DATETIME:
	case FIELD_DATE_OR_DATETIME:
	case FIELD_CURRENCY:
	case FIELD_WORD:
		if (json_is_string(value))
			check_text(field, string_text(value), place, problems);
		else
			add_wrong_type(problems, place, value, "a text");
		return;
	}
}

static void check_value(const struct field *field, const json_t *value, struct text raw, const struct place *place,
			struct problems *problems)
{
	size_t before = problems->count;
	struct buffer pointer = {0};

	if (json_is_null(value)) {
		if (field->required || field->no_null)
			add(problems, place, "required", "cannot be null");
		return;
	}
	check_typed(field, value, raw, place, problems);
	if (field->check == NULL || problems->count != before)
		return;
	buffer_append_string(&pointer, "");
	append_place(place, &pointer);
	field->check(value, pointer.data, problems);
	buffer_free(&pointer);
}

static const struct field *find_field(const struct shape *shape, struct text name)
{
	for (size_t i = 0; i < shape->count; i++)
		if (text_equal_string(name, shape->fields[i].name))
			return &shape->fields[i];
	return NULL;
}

/* "did you mean": the nearest name of the shape, or NULL. */
static const char *nearest_field(const struct shape *shape, struct text name)
{
	const char *names[128];
	size_t count = shape->count < 128 ? shape->count : 128;
	int found;

	for (size_t i = 0; i < count; i++)
		names[i] = shape->fields[i].name;
	found = text_nearest(name, names, count);
	return found >= 0 ? names[found] : NULL;
}

static void add_unknown(const struct shape *shape, const char *name, const struct place *place, struct problems *problems)
{
	const char *nearest = nearest_field(shape, text_of(name)), *open = NULL;
	struct text shown = text_beginning(text_of(name), 60);
	struct buffer message = {0};

	for (size_t i = 0; i < shape->count; i++)
		if (shape->fields[i].type == FIELD_OPEN)
			open = shape->fields[i].name;
	buffer_printf(&message, "unknown attribute \"%.*s\"", (int)shown.size, shown.data);
	if (nearest != NULL)
		buffer_printf(&message, "; did you mean \"%s\"?", nearest);
	if (open != NULL)
		buffer_printf(&message, "%s attributes of your own go under \"%s\"", nearest != NULL ? " Otherwise:" : ";", open);
	add(problems, place, "unknown_attribute", message.data);
	buffer_free(&message);
}

/* Members are looked at in the order they were sent, then what is missing in the order of the shape. */
static void check_object(const struct shape *shape, const json_t *value, struct text raw, const struct place *place, bool whole,
			 struct problems *problems)
{
	if (!json_is_object(value)) {
		add_wrong_type(problems, place, value, "an object");
		return;
	}
	for (void *at = json_object_iter(iterable(value)); at != NULL && problems->count < SHAPE_PROBLEMS_MAX;
	     at = json_object_iter_next(iterable(value), at)) {
		struct place here = {.parent = place, .name = json_object_iter_key(at)};
		const struct field *field = find_field(shape, text_of(here.name));
		const json_t *member = json_object_iter_value(at);
		bool exact = json_is_number(member) || json_is_array(member) || json_is_object(member);

		if (field == NULL)
			add_unknown(shape, here.name, &here, problems);
		else
			check_value(field, member, exact && raw.data != NULL ? json_member(raw, here.name) : (struct text){0}, &here,
				    problems);
	}
	for (size_t i = 0; whole && i < shape->count; i++) {
		const struct field *field = &shape->fields[i];
		struct place here = {.parent = place, .name = field->name};

		if (field->required && json_object_get(value, field->name) == NULL)
			add(problems, &here, "required", field->summary != NULL ? field->summary : "is required");
	}
}

bool shape_check_text(const struct shape *shape, const json_t *value, struct text raw, const char *prefix, bool whole,
		      struct problems *problems)
{
	struct place root = {.name = prefix};
	size_t before = problems->count;

	check_object(shape, value, raw, &root, whole, problems);
	return problems->count == before;
}

bool shape_check(const struct shape *shape, const json_t *value, const char *prefix, bool whole, struct problems *problems)
{
	return shape_check_text(shape, value, (struct text){0}, prefix, whole, problems);
}

static void add_unknown_param(const struct shape *shape, const char *name, struct problems *problems)
{
	const char *nearest = nearest_field(shape, text_of(name));

	if (nearest != NULL)
		problems_add(problems, name, "unknown_parameter", "unknown parameter; did you mean \"%s\"?", nearest);
	else if (shape->count == 0)
		problems_add(problems, name, "unknown_parameter", "unknown parameter; none is taken here");
	else
		problems_add(problems, name, "unknown_parameter", "unknown parameter");
}

/* One value of a parameter; of a list, each between its commas. */
static void check_param(const struct field *field, const struct param *param, const char *name, struct problems *problems)
{
	bool is_list = field->type == FIELD_LIST;
	const struct field *single = is_list ? field->element : field;
	struct place place = {.name = name};
	struct text rest = param->value;
	size_t before = problems->count;
	json_t *value;

	while (single != NULL && single->type != FIELD_ANY) {
		const char *comma = is_list ? memchr(rest.data, ',', rest.size) : NULL;
		struct text part = {rest.data, comma != NULL ? (size_t)(comma - rest.data) : rest.size};

		check_text(single, part, &place, problems);
		if (comma == NULL)
			break;
		rest = (struct text){comma + 1, rest.size - part.size - 1};
	}
	if (field->check == NULL || problems->count != before)
		return;
	value = json_stringn(param->value.data, param->value.size);
	field->check(value, name, problems);
	json_decref(value);
}

bool shape_check_params(const struct shape *shape, const struct param *params, size_t count, struct problems *problems)
{
	static const struct shape none = {.name = "none"};
	size_t before = problems->count;

	if (shape == NULL)
		shape = &none;
	for (size_t i = 0; i < count && problems->count < SHAPE_PROBLEMS_MAX; i++) {
		const struct field *field = find_field(shape, params[i].name);
		struct buffer name = {0};
		bool repeated = false;

		buffer_append_text(&name, params[i].name);
		for (size_t k = 0; k < i; k++)
			repeated = repeated || text_equal(params[k].name, params[i].name);
		if (field == NULL)
			add_unknown_param(shape, name.data, problems);
		else if (repeated)
			problems_add(problems, name.data, "repeated_parameter", "stands more than once");
		else
			check_param(field, &params[i], name.data, problems);
		buffer_free(&name);
	}
	for (size_t i = 0; i < shape->count; i++) {
		const struct field *field = &shape->fields[i];
		bool given = false;

		for (size_t k = 0; k < count; k++)
			given = given || text_equal_string(params[k].name, field->name);
		if (field->required && !given)
			problems_add(problems, field->name, "required", "%s", field->summary != NULL ? field->summary : "is required");
	}
	return problems->count == before;
}
