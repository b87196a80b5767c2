/* A source's document: put together from preset and override, compiled, and what it brings along. */
#include "source.h"

#include <stdlib.h>
#include <string.h>

#include "mapping.h"
#include "memory.h"

enum { DOCUMENT_MAX = 1024 * 1024 };

/* ── preset and override ────────────────────────────────────────────────────────────────────────── */
static json_t *parse_object(struct text text, const char *what, struct problems *problems)
{
	const char *code, *message;
	json_t *value;

	if (text.size == 0)
		return json_object();
	value = json_parse_strict(text, &code, &message);
	if (value == NULL) {
		problems_add(problems, "", code, "%s: %s", what, message);
	} else if (!json_is_object(value)) {
		problems_add(problems, "", "wrong_type", "%s must be a JSON object", what);
		json_decref(value);
		value = NULL;
	}
	return value;
}

/* RFC 7396, in place. */
static void merge_patch(json_t *target, json_t *patch)
{
	const char *name;
	json_t *value;

	json_object_foreach(patch, name, value) {
		json_t *old = json_object_get(target, name);

		if (json_is_null(value)) {
			json_object_del(target, name);
		} else if (json_is_object(value)) {
			if (!json_is_object(old)) {
				json_object_set_new(target, name, json_object());
				old = json_object_get(target, name);
			}
			merge_patch(old, value);
		} else {
			json_object_set(target, name, value);
		}
	}
}

bool source_document(struct text preset, struct text override, struct buffer *out, struct problems *problems)
{
	size_t before = problems->count;
	json_t *target = parse_object(preset, "the preset", problems), *patch = parse_object(override, "the document", problems);
	char *text = NULL;

	if (problems->count == before) {
		merge_patch(target, patch);
		text = json_dumps(target, JSON_COMPACT);
		if (text == NULL)
			abort();
		buffer_append_string(out, text);
	}
	free(text);
	json_decref(target);
	json_decref(patch);
	return problems->count == before;
}

/* ── compiling ──────────────────────────────────────────────────────────────────────────────────── */
static const struct field default_fields[] = {{.name = "currency", .type = FIELD_CURRENCY}};
static const struct shape default_shape = SHAPE("defaults", default_fields);
static const struct field limit_fields[] = {{.name = "items", .type = FIELD_INTEGER, .no_null = true, .bounded = true, .min = 1, .max = 100000}};
static const struct shape limit_shape = SHAPE("limits", limit_fields);
static const struct field document_fields[] = {
	{.name = "title", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 200},
	{.name = "verify", .type = FIELD_ANY, .required = true, .summary = "how deliveries are authenticated: a list of verifiers"},
	{.name = "layouts", .type = FIELD_ANY, .required = true, .summary = "what deliveries look like"},
	{.name = "objects", .type = FIELD_ANY, .required = true, .summary = "what their records hold"},
	{.name = "lookups", .type = FIELD_ANY},
	{.name = "records", .type = FIELD_ANY},
	{.name = "defaults", .type = FIELD_OBJECT, .inner = &default_shape, .no_null = true},
	{.name = "limits", .type = FIELD_OBJECT, .inner = &limit_shape, .no_null = true},
	{.name = "id_prefix", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 50},
};
static const struct shape document_shape = SHAPE("document", document_fields);

static bool compile_lookups(struct compiler *compiler, const json_t *value, struct lookups *out)
{
	struct lookup *tables = COMPILE_TAKE(compiler, struct lookup, json_object_size(value) + 1);
	bool sound = true;

	out->tables = tables;
	if (value != NULL && !json_is_object(value)) {
		compile_fault(compiler, "wrong_type", "must be an object: the name of each lookup, and its table");
		return false;
	}
	for (void *at = json_object_iter(compile_iterable(value)); at != NULL; at = json_object_iter_next(compile_iterable(value), at)) {
		size_t before = compile_enter(compiler, json_object_iter_key(at));
		struct lookup *table = &tables[out->count++];

		table->name = arena_keep(compiler->arena, text_of(json_object_iter_key(at)));
		sound = lookup_compile(compiler, json_object_iter_value(at), table) && sound;
		compile_leave(compiler, before);
	}
	return sound;
}

/* A record of "records": kind, and what a record of that kind holds. */
static bool compile_seed(struct compiler *compiler, const json_t *value, struct seed *out)
{
	static const char dated[] = "1970-01-01T00:00:00Z";
	json_t *record = json_is_object(value) ? json_copy(compile_iterable(value)) : json_object();
	struct problems problems = {0};
	struct ingest_item item = {0};
	char *text;

	out->resource = resource_of_kind(json_string_value(json_object_get(record, "kind")));
	out->id = compile_text(compiler, json_object_get(record, "id"));
	if (out->resource == NULL || out->id.size == 0) {
		compile_fault(compiler, "required", "a record is an object with the kind and the id of an object, and its attributes");
		json_decref(record);
		return false;
	}
	json_object_del(record, "kind");
	json_object_set_new(record, "occurred_at", json_string(dated));
	text = json_dumps(record, JSON_COMPACT);
	if (text == NULL)
		abort();
	out->record = arena_keep(compiler->arena, text_of(text));
	free(text);
	json_decref(record);
	item_read(&(struct item_context){.resource = out->resource, .form = ITEM_ENTRY}, out->record, &item, &problems);
	for (size_t i = 0; i < problems.count; i++) {
		size_t before = compiler->at.size;

		buffer_append_string(&compiler->at, problems.items[i].pointer);
		compile_fault(compiler, problems.items[i].code, "%s", problems.items[i].message);
		compile_leave(compiler, before);
	}
	ingest_item_free(&item);
	problems_free(&problems);
	return true;
}

