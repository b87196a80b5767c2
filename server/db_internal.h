/* Shared by the files of the database module alone. */
#ifndef PLUMBLINE_DB_INTERNAL_H
#define PLUMBLINE_DB_INTERNAL_H

#include "db.h"
#include "log.h"

/* What a failed command left. Zero-initialised: no failure. */
struct failure {
	char sqlstate[6];           /* "": no answer */
	bool timed_out;
	bool logged;                /* where it happened */
	char *message;              /* one line; may be NULL */
	char *raised;               /* the DETAIL of an error; may be NULL */
};

void failure_set(struct failure *failure, const char *sqlstate, struct text message); /* replaces; sqlstate may be NULL */
void failure_free(struct failure *failure);
void failure_log(enum log_level level, const char *what, struct text detail, const char *sqlstate, const char *statement);

/* Logs a failure once and turns it into an error for the caller; problems and detail as db_run has them. */
enum err failure_report(struct stats *stats, const struct failure *failure, const char *statement, struct problems *problems,
			struct buffer *detail);

/* Holds the number of rows against what was expected. */
enum err shape_of_answer(enum statement statement, enum db_shape shape, int rows);

struct db {
	char *url;
	bool prepare;
	int connect_timeout_ms;
	int statement_timeout_ms;   /* 0: none */
	struct stats *stats;
	struct pg_conn *connection; /* NULL: not connected */
	bool prepared;              /* the statements of the table are known to this connection */
	bool in_transaction;
	int64_t not_before_ns;      /* no attempt to connect earlier */
};

enum {
	DB_PROBE_TIMEOUT_MS = 2000, /* of commands that do no work */
	DB_ANSWER_GRACE_MS = 2000   /* how much longer than the statement timeout an answer is waited for */
};

/* db.c, where libpq is. Commands end the connection when it fails; the failure says why. Deadlines: monotonic, 0: none. */
bool db_connected(struct db *db, struct failure *failure); /* connects unless there is a live connection; never in a transaction */
bool db_session(struct db *db, struct failure *failure);   /* and makes it ready for statements */
bool db_command(struct db *db, const char *sql, int64_t deadline_ns, struct failure *failure); /* simple protocol, no rows */
void db_disconnect(struct db *db);
bool db_forgotten(struct db *db, const struct failure *failure, int *times); /* the statement was lost: true when it may be sent again */
struct pg_result;
void failure_of_result(struct failure *failure, const struct pg_result *result);
struct wire;
bool db_send(struct db *db, enum statement statement, const struct wire *wire, size_t count, struct failure *failure);
bool db_transaction_is_sound(const struct db *db);         /* connected, and nothing in the transaction failed */

/* db_transaction.c */
int64_t db_deadline(int64_t ms);
int64_t db_answer_deadline(const struct db *db);           /* of an answer that PostgreSQL cuts off at the statement timeout */
bool db_begin_plain(struct db *db, struct failure *failure); /* BEGIN, without keeping account of it */

enum { DB_PARAMS_MAX = 16 };

/* Parameters as libpq wants them: texts end in a NUL, arrays are binary. */
struct wire {
	const char *values[DB_PARAMS_MAX];
	int lengths[DB_PARAMS_MAX];
	int formats[DB_PARAMS_MAX];
	struct buffer copies;
};

/* False when a text holds U+0000, which PostgreSQL would cut in silence. wire is zero-initialised; free wire->copies. */
bool wire_make(struct wire *wire, const struct db_param *params, size_t count);

#endif
