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
struct stats;

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
size_t db_columns(const struct db_result *result);
struct text db_value(const struct db_result *result, size_t row, size_t column); /* absent text for null */
void db_result_free(struct db_result *result); /* NULL allowed */

/* Never fails: connects when first used, again when lost. prepare: named prepared statements, made on first use of a connection;
 * off (PgBouncer in transaction mode): each statement is sent with its text. A connection is used by one thread at a time.
 * While the database cannot be reached, calls fail at once for a moment between two attempts, so that a queue empties quickly. */
struct db *db_open(const char *url, bool prepare, int connect_timeout_s);
void db_close(struct db *db);                                 /* NULL allowed */
void db_limit(struct db *db, int statement_timeout_ms);       /* of every statement; 0 (as opened): none */
void db_observe(struct db *db, struct stats *stats);          /* counts statements, errors and connects; NULL: nobody */
bool db_ready(struct db *db);  /* connects if needed; true when a trivial query works */
bool db_in_transaction(const struct db *db);

/* Asks the server to parse every statement of the table; false when it refuses one, faults then says which and why, a
 * sentence a line. For start-up, so that a wrong statement stops the service and not the first customer. */
bool db_check_statements(struct db *db, struct buffer *faults);

/* Runs one statement (prepared unless switched off). Reconnects once if the connection was found dead before anything was sent.
 * Serialization failures and deadlocks outside an explicit transaction are tried again up to three times.
 * result may be NULL when nobody wants the rows. DB_ONE: more than one row is ERR_INTERNAL. DB_NONE: rows are dropped.
 * On error: *result is NULL, problems (may be NULL) and detail (may be NULL) are filled from errors raised in SQL with SQLSTATE PLxxx.
 * Texts hold no U+0000 (ERR_INVALID_PARAMETER). What PostgreSQL said goes to the log, not to the caller, unless it speaks of the
 * request's own data. */
enum err db_run(struct db *db, enum statement statement, const struct db_param *params, size_t count, enum db_shape shape,
		struct db_result **result, struct problems *problems, struct buffer *detail);

/* The rows of one statement one at a time, in constant memory however many there are: a read-only transaction of its own, one
 * snapshot. open returns when the first row is there; no row at all is ERR_NOT_FOUND. timeout_ms: of the whole, from open to close.
 * wanted(context) is asked a few times a second while waiting; when it is false the reading ends with ERR_REQUEST_TIMEOUT, which
 * nobody is told. Between open and close the connection runs nothing else. Errors as db_run has them. */
struct db_rows;
struct db_rows_open {
	enum statement statement;
	const struct db_param *params;
	size_t count;
	int timeout_ms;
	bool (*wanted)(void *context);
	void *context;
};
enum err db_rows_open(struct db *db, const struct db_rows_open *open, struct db_rows **rows, struct problems *problems,
		      struct buffer *detail);
struct text db_rows_value(const struct db_rows *rows, size_t column); /* of this row, until the next; absent text for null or no such column */
enum err db_rows_next(struct db_rows *rows, bool *more);              /* *more: there is another row, and it is this one now */
void db_rows_close(struct db_rows *rows);                             /* at any time; NULL allowed */

enum err db_begin(struct db *db);
enum err db_commit(struct db *db);
void db_rollback(struct db *db);
/* Inside a transaction: a point to come back to, so that a failed statement does not fail the rest. The newest one counts. */
enum err db_savepoint(struct db *db);
enum err db_rollback_to_savepoint(struct db *db);
enum err db_timeout(struct db *db, int statement_timeout_ms); /* SET LOCAL: inside a transaction */

/* Raw SQL, for migrations and tests only: several commands, no statement timeout. detail: what PostgreSQL said. */
enum err db_script(struct db *db, const char *sql, struct buffer *detail);

/* What a SQLSTATE means to a caller: the one place where they are read (db_error.c). "" is a lost connection. */
enum err db_sqlstate_error(const char *sqlstate);
/* True when it is worth trying the same again: serialization failure, deadlock. */
bool db_sqlstate_is_transient(const char *sqlstate);
/* Reads the DETAIL of an error raised by pl.fail, {"code", "errors": [{"pointer", "code", "message"}]}: the error with that code,
 * its errors added to problems (may be NULL). ERR_INTERNAL when it is not of that form. */
enum err db_raised_error(const char *json, struct problems *problems);

#endif
