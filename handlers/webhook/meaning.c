/* What an item says happened, and the events that need no record: deletes, restores, merges. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_scan.h"
#include "mapping.h"

enum { EVENT_ID_LONGEST = 200 };

/* ── results ────────────────────────────────────────────────────────────────────────────────────── */
void run_emit(struct run *run, struct mapped *mapped)
{
	size_t *const counts[] = {
	    [MAPPED_EVENT] = &run->counts->events,
	    [MAPPED_NOTICE] = &run->counts->notices,
	    [MAPPED_IGNORED] = &run->counts->ignored,
	    [MAPPED_PROBLEM] = &run->counts->problems,
	};

	mapped->index = run->index;
	mapped->raw = run->raw;
	*counts[mapped->type] += 1;
	if (!run->stopped && !run->sink->emit(run->sink->context, mapped))
		run->stopped = true;
}

void run_problem(struct run *run, const char *code, const char *pointer, const char *message)
{
	struct mapped mapped = {.type = MAPPED_PROBLEM, .code = code, .pointer = pointer, .message = message};

	run_emit(run, &mapped);
}

static void ignore(struct run *run, const struct resource *resource, const char *reason)
{
	struct mapped mapped = {.type = MAPPED_IGNORED, .resource = resource, .reason = reason};

	run_emit(run, &mapped);
}

static void notice(struct run *run, const struct meaning *meaning, struct text id, const char *reason)
{
	struct mapped mapped = {.type = MAPPED_NOTICE, .resource = meaning->object->resource, .id = id, .occurred_at = meaning->occurred_at,
				.event_id = meaning->event_id, .sequence = meaning->sequence, .reason = reason};

	run_emit(run, &mapped);
}

/* ── what happened ──────────────────────────────────────────────────────────────────────────────── */
static const char *place_of(struct run *run, const struct expression *from)
{
	const struct expression *pointer = expression_pointer(from);

	buffer_clear(&run->pointer);
	buffer_append_string(&run->pointer, "");
	if (pointer != NULL)
		buffer_append_text(&run->pointer, pointer->text);
	return run->pointer.data;
}

/* The text an expression gives; absent when it gives none. False with a problem when it cannot be a text. */
static bool text_from(struct run *run, const struct expression *from, enum conversion conversion, struct scalar *out)
{
	*out = scalar_convert(&run->arena, expression_evaluate(from, &run->evaluation), &(struct convert_options){.conversion = conversion});
	if (out->type == SCALAR_BROKEN) {
		run_problem(run, out->code, place_of(run, from), out->message);
		return false;
	}
	if (out->type == SCALAR_NULL || out->type == SCALAR_ABSENT)
		*out = (struct scalar){.type = SCALAR_ABSENT};
	return true;
}

static struct text id_of(struct run *run, struct scalar scalar)
{
	if (scalar.text.data == NULL || scalar.ours || run->source->id_prefix.data == NULL)
		return scalar.text;
	return arena_join(&run->arena, (struct text[]){run->source->id_prefix, scalar.text}, 2);
}

/* What the item's expressions and rules say, as texts. */
struct said {
	struct scalar object, operation, id;
};

static bool apply_rules(struct run *run, struct said *said)
{
	for (size_t i = 0; i < run->layout->rule_count; i++) {
		const struct rule *rule = &run->layout->rules[i];

		if (!condition_holds(&rule->when, &run->evaluation))
			continue;
		if (rule->skip.data != NULL) {
			ignore(run, NULL, rule->skip.data);
			return false;
		}
		if ((rule->object != NULL && !text_from(run, rule->object, CONVERT_STRING, &said->object)) ||
		    (rule->operation != NULL && !text_from(run, rule->operation, CONVERT_STRING, &said->operation)) ||
		    (rule->id != NULL && !text_from(run, rule->id, CONVERT_STRING, &said->id)))
			return false;
	}
	return true;
}

static const struct object_rule *find_object(const struct source *source, struct text name)
{
	for (size_t i = 0; i < source->object_count; i++)
		if (text_equal(source->objects[i].name, name))
			return &source->objects[i];
	return NULL;
}

static bool find_operation(struct text word, enum operation *out)
{
	for (int i = 0; operation_words[i] != NULL; i++) {
		if (text_equal_string(word, operation_words[i])) {
			*out = (enum operation)i;
			return true;
		}
	}
	return false;
}

