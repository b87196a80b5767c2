/* PostgreSQL: the only module that sees libpq. One connection a worker, statements by name, SQLSTATE read in one place. */
#ifndef PLUMBLINE_DB_H
#define PLUMBLINE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "statements.h" /* generated: enum statement { STATEMENT_NONE, STATEMENT_<file stem>…, STATEMENT_COUNT } and statement_table[] */
#include "text.h"

struct db;
struct problems;

enum db_shape { DB_NONE, DB_ONE, DB_MANY }; /* DB_ONE: no row gives ERR_NOT_FOUND */

/* A parameter: text (UTF-8 without NUL), or an array of texts sent in binary. data NULL: SQL null. */
struct db_param {
	struct text text;
	bool is_array;              /* encoded holds a binary text[] made by db_array_… */
};

struct db_array { struct buffer encoded; int32_t count; };
void db_array_add(struct db_array *array, struct text value); /* absent text: null element */
void db_array_free(struct db_array *array);
struct db_param db_array_param(struct db_array *array);       /* the array keeps the memory */

/* An answer: rows of texts, valid until db_result_free. */
struct db_result;
size_t db_rows(const struct db_result *result);
struct text db_value(const struct db_result *result, size_t row, size_t column); /* absent text for null */
void db_result_free(struct db_result *result); /* NULL allowed */

struct db *db_open(const char *url, bool prepare, int connect_timeout_s); /* never fails: connects when first used, again when lost */
void db_close(struct db *db);
bool db_ready(struct db *db);  /* connects if needed; true when a trivial query works */

/* Runs one statement (prepared unless switched off). Reconnects once if the connection was found dead before anything was sent.
 * Serialization failures and deadlocks outside an explicit transaction are tried again up to three times.
 * On error: *result is NULL, problems (may be NULL) and detail (may be NULL) are filled from errors raised in SQL with SQLSTATE PLxxx. */
enum err db_run(struct db *db, enum statement statement, const struct db_param *params, size_t count, enum db_shape shape,
		struct db_result **result, struct problems *problems, struct buffer *detail);

enum err db_begin(struct db *db);
enum err db_commit(struct db *db);
void db_rollback(struct db *db);
enum err db_timeout(struct db *db, int statement_timeout_ms); /* SET LOCAL: inside a transaction */

/* Raw SQL, for migrations and tests only. */
enum err db_script(struct db *db, const char *sql, struct buffer *detail);

#endif
