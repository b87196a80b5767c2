#include "schema.h"

#include <stdio.h>
#include <string.h>

#include "embedded.h"
#include "gzip.h"

/* One name for the functions of schema pl in the register, beside the names of migrations. */
static const char functions_name[] = "functions";

const char *schema_state_word(enum schema_state state)
{
	static const char *const words[] = {
	    [SCHEMA_CURRENT] = "current",
	    [SCHEMA_OLD] = "old",
	    [SCHEMA_NEWER] = "newer",
	    [SCHEMA_CHANGED] = "changed",
	};

	return words[state];
}

/* What the database has registered; rows NULL: nothing yet. */
struct registered {
	struct db_result *rows;
};

static enum err read_register(struct db *db, struct registered *registered)
{
	struct db_result *there = NULL;
	enum err err = db_run(db, STATEMENT_schema_exists, NULL, 0, DB_ONE, &there, NULL, NULL);

	registered->rows = NULL;
	if (err == ERR_OK && text_equal_string(db_value(there, 0, 0), "t"))
		err = db_run(db, STATEMENT_schema_register, NULL, 0, DB_MANY, &registered->rows, NULL, NULL);
	db_result_free(there);
	return err;
}

/* Row of a name, or -1. */
static long find(const struct registered *registered, const char *name)
{
	for (size_t i = 0; i < db_rows(registered->rows); i++)
		if (text_equal_string(db_value(registered->rows, i, 0), name))
			return (long)i;
	return -1;
}

static const struct migration *known_migration(struct text name)
{
	for (size_t i = 0; i < embedded_migrations_count; i++)
		if (text_equal_string(name, embedded_migrations[i].name))
			return &embedded_migrations[i];
	return NULL;
}

static void explain(struct buffer *detail, const char *format, struct text name)
{
	struct buffer word = {0};

	buffer_append_text(&word, name);
	if (detail != NULL)
		buffer_printf(detail, "%s %s", word.data, format);
	buffer_free(&word);
}

/* First what forbids going on, then what is missing. */
static enum schema_state compare(const struct registered *registered, struct buffer *detail)
{
	long row;

	for (size_t i = 0; i < db_rows(registered->rows); i++) {
		struct text name = db_value(registered->rows, i, 0);
		const struct migration *migration = known_migration(name);

		if (migration == NULL && !text_equal_string(name, functions_name)) {
			explain(detail, "was applied by a newer version than this one", name);
			return SCHEMA_NEWER;
		}
		if (migration != NULL && !text_equal_string(db_value(registered->rows, i, 1), migration->checksum)) {
			explain(detail, "was changed after it was applied", name);
			return SCHEMA_CHANGED;
		}
	}
	for (size_t i = 0; i < embedded_migrations_count; i++)
		if (find(registered, embedded_migrations[i].name) < 0) {
			explain(detail, "is not applied yet: run plumbline migrate", text_of(embedded_migrations[i].name));
			return SCHEMA_OLD;
		}
	row = find(registered, functions_name);
	if (row < 0 || !text_equal_string(db_value(registered->rows, (size_t)row, 1), embedded_functions_checksum)) {
		explain(detail, "of schema pl are not those of this version: run plumbline migrate", text_of("the functions"));
		return SCHEMA_OLD;
	}
	return SCHEMA_CURRENT;
}

enum err schema_check(struct db *db, enum schema_state *state, struct buffer *detail)
{
	struct registered registered;
	enum err err = read_register(db, &registered);

	if (err == ERR_OK)
		*state = compare(&registered, detail);
	db_result_free(registered.rows);
	return err;
}

static enum err put(struct db *db, const char *name, const char *checksum)
{
	struct db_param params[] = {{.text = text_of(name)}, {.text = text_of(checksum)}};

	return db_run(db, STATEMENT_schema_put, params, 2, DB_NONE, NULL, NULL, NULL);
}

static enum err run_packed(struct db *db, struct text packed, struct buffer *detail)
{
	struct buffer sql = {0};
	enum err err = gzip_expand(packed, SIZE_MAX / 2, &sql);

