#include <check.h>
#include <string.h>

#include "csv_object.h"
#include "csv_reader.h"
#include "line_reader.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* Rows written down as "line:cell|cell;" to compare with. */
static bool note_row(void *context, const struct csv_row *row)
{
	struct buffer *seen = context;

	buffer_printf(seen, "%zu:", row->line);
	for (size_t i = 0; i < row->count; i++) {
		buffer_append_string(seen, i > 0 ? "|" : "");
		buffer_append_text(seen, row->cells[i]);
	}
	buffer_append_string(seen, ";");
	return true;
}

static const struct {
	const char *text, *rows;
	const char *message; /* NULL: sound */
	size_t line;
} files[] = {
	{"a,b\n1,2\n", "1:a|b;2:1|2;", NULL, 0},
	{"a,b\r\n1,2", "1:a|b;2:1|2;", NULL, 0},
	{"\xEF\xBB\xBF" "a,b\r\n", "1:a|b;", NULL, 0},
	{"\n\r\na\n\n\nb\n", "3:a;6:b;", NULL, 0},
	{"a,\"x,\"\"y\"\"\nz\",c\nnext", "1:a|x,\"y\"\nz|c;3:next;", NULL, 0},
	{" a , b \n", "1:a|b;", NULL, 0},
	{"\" a \",\"\"\n", "1: a |;", NULL, 0},
	{",,\n", "1:||;", NULL, 0},
	{"", "", NULL, 0},
	{"\xEF\xBB\xBF", "", NULL, 0},
	{"\xEF\xBB", "1:\xEF\xBB;", NULL, 0},
	{"a,b\n1,x\"y\n", "1:a|b;", "a quote stands inside a cell, or text behind a closing quote; quotes in quoted cells are doubled", 2},
	{"a,b\n1,\"x\" y\n3,4\n", "1:a|b;", "a quote stands inside a cell, or text behind a closing quote; quotes in quoted cells are doubled", 2},
	{"a\n\"open\nand\nopen", "1:a;", "a quoted cell does not end", 2},
	{"\xFF\xFE" "a", "", "it looks like UTF-16; save it as UTF-8", 1},
};

/* Whole and byte by byte must read alike. */
static void read_file(const char *text, size_t step, struct buffer *seen, struct csv_fault *fault)
{
	struct csv_reader *reader = csv_reader_new(note_row, seen);
	size_t size = strlen(text);
	bool going = true;

	buffer_append_string(seen, "");
	for (size_t at = 0; going && at < size; at += step)
		going = csv_reader_feed(reader, text + at, step < size - at ? step : size - at, fault);
	if (going)
		csv_reader_end(reader, fault);
	csv_reader_free(reader);
}

START_TEST(rows_of_files)
{
	static const size_t steps[] = {1, 2, 3, 1000};

	for (int i = 0; i < COUNT(steps); i++) {
		struct csv_fault fault = {0};
		struct buffer seen = {0};

		read_file(files[_i].text, steps[i], &seen, &fault);
		ck_assert_str_eq(seen.data, files[_i].rows);
		if (files[_i].message == NULL)
			ck_assert_ptr_null(fault.message);
		else
			ck_assert_str_eq(fault.message, files[_i].message);
		ck_assert_uint_eq(fault.line, files[_i].line);
		buffer_free(&seen);
	}
}
END_TEST

START_TEST(rows_are_bounded)
{
	static const char open[] = "a\n\"";
	static char filler[64 * 1024];
	struct buffer seen = {0};
	struct csv_reader *reader = csv_reader_new(note_row, &seen);
	struct csv_fault fault = {0};
	size_t fed = 0;

	memset(filler, 'x', sizeof filler);
	ck_assert(csv_reader_feed(reader, open, sizeof open - 1, &fault));
	while (csv_reader_feed(reader, filler, sizeof filler, &fault))
		fed += sizeof filler;
	ck_assert_uint_le(fed, CSV_ROW_MAX);
	ck_assert_str_eq(fault.message, "a row is longer than 1 MiB; is a quote not closed?");
	ck_assert_uint_eq(fault.line, 2);
	csv_reader_free(reader);
	buffer_free(&seen);
}
END_TEST

START_TEST(columns_are_bounded)
{
	static char commas[CSV_COLUMNS_MAX + 1];
	struct buffer seen = {0};
	struct csv_reader *reader = csv_reader_new(note_row, &seen);
	struct csv_fault fault = {0};

	memset(commas, ',', sizeof commas);
	commas[sizeof commas - 1] = '\n';
	ck_assert(!csv_reader_feed(reader, commas, sizeof commas, &fault));
	ck_assert_str_eq(fault.message, "a row has more than 1,000 cells");
	csv_reader_free(reader);
	buffer_free(&seen);
}
END_TEST

