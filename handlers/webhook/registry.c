#include "registry.h"

#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "log.h"
#include "memory.h"
#include "seal.h"

enum { NOTE_EVERY_MS = 60000 };

struct entry {
	struct entry *next;
	char slug[64], name[64];
	struct known_source *known;
	int64_t checked_ms; /* monotonic */
	int64_t noted_ms;   /* 0: not since start */
};

struct handlers {
	const struct settings *settings;
	struct stats *stats;
	pthread_mutex_t mutex;
	struct entry *entries;
};

struct handlers *handlers_start(const struct settings *settings, struct stats *stats)
{
	struct handlers *handlers = memory_zeroed(1, sizeof *handlers);

	handlers->settings = settings;
	handlers->stats = stats;
	pthread_mutex_init(&handlers->mutex, NULL);
	return handlers;
}

void known_source_free(struct known_source *known)
{
	if (known == NULL)
		return;
	source_free(known->compiled);
	free(known->url);
	free(known->secrets);
	if (known->secret_memory.size > 0)
		sodium_memzero(known->secret_memory.data, known->secret_memory.size);
	buffer_free(&known->secret_memory);
	free(known);
}

void handlers_stop(struct handlers *handlers)
{
	if (handlers == NULL)
		return;
	while (handlers->entries != NULL) {
		struct entry *entry = handlers->entries;

		handlers->entries = entry->next;
		known_source_free(entry->known);
		free(entry);
	}
	pthread_mutex_destroy(&handlers->mutex);
	free(handlers);
}

static int64_t now_ms(void)
{
	return clock_monotonic_ns() / 1000000;
}

static bool copy_word(struct text word, char to[64])
{
	if (word.size == 0 || word.size > 63)
		return false;
	for (size_t i = 0; i < word.size; i++)
		if (memchr("abcdefghijklmnopqrstuvwxyz0123456789-_", word.data[i], 38) == NULL)
			return false;
	memcpy(to, word.data, word.size);
	to[word.size] = '\0';
	return true;
}

bool registry_split(struct text path_name, char slug[64], char name[64])
{
	const char *dot = memchr(path_name.data != NULL ? path_name.data : "", '.', path_name.size);
	size_t size = dot != NULL ? (size_t)(dot - path_name.data) : 0;

	if (dot == NULL)
		return copy_word(TEXT("default"), slug) && copy_word(path_name, name);
	return copy_word((struct text){path_name.data, size}, slug) &&
	       copy_word((struct text){dot + 1, path_name.size - size - 1}, name);
}

/* ── reading ────────────────────────────────────────────────────────────────────────────────────── */

/* Columns of STATEMENT_source_find. */
enum { COLUMN_ORG, COLUMN_VERSION, COLUMN_ENABLED, COLUMN_PRESET, COLUMN_URL, COLUMN_OVERRIDE, COLUMN_SECRETS, COLUMN_SLUG };

/* known: the version that is known already; 0: none. *row has no row when there is no such source. */
static enum err ask(struct db *db, const char *org_id, const char *slug, const char *name, int64_t known, struct db_result **row)
{
	char version[24];

	snprintf(version, sizeof version, "%" PRId64, known);
	return db_run(db, STATEMENT_source_find,
		      (struct db_param[]){{.text = text_of(org_id)}, {.text = text_of(slug)}, {.text = text_of(name)}, {.text = text_of(version)}},
		      4, DB_MANY, row, NULL, NULL);
}

static bool read_secrets(const char *key, struct text list, struct known_source *known)
{
	json_t *secrets = json_loadb(list.data, list.size, 0, NULL), *secret;
	size_t i, *starts, count = json_array_size(secrets);
	bool sound = secrets != NULL;

	known->secrets = memory_zeroed(count + 1, sizeof *known->secrets);
	starts = memory_zeroed(count + 1, sizeof *starts);
	buffer_append_string(&known->secret_memory, "");
	json_array_foreach(secrets, i, secret) {
		const char *kept = json_string_value(json_object_get(secret, "kept"));

		starts[i] = known->secret_memory.size;
		sound = secret_open(key, known->org_id, known->name, text_of(kept), &known->secret_memory) && sound;
		known->secrets[i].not_before_ms = json_integer_value(json_object_get(secret, "not_before_ms"));
		known->secrets[i].not_after_ms = json_integer_value(json_object_get(secret, "not_after_ms"));
	}
	/* Only now the memory does not move any more. */
	for (i = 0; i < count; i++)
		known->secrets[i].value = (struct text){known->secret_memory.data + starts[i],
							(i + 1 < count ? starts[i + 1] : known->secret_memory.size) - starts[i]};
	known->secret_count = count;
	free(starts);
	json_decref(secrets);
	return sound;
}