/* An id that is too long, has control characters or looks like one of the service's own stands for itself by its digest. */
static struct text event_id_of(struct run *run, struct text text)
{
	unsigned char digest[32];
	char hex[2 * sizeof digest + 1];
	bool fits = text.size <= EVENT_ID_LONGEST && text.data[0] != '~'; /* those are the service's own */

	for (size_t i = 0; i < text.size && fits; i++)
		fits = (unsigned char)text.data[i] >= 0x20 && text.data[i] != 0x7F;
	if (fits)
		return text;
	crypto_generichash(digest, sizeof digest, (const unsigned char *)text.data, text.size, NULL, 0);
	sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
	return arena_keep(&run->arena, (struct text){hex, sizeof hex - 1});
}

static bool read_sequence(struct run *run, int64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < run->layout->sequence_count; i++) {
		struct scalar scalar;
		char *end, digits[24];
		long long value;

		if (!text_from(run, &run->layout->sequence[i], CONVERT_STRING, &scalar))
			return false;
		if (scalar.type == SCALAR_ABSENT)
			continue;
		snprintf(digits, sizeof digits, "%.*s", (int)(scalar.text.size < 23 ? scalar.text.size : 23), scalar.text.data);
		value = strtoll(digits, &end, 10);
		if (scalar.text.size > 19 || *end != '\0' || value < 0 || value > INT64_MAX - *out) {
			run_problem(run, "not_an_integer", place_of(run, &run->layout->sequence[i]), "is no whole number of at most 19 digits, from 0 on");
			return false;
		}
		*out += value;
	}
	return true;
}

static bool read_when(struct run *run, struct meaning *meaning)
{
	const struct layout *layout = run->layout;
	struct scalar scalar;

	if (layout->has_occurred_at) {
		if (!text_from(run, &layout->occurred_at, CONVERT_DATETIME, &scalar))
			return false;
		meaning->occurred_at = scalar.text;
	}
	if (layout->has_event_id) {
		if (!text_from(run, &layout->event_id, CONVERT_STRING, &scalar))
			return false;
		if (scalar.type == SCALAR_STRING)
			meaning->event_id = event_id_of(run, scalar.text);
	}
	return read_sequence(run, &meaning->sequence);
}

/* ── events without a record ────────────────────────────────────────────────────────────────────── */
static void emit_bare(struct run *run, const struct meaning *meaning, struct text into)
{
	const char *word = operation_words[meaning->operation];
	struct mapped mapped = {
		.type = MAPPED_EVENT,
		.resource = meaning->object->resource,
		.id = meaning->id,
		.operation = text_of(word),
		.occurred_at = meaning->occurred_at,
		.event_id = meaning->event_id,
		.sequence = meaning->sequence,
		.partial = true,
	};

	record_begin(&run->record, meaning);
	buffer_printf(&run->record, ",\"operation\":\"%s\"", word);
	if (into.data != NULL) {
		buffer_append_string(&run->record, ",\"merged_into\":");
		buffer_append_json_string(&run->record, into);
	}
	buffer_append_string(&run->record, "}");
	mapped.record = buffer_text(&run->record);
	run_emit(run, &mapped);
}

/* What became of the objects of a merge. */
struct merging {
	struct text into;
	size_t merged;
	bool stays; /* one of those named is the one that stays: it is not new */
};

/* One of the objects that go. */
static void merge_one(struct run *run, const struct meaning *meaning, struct merging *merging, struct scalar loser)
{
	struct meaning one = *meaning;

	loser = scalar_convert(&run->arena, loser, &(struct convert_options){.conversion = CONVERT_STRING});
	if (loser.type != SCALAR_STRING)
		return;
	one.id = id_of(run, loser);
	merging->stays = merging->stays || text_equal(one.id, merging->into);
	if (text_equal(one.id, merging->into) || merging->merged >= run->source->items_max)
		return;
	if (meaning->event_id.data != NULL)
		one.event_id = event_id_of(run, arena_join(&run->arena, (struct text[]){meaning->event_id, TEXT(":"), one.id}, 3));
	merging->merged++;
	emit_bare(run, &one, merging->into);
}

static void merge_from(struct run *run, const struct meaning *meaning, struct merging *merging, const struct expression *from)
{
	struct scalar scalar = expression_evaluate(from, &run->evaluation);
	struct json_walk walk;
	struct text raw;

	if (scalar.type != SCALAR_LIST) {
		merge_one(run, meaning, merging, scalar);
		return;
	}
	if (!json_walk_open(scalar.text, &walk))
		return;
	while (!run->stopped && json_walk_next(&walk, NULL, &raw) == JSON_STEP_VALUE)
		merge_one(run, meaning, merging, scalar_read(&run->arena, raw));
}