	if (err == ERR_OK)
		err = db_script(db, sql.data, detail);
	buffer_free(&sql);
	return err;
}

static enum err apply_migration(struct db *db, const struct migration *migration, struct buffer *detail)
{
	enum err err = run_packed(db, migration->sql, detail);

	return err == ERR_OK ? put(db, migration->name, migration->checksum) : err;
}

/* The script begins by dropping schema pl: code is replaced whole, nothing that holds data depends on it. */
static enum err apply_functions(struct db *db, struct buffer *detail)
{
	enum err err = run_packed(db, embedded_functions, detail);

	return err == ERR_OK ? put(db, functions_name, embedded_functions_checksum) : err;
}

/* The first thing that is missing. *done NULL: nothing was. Inside the transaction that holds the lock, so that of several
 * processes one does it and the others find it done. */
static enum err apply_next(struct db *db, const char **done, struct buffer *detail)
{
	struct registered registered = {0};
	enum schema_state state;
	enum err err;

	*done = NULL;
	err = db_run(db, STATEMENT_schema_lock, NULL, 0, DB_NONE, NULL, NULL, NULL);
	if (err == ERR_OK)
		err = db_run(db, STATEMENT_schema_begin, NULL, 0, DB_NONE, NULL, NULL, detail);
	if (err == ERR_OK)
		err = read_register(db, &registered);
	if (err != ERR_OK)
		goto out;
	state = compare(&registered, NULL);
	if (state == SCHEMA_CURRENT)
		goto out;
	if (state != SCHEMA_OLD) {
		compare(&registered, detail);
		err = ERR_CONFLICT;
		goto out;
	}
	for (size_t i = 0; i < embedded_migrations_count; i++)
		if (find(&registered, embedded_migrations[i].name) < 0) {
			*done = embedded_migrations[i].name;
			err = apply_migration(db, &embedded_migrations[i], detail);
			goto out;
		}
	*done = functions_name;
	err = apply_functions(db, detail);
out:
	db_result_free(registered.rows);
	return err;
}

/* One step in one transaction. */
static enum err step(struct db *db, const char **done, struct buffer *detail)
{
	enum err err = db_begin(db);

	if (err != ERR_OK)
		return err;
	err = apply_next(db, done, detail);
	if (err == ERR_OK)
		return db_commit(db);
	db_rollback(db);
	return err;
}

enum err schema_migrate(struct db *db, void (*say)(const char *sentence), struct buffer *detail)
{
	const char *done = NULL;
	enum err err;

	do {
		err = step(db, &done, detail);
		if (say != NULL && done != NULL) {
			struct buffer sentence = {0};

			buffer_printf(&sentence, "%s %s", done, err == ERR_OK ? "applied" : "failed");
			say(sentence.data);
			buffer_free(&sentence);
		}
	} while (err == ERR_OK && done != NULL);
	return err;
}

/* "name applied time", "name pending". */
static void tell(const struct registered *registered, const char *name, const char *checksum, void (*say)(const char *sentence))
{
	struct buffer sentence = {0};
	long row = find(registered, name);
	const char *word = row < 0 ? "pending" : "applied";

	if (row >= 0 && !text_equal_string(db_value(registered->rows, (size_t)row, 1), checksum))
		word = strcmp(name, functions_name) == 0 ? "outdated" : "changed";
	buffer_printf(&sentence, "%s %s", name, word);
	if (row >= 0) {
		buffer_append_string(&sentence, " ");
		buffer_append_text(&sentence, db_value(registered->rows, (size_t)row, 2));
	}
	say(sentence.data);
	buffer_free(&sentence);
}

enum err schema_status(struct db *db, void (*say)(const char *sentence), struct buffer *detail)
{
	struct registered registered;
	enum err err = read_register(db, &registered);

	if (err == ERR_OK) {
		for (size_t i = 0; i < embedded_migrations_count; i++)
			tell(&registered, embedded_migrations[i].name, embedded_migrations[i].checksum, say);
		tell(&registered, functions_name, embedded_functions_checksum, say);
		compare(&registered, detail);
	}
	db_result_free(registered.rows);
	return err;
}