/* further: a merge patch to what the row says. */
static struct source *compile(const struct db_result *row, struct text further, struct problems *problems)
{
	struct text preset_name = db_value(row, 0, COLUMN_PRESET);
	const struct preset *preset = preset_name.data != NULL ? preset_find(preset_name) : NULL;
	struct buffer document = {0}, patched = {0};
	struct source *compiled = NULL;

	if (preset_name.data != NULL && preset == NULL)
		problems_add(problems, "/preset", "not_one_of", "there is no preset of this name any more");
	else if (source_document(preset != NULL ? preset->document : (struct text){0}, db_value(row, 0, COLUMN_OVERRIDE), &document, problems) &&
		 source_document(buffer_text(&document), further, &patched, problems))
		compiled = source_compile(buffer_text(&patched), problems);
	buffer_free(&document);
	buffer_free(&patched);
	return compiled;
}

static void say_unsound(const char *name, const struct problems *problems)
{
	log_say(LOG_ERROR, "source_unsound", "source %s: %s %s", name, problems->count > 0 ? problems->items[0].pointer : "",
		problems->count > 0 ? problems->items[0].message : "");
}

/* The source of a row that holds all of it. */
static struct known_source *read_row(const struct settings *settings, const struct db_result *row, const char *name, struct text further,
				     struct problems *problems)
{
	struct known_source *known = memory_zeroed(1, sizeof *known);
	struct text url = db_value(row, 0, COLUMN_URL);

	known->url = memory_string_of(url.data, url.size);
	known->references = 1;
	(void)copy_word(db_value(row, 0, COLUMN_SLUG), known->slug);
	known->org_id = (int)strtol(db_value(row, 0, COLUMN_ORG).data, NULL, 10);
	snprintf(known->name, sizeof known->name, "%s", name);
	known->version = strtoll(db_value(row, 0, COLUMN_VERSION).data, NULL, 10);
	known->enabled = text_equal_string(db_value(row, 0, COLUMN_ENABLED), "t");
	known->compiled = compile(row, further, problems);
	if (!read_secrets(settings->secret_key, db_value(row, 0, COLUMN_SECRETS), known)) {
		problems_add(problems, "", "sealed", "a secret was sealed with another PLUMBLINE_SECRET_KEY");
		source_free(known->compiled);
		known->compiled = NULL;
	}
	return known;
}

enum err registry_read(const struct settings *settings, struct db *db, int org_id, const char *name, struct text override,
		       struct known_source **known, struct problems *problems)
{
	struct problems unheard = {0};
	struct db_result *row = NULL;
	char org_text[16];
	enum err err;

	snprintf(org_text, sizeof org_text, "%d", org_id);
	err = ask(db, org_text, NULL, name, 0, &row);
	if (err == ERR_OK && db_rows(row) == 0)
		err = ERR_NOT_FOUND;
	if (err == ERR_OK)
		*known = read_row(settings, row, name, override, problems != NULL ? problems : &unheard);
	problems_free(&unheard);
	db_result_free(row);
	return err;
}

/* ── what is known ──────────────────────────────────────────────────────────────────────────────── */

static struct entry *find(const struct handlers *handlers, const char *slug, const char *name)
{
	struct entry *entry = handlers->entries;

	while (entry != NULL && (strcmp(entry->slug, slug) != 0 || strcmp(entry->name, name) != 0))
		entry = entry->next;
	return entry;
}

/* With the mutex held. */
static void drop(struct known_source *known)
{
	if (known != NULL && --known->references == 0)
		known_source_free(known);
}