static void compile_seeds(struct compiler *compiler, struct source *source, const json_t *value)
{
	struct seed *seeds = COMPILE_TAKE(compiler, struct seed, json_array_size(value) + 1);

	if (value != NULL && (!json_is_array(value) || json_array_size(value) > 1000)) {
		compile_fault(compiler, "wrong_type", "must be a list of at most 1,000 records");
		return;
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		size_t before = compile_enter_element(compiler, i);

		compile_seed(compiler, json_array_get(value, i), &seeds[source->seed_count++]);
		compile_leave(compiler, before);
	}
	source->seeds = seeds;
}

static void compile_document(struct compiler *compiler, struct source *source, const json_t *document)
{
	const json_t *items = json_object_get(json_object_get(document, "limits"), "items");
	struct lookups lookups = {0};
	size_t before;

	if (!compile_check(compiler, &document_shape, document))
		return;
	source->items_max = items != NULL ? (size_t)json_integer_value(items) : ITEMS_MAX;
	source->currency = compile_text(compiler, json_object_get(json_object_get(document, "defaults"), "currency"));
	source->id_prefix = compile_text(compiler, json_object_get(document, "id_prefix"));
	before = compile_enter(compiler, "verify");
	verifiers_compile(compiler, json_object_get(document, "verify"), &source->verifiers);
	compile_leave(compiler, before);
	before = compile_enter(compiler, "lookups");
	compile_lookups(compiler, json_object_get(document, "lookups"), &lookups);
	compile_leave(compiler, before);
	before = compile_enter(compiler, "layouts");
	layouts_compile(compiler, source, &lookups, json_object_get(document, "layouts"));
	compile_leave(compiler, before);
	before = compile_enter(compiler, "objects");
	objects_compile(compiler, source, &lookups, json_object_get(document, "objects"));
	compile_leave(compiler, before);
	before = compile_enter(compiler, "records");
	compile_seeds(compiler, source, json_object_get(document, "records"));
	compile_leave(compiler, before);
	pointer_tree_finish(&source->item, compiler->arena);
}

struct source *source_compile(struct text document, struct problems *problems)
{
	struct compiler compiler = {.problems = problems};
	struct source *source;
	size_t before = problems->count;
	json_t *value;

	if (document.size > DOCUMENT_MAX) {
		problems_add(problems, "", "too_large", "a document has at most 1 MiB");
		return NULL;
	}
	value = parse_object(document, "the document", problems);
	if (value == NULL)
		return NULL;
	source = memory_zeroed(1, sizeof *source);
	compiler.arena = &source->arena;
	buffer_append_string(&compiler.at, "");
	compile_document(&compiler, source, value);
	buffer_free(&compiler.at);
	json_decref(value);
	if (problems->count == before)
		return source;
	source_free(source);
	return NULL;
}

void source_free(struct source *source)
{
	if (source == NULL)
		return;
	arena_free(&source->arena);
	free(source);
}

const struct preset *preset_find(struct text name)
{
	for (size_t i = 0; i < presets_count; i++)
		if (text_equal_string(name, presets[i].name))
			return &presets[i];
	return NULL;
}

/* ── verification ───────────────────────────────────────────────────────────────────────────────── */
enum verdict source_verify(const struct source *source, const struct source_secret *secrets, size_t count, const struct delivery *delivery)
{
	/* From the furthest to the closest to passing. */
	static const int closeness[] = {
	    [VERIFIED] = 7, [VERIFY_NO_SECRET] = 6, [VERIFY_STALE] = 5, [VERIFY_WRONG] = 4, [VERIFY_MALFORMED] = 3, [VERIFY_AMBIGUOUS] = 2, [VERIFY_MISSING] = 1,
	};
	enum verdict best = VERIFY_MISSING;

	for (size_t i = 0; i < source->verifiers.count; i++) {
		enum verdict verdict = verifier_verify(&source->verifiers.list[i], secrets, count, delivery);

		if (closeness[verdict] > closeness[best])
			best = verdict;
		if (best == VERIFIED)
			break;
	}
	return best;
}

bool source_takes_secret(const struct source *source, struct text secret)
{
	for (size_t i = 0; i < source->verifiers.count; i++)
		if (verifier_takes(&source->verifiers.list[i], secret))
			return true;
	return false;
}

bool source_proves_by(const struct source *source, const char *name, bool in_query)
{
	if (!in_query && strcmp(name, "authorization") == 0)
		return true;
	for (size_t i = 0; i < source->verifiers.count; i++) {
		const struct verifier *verifier = &source->verifiers.list[i];
		struct text place = in_query ? verifier->query : verifier->signature.header;

		if (place.data != NULL && text_equal_string(place, name))
			return true;
	}
	return false;
}

bool source_asks_basic(const struct source *source)
{
	for (size_t i = 0; i < source->verifiers.count; i++)
		if (source->verifiers.list[i].type == VERIFIER_BASIC)
			return true;
	return false;
}

/* ── records that come along ────────────────────────────────────────────────────────────────────── */
void source_records(const struct source *source, const struct mapped_sink *sink)
{
	for (size_t i = 0; i < source->seed_count; i++) {
		struct mapped mapped = {
			.type = MAPPED_EVENT,
			.index = i,
			.raw = source->seeds[i].record,
			.resource = source->seeds[i].resource,
			.id = source->seeds[i].id,
			.operation = text_of(operation_words[OPERATION_PATCH]),
			.occurred_at = TEXT("1970-01-01T00:00:00Z"),
			.record = source->seeds[i].record,
		};

		if (!sink->emit(sink->context, &mapped))
			return;
	}
}
