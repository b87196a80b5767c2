/* A delivery taken apart: its layout and its items. */
#include <stdlib.h>
#include <string.h>

#include "json_scan.h"
#include "mapping.h"
#include "memory.h"

/* ── items ──────────────────────────────────────────────────────────────────────────────────────── */
static void map_each(struct run *run)
{
	struct json_walk walk;
	struct text raw;
	size_t count = 0;

	if (!json_walk_open(run->item[run->layout->fan_out], &walk) || walk.is_object) {
		meaning_map(run);
		return;
	}
	while (!run->stopped && json_walk_next(&walk, NULL, &raw) == JSON_STEP_VALUE) {
		if (++count > run->source->items_max) {
			run_problem(run, "too_many_items", "", "it is of more objects than are taken at once");
			break;
		}
		run->evaluation.each = raw;
		meaning_map(run);
	}
	run->evaluation.each = (struct text){0};
	if (count == 0)
		meaning_map(run);
}

static bool scan_item(struct run *run, const struct layout *layout, struct text raw)
{
	struct pointer_scan scan = {.tree = &run->source->item, .reading = &layout->reading, .slots = run->item};

	/* The first item was looked at to find the layout. */
	if (run->scanned != raw.data || run->layout != layout) {
		pointer_scan(&scan, raw);
		run->scanned = raw.data;
		run->layout = layout;
		run->doubled = scan.doubled >= 0;
	}
	return !run->doubled;
}

static void map_item(struct run *run, struct text raw)
{
	run->raw = raw;
	run->counts->items++;
	arena_reset(&run->arena);
	if (raw.size > ITEM_MAX) {
		run_problem(run, "too_large", "", "an item has at most 1 MiB");
		return;
	}
	if (raw.data[0] != '{') {
		run_problem(run, "wrong_type", "", "an item is an object");
		return;
	}
	if (!scan_item(run, run->layout, raw)) {
		run_problem(run, "duplicate_key", "", "a name stands twice in one object");
		return;
	}
	if (run->layout->fan_out >= 0)
		map_each(run);
	else
		meaning_map(run);
}

/* ── the delivery ───────────────────────────────────────────────────────────────────────────────── */
static struct text trimmed(struct text text)
{
	while (text.size > 0 && memchr(" \t\r\n", text.data[0], 4) != NULL)
		text = (struct text){text.data + 1, text.size - 1};
	while (text.size > 0 && memchr(" \t\r\n", text.data[text.size - 1], 4) != NULL)
		text.size--;
	return text;
}

/* The first item of what stands at a layout's place; false when there is none. */
static bool first_item(struct text items, struct text *item)
{
	struct json_walk walk;

	*item = items;
	if (items.data[0] != '[')
		return true;
	return json_walk_open(items, &walk) && json_walk_next(&walk, NULL, item) == JSON_STEP_VALUE;
}

/* Whether a body has this layout at one of its places; *items is what stands there. */
static bool has_layout(struct run *run, const struct layout *layout, struct text body, struct text *items)
{
	for (size_t i = 0; i < layout->item_count; i++) {
		struct text item;

		*items = layout->items[i].size > 0 ? pointer_find(body, layout->items[i]) : body;
		if (items->data == NULL || items->size == 0)
			continue;
		if (!first_item(*items, &item) || layout->when == NULL)
			return true;
		scan_item(run, layout, item);
		if (condition_holds(layout->when, &run->evaluation))
			return true;
	}
	return false;
}

static const struct layout *find_layout(struct run *run, struct text body, struct text *items)
{
	for (size_t i = 0; i < run->source->layout_count; i++)
		if (has_layout(run, &run->source->layouts[i], body, items))
			return &run->source->layouts[i];
	return NULL;
}

static size_t count_items(struct text items)
{
	struct json_walk walk;
	struct text item;
	size_t count = 0;

	if (items.data[0] != '[' || !json_walk_open(items, &walk))
		return 1;
	while (json_walk_next(&walk, NULL, &item) == JSON_STEP_VALUE)
		count++;
	return count;
}

static void map_items(struct run *run, struct text items)
{
	struct json_walk walk;
	struct text item;

	if (items.data[0] != '[' || !json_walk_open(items, &walk)) {
		map_item(run, items);
		return;
	}
	for (; !run->stopped && json_walk_next(&walk, NULL, &item) == JSON_STEP_VALUE; run->index++)
		map_item(run, item);
}

static void map_body(struct run *run, struct text body)
{
	struct json_fault fault;
	struct text items;

	run->raw = body;
	if (!json_scan_valid(body, NULL, &fault)) {
		run_problem(run, fault.too_deep ? "too_deep" : "not_json", "", fault.message);
		return;
	}
	body = trimmed(body);
	run->layout = find_layout(run, body, &items);
	if (run->layout == NULL)
		run_problem(run, "unknown_layout", "", "it looks like no delivery that the mapping knows");
	else if (count_items(items) > run->source->items_max)
		run_problem(run, "too_many_items", "", "it has more items than this source takes at once");
	else
		map_items(run, items);
}

void source_map(const struct source *source, const struct delivery *delivery, const struct mapped_sink *sink, struct mapped_counts *counts)
{
	struct run *run = memory_zeroed(1, sizeof *run);

	*counts = (struct mapped_counts){0};
	run->source = source;
	run->sink = sink;
	run->counts = counts;
	run->evaluation = (struct evaluation){.arena = &run->arena, .item = run->item, .delivery = delivery};
	map_body(run, delivery->body);
	buffer_free(&run->record);
	buffer_free(&run->attributes);
	buffer_free(&run->pointer);
	arena_free(&run->arena);
	free(run);
}

bool mapped_read(const struct mapped *mapped, struct ingest_item *item, struct problems *problems)
{
	bool full = text_equal_string(mapped->operation, operation_words[OPERATION_PUT]);
	struct item_context context = {
		.resource = mapped->resource,
		.form = full ? ITEM_FULL : ITEM_ENTRY,
		.id = full ? mapped->id : (struct text){0},
	};

	if (item_read(&context, mapped->record, item, problems) != ITEM_SOUND)
		return false;
	item->partial = mapped->partial;
	item->source_seq = mapped->sequence;
	return true;
}