static const struct field word_element = {.name = "word", .type = FIELD_STRING};
static const struct field fields[] = {
	{.name = "id", .type = FIELD_ID},          {.name = "name", .type = FIELD_STRING},
	{.name = "amount", .type = FIELD_DECIMAL}, {.name = "count", .type = FIELD_INTEGER},
	{.name = "flag", .type = FIELD_BOOLEAN},   {.name = "words", .type = FIELD_LIST, .element = &word_element},
	{.name = "day", .type = FIELD_DATE},       {.name = "attributes", .type = FIELD_OPEN},
};
static const struct shape shape = SHAPE("thing", fields);

/* The first row is the header; the JSON of the others, or "!code" of what is wrong. */
struct reading {
	struct csv_header *header;
	struct problems problems;
	struct buffer out;
};

static bool read_row(void *context, const struct csv_row *row)
{
	struct reading *reading = context;

	if (reading->header == NULL) {
		reading->header = csv_header_new(&shape, "id", row, &reading->problems);
		return reading->header != NULL;
	}
	if (!csv_row_to_json(reading->header, row, &reading->out, &reading->problems))
		buffer_printf(&reading->out, "!%s %s", reading->problems.items[0].code, reading->problems.items[0].pointer);
	return true;
}

static void read_objects(const char *text, struct reading *reading)
{
	struct csv_reader *reader = csv_reader_new(read_row, reading);
	struct csv_fault fault;

	buffer_append_string(&reading->out, "");
	if (csv_reader_feed(reader, text, strlen(text), &fault))
		csv_reader_end(reader, &fault);
	csv_reader_free(reader);
}

static void reading_free(struct reading *reading)
{
	csv_header_free(reading->header);
	problems_free(&reading->problems);
	buffer_free(&reading->out);
}

static const struct {
	const char *text, *json;
} objects[] = {
	{"id,name,amount\n1,Ann,12345678901234567890.10\n", "{\"id\":\"1\",\"name\":\"Ann\",\"amount\":\"12345678901234567890.10\"}"},
	{"id,name\n1,\n", "{\"id\":\"1\"}"},
	{"id,name\n,\n", "{}"},
	{"id,count\n1,12\n", "{\"id\":\"1\",\"count\":12}"},
	{"id,count\n1,-3\n", "{\"id\":\"1\",\"count\":-3}"},
	{"id,count\n1,012\n", "{\"id\":\"1\",\"count\":\"012\"}"},
	{"id,count\n1,1.5\n", "{\"id\":\"1\",\"count\":\"1.5\"}"},
	{"id,flag\n1,TRUE\n", "{\"id\":\"1\",\"flag\":true}"},
	{"id,flag\n1,no\n", "{\"id\":\"1\",\"flag\":false}"},
	{"id,flag\n1,maybe\n", "{\"id\":\"1\",\"flag\":\"maybe\"}"},
	{"id,words\n1,a;b\n", "{\"id\":\"1\",\"words\":[\"a\",\"b\"]}"},
	{"id,words\n1,\"[\"\"a;b\"\"]\"\n", "{\"id\":\"1\",\"words\":[\"a;b\"]}"},
	{"id,words\n1,[a\n", "{\"id\":\"1\",\"words\":[\"[a\"]}"},
	{"id,attributes.industry,name,attributes.employees\n1,tech,N,250\n",
	 "{\"id\":\"1\",\"attributes\":{\"industry\":\"tech\",\"employees\":250},\"name\":\"N\"}"},
	{"id,attributes.a,attributes.b\n1,,x\n", "{\"id\":\"1\",\"attributes\":{\"b\":\"x\"}}"},
	{"id,attributes.a,attributes.b\n1,,\n", "{\"id\":\"1\"}"},
	{"id,attributes.zip\n1,01234\n", "{\"id\":\"1\",\"attributes\":{\"zip\":\"01234\"}}"},
	{"id,attributes.code\n1,1e5\n", "{\"id\":\"1\",\"attributes\":{\"code\":\"1e5\"}}"},
	{"id,attributes.x\n1,-0.50\n", "{\"id\":\"1\",\"attributes\":{\"x\":-0.50}}"},
	{"id,attributes.x\n1,true\n", "{\"id\":\"1\",\"attributes\":{\"x\":true}}"},
	{"id,attributes.x\n1,True\n", "{\"id\":\"1\",\"attributes\":{\"x\":\"True\"}}"},
	{"id,attributes.x\n1,\"[\"\"a\"\",\"\"b\"\"]\"\n", "{\"id\":\"1\",\"attributes\":{\"x\":[\"a\",\"b\"]}}"},
	{"id,attributes\n1,\"{\"\"a\"\":1}\"\n", "{\"id\":\"1\",\"attributes\":{\"a\":1}}"},
	{"id,attributes\n1,{x\n", "{\"id\":\"1\",\"attributes\":\"{x\"}"},
	{"id,name\n1,\"say \"\"hi\"\"\nthere\"\n", "{\"id\":\"1\",\"name\":\"say \\\"hi\\\"\\nthere\"}"},
	{"id,name\n1\n", "!wrong_column_count "},
	{"id,name\n1,2,3\n", "!wrong_column_count "},
	{"id,name\n1,\xC3\n", "!invalid_text /name"},
};

