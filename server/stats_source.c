#include "stats_source.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum { CODES_MAX = 16 };

struct source_stats {
	struct source_stats *next;
	char *org, *source;
	_Atomic uint64_t deliveries[DELIVERY_END_COUNT];
	_Atomic uint64_t items[DELIVERY_ITEM_COUNT];
	_Atomic uint64_t unmapped;
	const char *_Atomic codes[CODES_MAX]; /* taken from the front, never given back */
	_Atomic uint64_t failures[CODES_MAX];
};

struct source_list {
	pthread_mutex_t mutex; /* guards first and the links */
	struct source_stats *first;
};

static const char *const end_names[DELIVERY_END_COUNT] = {
    [DELIVERY_STORED] = "stored", [DELIVERY_UNVERIFIED] = "unverified", [DELIVERY_UNAVAILABLE] = "unavailable"};

static const char *const item_names[DELIVERY_ITEM_COUNT] = {
    [DELIVERED_ACCEPTED] = "accepted",
    [DELIVERED_QUARANTINED] = "quarantined",
    [DELIVERED_IGNORED] = "ignored",
    [DELIVERED_RESYNC] = "resync",
};

struct source_list *source_list_new(void)
{
	struct source_list *list = memory_zeroed(1, sizeof *list);

	pthread_mutex_init(&list->mutex, NULL);
	return list;
}

void source_list_free(struct source_list *list)
{
	if (list == NULL)
		return;
	while (list->first != NULL) {
		struct source_stats *source = list->first;

		list->first = source->next;
		free(source->org);
		free(source->source);
		free(source);
	}
	pthread_mutex_destroy(&list->mutex);
	free(list);
}

static struct source_stats *source_new(const char *org, const char *source)
{
	struct source_stats *made = memory_zeroed(1, sizeof *made);

	made->org = memory_string(org);
	made->source = memory_string(source);
	return made;
}

struct source_stats *source_list_get(struct source_list *list, const char *org, const char *source)
{
	struct source_stats *found;

	pthread_mutex_lock(&list->mutex);
	found = list->first;
	while (found != NULL && (strcmp(found->org, org) != 0 || strcmp(found->source, source) != 0))
		found = found->next;
	if (found == NULL) {
		found = source_new(org, source);
		found->next = list->first;
		list->first = found;
	}
	pthread_mutex_unlock(&list->mutex);
	return found;
}

static void add(_Atomic uint64_t *to, uint64_t by)
{
	atomic_fetch_add_explicit(to, by, memory_order_relaxed);
}

void stats_delivery(struct source_stats *source, enum delivery_end end)
{
	if (source != NULL)
		add(&source->deliveries[end], 1);
}

void stats_delivered(struct source_stats *source, enum delivery_item item, uint64_t items)
{
	if (source != NULL)
		add(&source->items[item], items);
}

void stats_unmapped(struct source_stats *source, uint64_t members)
{
	if (source != NULL)
		add(&source->unmapped, members);
}

void stats_verification(struct source_stats *source, const char *code)
{
	for (size_t i = 0; source != NULL && i < CODES_MAX; i++) {
		const char *taken = atomic_load(&source->codes[i]);

		if (taken == NULL && atomic_compare_exchange_strong(&source->codes[i], &taken, code))
			taken = code;
		if (strcmp(taken, code) == 0) {
			add(&source->failures[i], 1);
			return;
		}
	}
}

static void head(struct buffer *out, const char *name, const char *help)
{
	buffer_printf(out, "# HELP %s %s\n# TYPE %s counter\n", name, help, name);
}

/* Names of organisations and sources need no escaping: they are made of letters, digits, - and _. */
static void sample(struct buffer *out, const char *name, const struct source_stats *source, const char *label, const char *value,
		   _Atomic uint64_t *count)
{
	buffer_printf(out, "%s{org=\"%s\",source=\"%s\"", name, source->org, source->source);
	if (label != NULL)
		buffer_printf(out, ",%s=\"%s\"", label, value);
	buffer_printf(out, "} %llu\n", (unsigned long long)atomic_load_explicit(count, memory_order_relaxed));
}

static void render_deliveries(struct source_stats *first, struct buffer *out)
{
	head(out, "plumbline_deliveries_total", "Deliveries of webhooks to configured sources, by how they ended.");
	for (struct source_stats *source = first; source != NULL; source = source->next)
		for (size_t i = 0; i < DELIVERY_END_COUNT; i++)
			sample(out, "plumbline_deliveries_total", source, "outcome", end_names[i], &source->deliveries[i]);
	head(out, "plumbline_delivery_items_total", "What deliveries brought, by what became of it.");
	for (struct source_stats *source = first; source != NULL; source = source->next)
		for (size_t i = 0; i < DELIVERY_ITEM_COUNT; i++)
			sample(out, "plumbline_delivery_items_total", source, "outcome", item_names[i], &source->items[i]);
}

void source_list_render(struct source_list *list, struct buffer *out)
{
	struct source_stats *first;

	pthread_mutex_lock(&list->mutex);
	first = list->first; /* from here on nothing of it changes but counters */
	pthread_mutex_unlock(&list->mutex);
	render_deliveries(first, out);
	head(out, "plumbline_verification_failures_total", "Deliveries that did not prove to be the source's, by why.");
	for (struct source_stats *source = first; source != NULL; source = source->next)
		for (size_t i = 0; i < CODES_MAX && atomic_load(&source->codes[i]) != NULL; i++)
			sample(out, "plumbline_verification_failures_total", source, "reason", atomic_load(&source->codes[i]), &source->failures[i]);
	head(out, "plumbline_unmapped_members_total", "Members of delivered records that no rule of the mapping names.");
	for (struct source_stats *source = first; source != NULL; source = source->next)
		sample(out, "plumbline_unmapped_members_total", source, NULL, NULL, &source->unmapped);
}