/* Puts what was read in place of what was known; known NULL: the source is gone. */
static void remember(struct handlers *handlers, const char *slug, const char *name, struct known_source *known)
{
	struct entry *entry;

	pthread_mutex_lock(&handlers->mutex);
	entry = find(handlers, slug, name);
	if (entry == NULL && known != NULL) {
		entry = memory_zeroed(1, sizeof *entry);
		snprintf(entry->slug, sizeof entry->slug, "%s", slug);
		snprintf(entry->name, sizeof entry->name, "%s", name);
		entry->next = handlers->entries;
		handlers->entries = entry;
	}
	if (entry != NULL) {
		drop(entry->known);
		entry->known = known;
		entry->checked_ms = now_ms();
		if (known != NULL)
			known->references++;
	}
	pthread_mutex_unlock(&handlers->mutex);
}

/* What is known, and whether it is fresh enough to go by. */
static struct known_source *look(struct handlers *handlers, const char *slug, const char *name, bool *fresh)
{
	struct known_source *known = NULL;
	struct entry *entry;

	pthread_mutex_lock(&handlers->mutex);
	entry = find(handlers, slug, name);
	if (entry != NULL && entry->known != NULL) {
		known = entry->known;
		known->references++;
		*fresh = now_ms() - entry->checked_ms < REGISTRY_STALE_MS;
	}
	pthread_mutex_unlock(&handlers->mutex);
	return known;
}

static void touch(struct handlers *handlers, const char *slug, const char *name)
{
	struct entry *entry;

	pthread_mutex_lock(&handlers->mutex);
	entry = find(handlers, slug, name);
	if (entry != NULL)
		entry->checked_ms = now_ms();
	pthread_mutex_unlock(&handlers->mutex);
}

/* Asks the database whether what is known still holds, and reads it when not. */
static enum err refresh(struct handlers *handlers, struct db *db, const char *slug, const char *name, struct known_source **known)
{
	struct known_source *old = *known;
	struct problems problems = {0};
	struct db_result *row = NULL;
	enum err err = ask(db, NULL, slug, name, old != NULL ? old->version : 0, &row);

	if (err == ERR_OK && db_rows(row) == 1 && db_value(row, 0, COLUMN_OVERRIDE).data == NULL) {
		touch(handlers, slug, name);
	} else if (err == ERR_OK) {
		*known = db_rows(row) == 1 ? read_row(handlers->settings, row, name, (struct text){0}, &problems) : NULL;
		if (*known != NULL && (*known)->compiled == NULL)
			say_unsound(name, &problems);
		if (*known != NULL)
			(*known)->stats = stats_source(handlers->stats, slug, name);
		registry_release(handlers, old);
		remember(handlers, slug, name, *known);
	}
	problems_free(&problems);
	db_result_free(row);
	return err;
}

enum err registry_get(struct handlers *handlers, struct db *db, struct text path_name, struct known_source **known)
{
	char slug[64], name[64];
	bool fresh = false;
	enum err err = ERR_OK;

	*known = NULL;
	if (!registry_split(path_name, slug, name))
		return ERR_NOT_FOUND;
	*known = look(handlers, slug, name, &fresh);
	if (!fresh)
		err = refresh(handlers, db, slug, name, known);
	if (err == ERR_OK && (*known == NULL || !(*known)->enabled))
		err = ERR_NOT_FOUND;
	else if (err == ERR_OK && (*known)->compiled == NULL)
		err = ERR_INTERNAL;
	if (err == ERR_OK)
		return ERR_OK;
	registry_release(handlers, *known);
	*known = NULL;
	return err;
}

void registry_release(struct handlers *handlers, struct known_source *known)
{
	if (known == NULL)
		return;
	pthread_mutex_lock(&handlers->mutex);
	drop(known);
	pthread_mutex_unlock(&handlers->mutex);
}

bool registry_note_due(struct handlers *handlers, const struct known_source *known)
{
	int64_t now = now_ms();
	bool due = false;

	pthread_mutex_lock(&handlers->mutex);
	for (struct entry *entry = handlers->entries; entry != NULL; entry = entry->next) {
		if (entry->known != known || (entry->noted_ms != 0 && now - entry->noted_ms < NOTE_EVERY_MS))
			continue;
		entry->noted_ms = now;
		due = true;
	}
	pthread_mutex_unlock(&handlers->mutex);
	return due;
}
