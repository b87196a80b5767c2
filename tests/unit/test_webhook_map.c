/* Deliveries through the presets and through small documents: tests/webhooks/<preset>-<case>.txt. A file holds
 *     @header value, ?query value: what comes with the body, a line each
 *     an empty line, the body, a line of four dashes
 *     what it has to mean, a line a result
 * and for a preset named "document" the document itself comes first, up to a line of four dashes. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "webhook/source.h"

#define FOLDER "tests/webhooks"
enum { FILES_MAX = 500, GIVEN_MAX = 20 };

static char files[FILES_MAX][256];
static int file_count;

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void find_files(void)
{
	DIR *folder = opendir(FOLDER);
	struct dirent *entry;

	file_count = 0;
	while (folder != NULL && (entry = readdir(folder)) != NULL && file_count < FILES_MAX)
		if (strstr(entry->d_name, ".txt") != NULL && strlen(entry->d_name) < sizeof files[0])
			memcpy(files[file_count++], entry->d_name, strlen(entry->d_name) + 1);
	if (folder != NULL)
		closedir(folder);
	qsort(files, (size_t)file_count, sizeof files[0], compare_names);
}

static struct buffer read_file(const char *name)
{
	struct buffer out = {0};
	char path[300], piece[4096];
	size_t size;
	FILE *file;

	snprintf(path, sizeof path, FOLDER "/%s", name);
	file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "cannot read %s", path);
	while ((size = fread(piece, 1, sizeof piece, file)) > 0)
		buffer_append(&out, piece, size);
	fclose(file);
	return out;
}

/* A case, taken apart; the file's text is cut into strings. */
struct given {
	const char *document, *body, *expected;
	char *lines[GIVEN_MAX]; /* of headers and query parameters */
	size_t count;
};

/* Cuts the text at a line; returns what stands behind it. */
static char *cut(char *text, const char *line, const char *name)
{
	char *found = strstr(text, line);

	ck_assert_msg(found != NULL, "%s: a part is missing", name);
	*found = '\0';
	return found + strlen(line);
}

static struct given take_apart(char *text, const char *name)
{
	struct given given = {0};
	char *head = text, *rest;

	if (strncmp(name, "document-", 9) == 0) {
		given.document = text;
		head = cut(text, "\n----\n", name);
	}
	given.expected = cut(head, "\n----\n", name);
	for (rest = head; rest[0] == '@' || rest[0] == '?';) {
		ck_assert(given.count < GIVEN_MAX);
		given.lines[given.count++] = rest;
		rest = cut(rest, "\n", name);
	}
	given.body = rest + (rest[0] == '\n');
	return given;
}

static struct text find_given(const void *context, char mark, const char *name, size_t nth)
{
	const struct given *given = context;
	size_t size = strlen(name);

	for (size_t i = 0; i < given->count; i++)
		if (given->lines[i][0] == mark && strncmp(given->lines[i] + 1, name, size) == 0 && given->lines[i][size + 1] == ' ' && nth-- == 0)
			return text_of(given->lines[i] + size + 2);
	return (struct text){0};
}

static struct text find_header(const void *context, const char *name, size_t nth)
{
	return find_given(context, '@', name, nth);
}

static struct text find_query(const void *context, const char *name, size_t nth)
{
	return find_given(context, '?', name, nth);
}

static void append_or_dash(struct buffer *out, struct text text)
{
	buffer_append_string(out, " ");
	buffer_append_text(out, text.data != NULL ? text : TEXT("-"));
}

static void append_event(struct buffer *out, const struct mapped *mapped)
{
	struct ingest_item item = {0};
	struct problems problems = {0};

	append_or_dash(out, mapped->operation);
	append_or_dash(out, mapped->occurred_at);
	append_or_dash(out, mapped->event_id);
	buffer_printf(out, " %lld %s\n  ", (long long)mapped->sequence, mapped->partial ? "partial" : "whole");
	buffer_append_text(out, mapped->record);
	if (mapped_read(mapped, &item, &problems))
		ck_assert(text_equal(item.id, mapped->id) && item.partial == mapped->partial && item.source_seq == mapped->sequence);
	for (size_t i = 0; i < problems.count; i++)
		buffer_printf(out, "\n  refused: %s %s", problems.items[i].pointer, problems.items[i].code);
	ingest_item_free(&item);
	problems_free(&problems);
}

