/* The scanner against itself and against Jansson: slices stay inside the text, walks agree with the check, what we call valid is
 * what Jansson parses (but for what only it refuses). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json_scan.h"
#include "shape.h"

#define CHECK(condition) ((condition) ? (void)0 : abort())

static void check_inside(struct text outer, struct text inner)
{
	CHECK(inner.data >= outer.data && inner.data + inner.size <= outer.data + outer.size);
}

static void walk(struct text text, bool valid)
{
	struct json_walk walk;
	struct text name = {0}, value;
	enum json_step step;

	if (!json_walk_open(text, &walk))
		return;
	while ((step = json_walk_next(&walk, &name, &value)) == JSON_STEP_VALUE) {
		struct buffer decoded = {0};

		check_inside(text, value);
		if (walk.is_object)
			json_string_decode(name, &decoded);
		json_string_decode(value, &decoded);
		buffer_free(&decoded);
	}
	CHECK(!valid || step == JSON_STEP_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text text = {(const char *)data, size}, number;
	struct json_fault fault;
	const char *code, *message;
	size_t at = 0, values, line, column;
	bool valid = json_scan_valid(text, &values, &fault);
	json_t *tree;

	walk(text, valid);
	json_member(text, "id");
	if (!valid) {
		CHECK(fault.offset <= size && fault.message != NULL);
		json_scan_position(text, fault.offset, &line, &column);
	}
	while (json_next_number(text, &at, &number)) {
		struct buffer pointer = {0};

		check_inside(text, number);
		if (valid)
			json_pointer_at(text, (size_t)(number.data - text.data), &pointer);
		buffer_free(&pointer);
	}
	tree = json_parse_strict(text, &code, &message);
	CHECK(tree == NULL || valid);
	CHECK(tree != NULL || code != NULL);
	if (valid && tree == NULL)
		CHECK(strcmp(code, "invalid_json") != 0);
	json_decref(tree);
	return 0;
}
