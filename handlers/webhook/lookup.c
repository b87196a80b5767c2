/* Constants, and tables of them by text. */
#include <stdlib.h>
#include <string.h>

#include "expression.h"

bool literal_compile(struct compiler *compiler, const json_t *value, struct scalar *out)
{
	char *text;

	if (json_is_string(value)) {
		*out = scalar_string(compile_text(compiler, value));
		out->ours = true;
		return true;
	}
	if (!json_is_boolean(value) && !json_is_number(value) && !json_is_null(value)) {
		compile_fault(compiler, "wrong_type", "must be a text, a number, true, false or null");
		return false;
	}
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	if (text == NULL)
		abort();
	*out = scalar_read(compiler->arena, arena_keep(compiler->arena, text_of(text)));
	out->ours = true;
	free(text);
	return true;
}

static int compare_entries(const void *a, const void *b)
{
	const struct lookup_entry *one = a, *other = b;
	size_t size = one->key.size < other->key.size ? one->key.size : other->key.size;
	int order = memcmp(one->key.data, other->key.data, size);

	return order != 0 ? order : (one->key.size > other->key.size) - (one->key.size < other->key.size);
}

bool lookup_compile(struct compiler *compiler, const json_t *value, struct lookup *out)
{
	size_t size = json_object_size(value);
	struct lookup_entry *entries = COMPILE_TAKE(compiler, struct lookup_entry, size + 1);
	bool sound = true;

	if (!json_is_object(value)) {
		compile_fault(compiler, "wrong_type", "must be an object: what stands there, and what it becomes");
		return false;
	}
	for (void *at = json_object_iter(compile_iterable(value)); at != NULL; at = json_object_iter_next(compile_iterable(value), at)) {
		const char *key = json_object_iter_key(at);
		size_t before = compile_enter(compiler, key);
		struct scalar *made = COMPILE_TAKE(compiler, struct scalar, 1);

		if (!literal_compile(compiler, json_object_iter_value(at), made))
			sound = false;
		else if (strcmp(key, "*") == 0)
			out->otherwise = made;
		else
			entries[out->count++] = (struct lookup_entry){arena_keep(compiler->arena, text_of(key)), *made};
		compile_leave(compiler, before);
	}
	qsort(entries, out->count, sizeof *entries, compare_entries);
	out->entries = entries;
	return sound;
}

const struct lookup *lookup_find(struct compiler *compiler, const struct lookups *lookups, struct text name)
{
	const char *names[64];
	size_t count = 0;

	for (size_t i = 0; i < lookups->count; i++) {
		if (text_equal(lookups->tables[i].name, name))
			return &lookups->tables[i];
		if (count < 63)
			names[count++] = lookups->tables[i].name.data;
	}
	names[count] = NULL;
	compile_word(compiler, name, names, "lookup");
	return NULL;
}

static int compare_key(const void *key, const void *entry)
{
	const struct text *wanted = key, *other = &((const struct lookup_entry *)entry)->key;
	int order = memcmp(wanted->data, other->data, wanted->size < other->size ? wanted->size : other->size);

	return order != 0 ? order : (wanted->size > other->size) - (wanted->size < other->size);
}

const struct lookup_entry *lookup_entry_of(const struct lookup *lookup, struct text key)
{
	return lookup->count > 0 ? bsearch(&key, lookup->entries, lookup->count, sizeof *lookup->entries, compare_key) : NULL;
}