static void map_merge(struct run *run, const struct meaning *meaning)
{
	const struct layout *layout = run->layout;
	struct merging merging = {0};
	struct scalar into, fetch;

	if (layout->has_merge && !text_from(run, &layout->into, CONVERT_STRING, &into))
		return;
	if (!layout->has_merge || into.type == SCALAR_ABSENT) {
		run_problem(run, "no_merge", layout->has_merge ? place_of(run, &layout->into) : "", "nothing says which object stays");
		return;
	}
	merging.into = id_of(run, into);
	for (size_t i = 0; i < layout->from_count; i++)
		merge_from(run, meaning, &merging, &layout->from[i]);
	if (merging.merged == 0)
		run_problem(run, "no_merge", layout->from_count > 0 ? place_of(run, &layout->from[0]) : "", "nothing says which objects go");
	if (merging.merged > 0 && !merging.stays && layout->has_fetch && text_from(run, &layout->fetch, CONVERT_STRING, &fetch) && fetch.type == SCALAR_STRING)
		notice(run, meaning, id_of(run, fetch), "objects were merged into a new one that has not been sent");
}

/* ── items ──────────────────────────────────────────────────────────────────────────────────────── */
static void map_meaning(struct run *run, const struct meaning *meaning)
{
	switch (meaning->operation) {
	case OPERATION_PATCH:
	case OPERATION_PUT:
		record_map(run, meaning);
		break;
	case OPERATION_DELETE:
	case OPERATION_RESTORE:
		emit_bare(run, meaning, (struct text){0});
		break;
	case OPERATION_MERGE:
		map_merge(run, meaning);
		break;
	case OPERATION_FETCH:
		notice(run, meaning, meaning->id, "it changed, but the source did not send how");
		break;
	case OPERATION_RESYNC:
		notice(run, meaning, (struct text){0}, "the source lost changes of this kind");
		break;
	case OPERATION_IGNORE:
		ignore(run, meaning->object->resource, "an event of this type says nothing of our data");
		break;
	}
}

static bool read_said(struct run *run, struct said *said)
{
	const struct layout *layout = run->layout;

	*said = (struct said){.operation = {.type = SCALAR_ABSENT}};
	return text_from(run, &layout->object, CONVERT_STRING, &said->object) &&
	       (!layout->has_operation || text_from(run, &layout->operation, CONVERT_STRING, &said->operation)) &&
	       text_from(run, &layout->id, CONVERT_STRING, &said->id) && apply_rules(run, said);
}

void meaning_map(struct run *run)
{
	struct meaning meaning = {.operation = OPERATION_PATCH};
	struct said said;

	if (!read_said(run, &said))
		return;
	meaning.object = find_object(run->source, said.object.text);
	if (said.object.type != SCALAR_ABSENT && meaning.object == NULL) {
		ignore(run, NULL, "the mapping has no object of this name");
		return;
	}
	if ((said.operation.type == SCALAR_ABSENT && run->layout->has_operation) ||
	    (said.operation.type != SCALAR_ABSENT && !find_operation(said.operation.text, &meaning.operation))) {
		run_problem(run, "unknown_operation", place_of(run, &run->layout->operation),
			    said.operation.type == SCALAR_ABSENT ? "nothing says what happened" : "the mapping does not know what happened");
		return;
	}
	if (meaning.object == NULL) {
		if (meaning.operation == OPERATION_IGNORE)
			ignore(run, NULL, "an event of this type says nothing of our data");
		else
			run_problem(run, "unknown_object", place_of(run, &run->layout->object), "nothing says what object it is of");
		return;
	}
	meaning.id = id_of(run, said.id);
	if (meaning.id.data != NULL && memchr(meaning.id.data, '*', meaning.id.size) != NULL && run->evaluation.each.data != NULL)
		meaning.operation = OPERATION_RESYNC; /* ids by wildcard: 006* */
	if (meaning.id.size == 0 && meaning.operation != OPERATION_RESYNC && meaning.operation != OPERATION_IGNORE && meaning.operation != OPERATION_MERGE) {
		run_problem(run, "no_id", place_of(run, &run->layout->id), "nothing says which object it is");
		return;
	}
	if (read_when(run, &meaning))
		map_meaning(run, &meaning);
}