static bool append_result(void *context, const struct mapped *mapped)
{
	static const char *const types[] = {"event", "notice", "ignored", "problem"};
	struct buffer *out = context;

	buffer_printf(out, "%zu %s", mapped->index, types[mapped->type]);
	if (mapped->resource != NULL)
		buffer_printf(out, " %s", mapped->resource->kind);
	if (mapped->type == MAPPED_EVENT || mapped->type == MAPPED_NOTICE)
		append_or_dash(out, mapped->id);
	if (mapped->type == MAPPED_EVENT)
		append_event(out, mapped);
	else if (mapped->type == MAPPED_PROBLEM)
		buffer_printf(out, " %s \"%s\" %s", mapped->code, mapped->pointer, mapped->message);
	else
		buffer_printf(out, ": %s", mapped->reason);
	buffer_append_string(out, "\n");
	return true;
}

/* What is found on the way: the results, and names that no rule names. */
struct found {
	struct buffer results, unmapped;
};

static bool found_result(void *context, const struct mapped *mapped)
{
	return append_result(&((struct found *)context)->results, mapped);
}

static void found_unmapped(void *context, const char *object, struct text name)
{
	struct found *found = context;

	buffer_printf(&found->unmapped, " %s.%.*s", object, (int)(name.size > 40 ? 40 : name.size), name.data);
}

static struct source *compile_for(const struct given *given, const char *name)
{
	char preset[256];
	struct problems problems = {0};
	struct text document = text_of(given->document);
	struct source *source;

	snprintf(preset, sizeof preset, "%.*s", (int)strcspn(name, "-"), name);
	if (given->document == NULL) {
		ck_assert_msg(preset_find(text_of(preset)) != NULL, "%s: there is no such preset", name);
		document = preset_find(text_of(preset))->document;
	}
	source = source_compile(document, &problems);
	ck_assert_msg(source != NULL, "%s: %s %s", name, problems.count > 0 ? problems.items[0].pointer : "", problems.count > 0 ? problems.items[0].message : "");
	problems_free(&problems);
	return source;
}

START_TEST(deliveries)
{
	struct buffer text = read_file(files[_i]);
	struct found found = {0};
	struct given given = take_apart(text.data, files[_i]);
	struct source *source = compile_for(&given, files[_i]);
	struct delivery delivery = {.method = TEXT("POST"), .url = TEXT("https://plumbline.example/v1/webhooks/crm"), .body = text_of(given.body),
				    .now_ms = 1768414616000, .header = find_header, .query = find_query, .context = &given};
	struct mapped_counts counts;

	source_map(source, &delivery, &(struct mapped_sink){.emit = found_result, .unmapped = found_unmapped, .context = &found}, &counts);
	buffer_printf(&found.results, "%zu items, %zu unmapped%.*s\n", counts.items, counts.unmapped, (int)found.unmapped.size,
		      buffer_text(&found.unmapped).data);
	ck_assert_msg(strcmp(found.results.data, given.expected) == 0, "%s means\n%s", files[_i], found.results.data);
	source_free(source);
	buffer_free(&text);
	buffer_free(&found.results);
	buffer_free(&found.unmapped);
}
END_TEST

static bool stop_at_second(void *context, const struct mapped *mapped)
{
	size_t *calls = context;

	(void)mapped;
	return ++*calls < 2;
}

START_TEST(stops_when_told)
{
	struct problems problems = {0};
	struct source *source = source_compile(preset_find(TEXT("generic"))->document, &problems);
	struct delivery delivery = {.body = TEXT("[{},{},{},{}]"), .header = find_header, .query = find_query, .context = &(struct given){0}};
	struct mapped_counts counts;
	size_t calls = 0;

	source_map(source, &delivery, &(struct mapped_sink){.emit = stop_at_second, .context = &calls}, &counts);
	ck_assert_uint_eq(calls, 2);
	ck_assert_uint_eq(counts.problems, 2);
	source_free(source);
}
END_TEST

START_TEST(there_are_deliveries)
{
	ck_assert_int_gt(file_count, 50);
}
END_TEST

Suite *suite_webhook_map(void);
Suite *suite_webhook_map(void)
{
	Suite *suite = suite_create("webhook_map");
	TCase *cases = tcase_create("webhook_map");

	find_files();
	tcase_add_loop_test(cases, deliveries, 0, file_count);
	tcase_add_test(cases, there_are_deliveries);
	tcase_add_test(cases, stops_when_told);
	suite_add_tcase(suite, cases);
	return suite;
}
