/* Deliveries through the presets: the first byte chooses the preset and the event in the address, the rest is the body. Every event
 * is a record that is JSON and names the object the event names; good items stay the same whatever stands beside them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json_scan.h"
#include "webhook/source.h"

#define CHECK(condition) ((condition) ? (void)0 : abort())

static const char *const events[] = {"Opportunity.create", "Opportunity.update", "Account.delete", "Meeting.fieldUpdate.status"};
static struct source *sources[16];

static struct text find_header(const void *context, const char *name, size_t nth)
{
	(void)context;
	(void)name;
	return nth == 0 ? TEXT("1680447533390") : (struct text){0};
}

static struct text find_query(const void *context, const char *name, size_t nth)
{
	(void)name;
	return nth == 0 ? text_of(context) : (struct text){0};
}

static void check_event(const struct mapped *mapped)
{
	struct ingest_item item = {0};
	struct problems problems = {0};
	struct json_fault fault;

	CHECK(mapped->resource != NULL && mapped->id.size > 0 && mapped->operation.size > 0);
	CHECK(json_scan_valid(mapped->record, NULL, &fault));
	if (mapped_read(mapped, &item, &problems))
		CHECK(text_equal(item.id, mapped->id) && text_equal(item.event_id, mapped->event_id));
	else
		CHECK(problems.count > 0);
	ingest_item_free(&item);
	problems_free(&problems);
}

static bool emit(void *context, const struct mapped *mapped)
{
	(void)context;
	CHECK(mapped->raw.data != NULL);
	if (mapped->type == MAPPED_EVENT)
		check_event(mapped);
	else if (mapped->type == MAPPED_PROBLEM)
		CHECK(mapped->code != NULL && (mapped->pointer[0] == '/' || mapped->pointer[0] == '\0') && mapped->message != NULL);
	else
		CHECK(mapped->reason != NULL);
	return true;
}

static void unmapped(void *context, const char *object, struct text name)
{
	(void)context;
	CHECK(object != NULL && name.size > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct delivery delivery = {.method = TEXT("POST"), .url = TEXT("https://x.example/"), .header = find_header, .query = find_query};
	struct problems problems = {0};
	struct mapped_counts counts;
	size_t preset;

	if (size == 0)
		return 0;
	preset = data[0] % presets_count;
	if (sources[preset] == NULL)
		sources[preset] = source_compile(presets[preset].document, &problems);
	CHECK(sources[preset] != NULL);
	delivery.context = events[data[0] / presets_count % 4];
	delivery.body = (struct text){(const char *)data + 1, size - 1};
	source_map(sources[preset], &delivery, &(struct mapped_sink){.emit = emit, .unmapped = unmapped}, &counts);
	CHECK(counts.items > 0 || counts.problems <= 1);
	return 0;
}
