/* CSV in pieces reads as CSV whole; a row that becomes an object becomes a valid one. The first byte is the size of the pieces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "csv_object.h"
#include "json_scan.h"
#include "resource.h"

#define CHECK(condition) ((condition) ? (void)0 : abort())

struct reading {
	const struct resource *resource;
	struct csv_header *header;
	struct buffer seen;
};

static bool read_row(void *context, const struct csv_row *row)
{
	struct reading *reading = context;
	struct problems problems = {0};
	struct buffer object = {0};
	struct json_fault fault;

	buffer_printf(&reading->seen, "%zu:", row->line);
	for (size_t i = 0; i < row->count; i++) {
		buffer_append_text(&reading->seen, row->cells[i]);
		buffer_append(&reading->seen, "|", 1);
	}
	if (reading->header == NULL)
		reading->header = csv_header_new(reading->resource->shape, "id", row, &problems);
	else if (csv_row_to_json(reading->header, row, &object, &problems))
		CHECK(json_scan_valid(buffer_text(&object), NULL, &fault));
	else
		CHECK(problems.count > 0);
	CHECK(reading->header != NULL || problems.count > 0);
	problems_free(&problems);
	buffer_free(&object);
	return reading->header != NULL;
}

static void read_all(const char *data, size_t size, size_t step, struct reading *reading, struct csv_fault *fault)
{
	struct csv_reader *reader = csv_reader_new(read_row, reading);
	bool going = true;

	for (size_t at = 0; going && at < size; at += step)
		going = csv_reader_feed(reader, data + at, step < size - at ? step : size - at, fault);
	if (going)
		csv_reader_end(reader, fault);
	csv_reader_free(reader);
	csv_header_free(reading->header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading whole = {.resource = &resource_account}, pieces = {.resource = &resource_account};
	struct csv_fault one = {0}, other = {0};

	if (size < 2)
		return 0;
	read_all((const char *)data + 1, size - 1, size - 1, &whole, &one);
	read_all((const char *)data + 1, size - 1, (size_t)data[0] % 16 + 1, &pieces, &other);
	CHECK(text_equal(buffer_text(&whole.seen), buffer_text(&pieces.seen)));
	CHECK(one.line == other.line && one.message == other.message);
	buffer_free(&whole.seen);
	buffer_free(&pieces.seen);
	return 0;
}
