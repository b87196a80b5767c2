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