START_TEST(rows_as_objects)
{
	struct reading reading = {0};

	read_objects(objects[_i].text, &reading);
	ck_assert_str_eq(reading.out.data, objects[_i].json);
	reading_free(&reading);
}
END_TEST

static const struct {
	const char *header, *pointer, *code, *said;
} headers[] = {
	{"id,nam", "/nam", "unknown_attribute", "did you mean \"name\"?"},
	{"id,industry", "/industry", "unknown_attribute", "unknown column; attributes of your own go into columns \"attributes.<name>\""},
	{"id;name", "/id;name", "unknown_attribute", "commas, not semicolons"},
	{"id,attributes.", "/attributes.", "unknown_attribute", "did you mean \"attributes\"? Otherwise: attributes of your own go into"},
	{"id,name.x", "/name.x", "unknown_attribute", "unknown column"},
	{"name", "/id", "required", "the header must name this column"},
	{"id,name,name", "/name", "duplicate_key", "stands twice"},
	{"id,,name", "", "required", "column 2 has no name"},
	{"id,\xFF", "", "invalid_text", "column 2"},
};

START_TEST(headers_refused)
{
	struct reading reading = {0};
	const struct problem *problem;
	char text[64];

	snprintf(text, sizeof text, "%s\n", headers[_i].header);
	read_objects(text, &reading);
	ck_assert_ptr_null(reading.header);
	ck_assert_uint_ge(reading.problems.count, 1);
	problem = &reading.problems.items[0];
	ck_assert_str_eq(problem->pointer, headers[_i].pointer);
	ck_assert_str_eq(problem->code, headers[_i].code);
	ck_assert_msg(strstr(problem->message, headers[_i].said) != NULL, "%s", problem->message);
	reading_free(&reading);
}
END_TEST

/* Lines written down as "number:text;", too long ones as "number!;". */
static bool note_line(void *context, const struct line *line)
{
	struct buffer *seen = context;

	buffer_printf(seen, "%zu%s", line->number, line->too_long ? "!" : ":");
	buffer_append_text(seen, line->text);
	buffer_append_string(seen, ";");
	return true;
}

static const struct {
	const char *text, *lines;
} streams[] = {
	{"a\nb\n", "1:a;2:b;"}, {"a\r\n\r\n \nb", "1:a\r;4:b;"}, {"\xEF\xBB\xBF" "a\n", "1:a;"}, {"", ""}, {"\n\n", ""},
	{"12345678\n123456789\nx\n", "1:12345678;2!;3:x;"}, {"123456789", "1!;"}, {"123456789012345678901234567890\nok", "1!;2:ok;"},
};

START_TEST(lines_of_streams)
{
	static const size_t steps[] = {1, 3, 1000};

	for (int i = 0; i < COUNT(steps); i++) {
		struct buffer seen = {0};
		struct line_reader reader = {.limit = 8, .take = note_line, .context = &seen};
		size_t size = strlen(streams[_i].text);

		buffer_append_string(&seen, "");
		for (size_t at = 0; at < size; at += steps[i])
			ck_assert(line_reader_feed(&reader, streams[_i].text + at, steps[i] < size - at ? steps[i] : size - at));
		ck_assert(line_reader_end(&reader));
		ck_assert_str_eq(seen.data, streams[_i].lines);
		line_reader_free(&reader);
		buffer_free(&seen);
	}
}
END_TEST

Suite *suite_csv(void);
Suite *suite_csv(void)
{
	Suite *suite = suite_create("csv");
	TCase *cases = tcase_create("csv");

	tcase_add_loop_test(cases, rows_of_files, 0, COUNT(files));
	tcase_add_test(cases, rows_are_bounded);
	tcase_add_test(cases, columns_are_bounded);
	tcase_add_loop_test(cases, rows_as_objects, 0, COUNT(objects));
	tcase_add_loop_test(cases, headers_refused, 0, COUNT(headers));
	tcase_add_loop_test(cases, lines_of_streams, 0, COUNT(streams));
	suite_add_tcase(suite, cases);
	return suite;
}
