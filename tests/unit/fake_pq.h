/* A scripted libpq: stands in for the library in the unit test binary, so that every way a database can fail can be had. */
#ifndef PLUMBLINE_FAKE_PQ_H
#define PLUMBLINE_FAKE_PQ_H

#include <stdbool.h>
#include <stddef.h>

enum fake_kind {
	FAKE_DONE,   /* the command worked, no rows */
	FAKE_ROWS,
	FAKE_ERROR,  /* sqlstate, message, detail */
	FAKE_LOST,   /* the connection is gone */
	FAKE_SILENT  /* no answer, ever */
};

enum { FAKE_CELLS_MAX = 8192 };

/* What the database answers. Strings must outlive the answer. */
struct fake_answer {
	enum fake_kind kind;
	const char *sqlstate, *message, *detail;
	int rows, columns;
	const char *cells[FAKE_CELLS_MAX]; /* row by row; NULL: null */
};

/* What was asked. statement is the name of a prepared statement, or the text. */
struct fake_question {
	const char *statement;
	bool prepared;  /* by name */
	bool preparing; /* to parse a statement, not to run it */
	int count;
	const char *const *values;
	const int *lengths;
	const int *formats;
};

/* Fills *answer, which is zero (FAKE_DONE) when it is called. Called from any thread, one call at a time. */
typedef void fake_script(const struct fake_question *question, struct fake_answer *answer);

void fake_pq_reset(fake_script *script);
void fake_pq_refuse(bool refuse);      /* connections cannot be made */
void fake_pq_break_idle(void);         /* all open connections are closed by the other side */
int fake_pq_connects(void);            /* attempts so far */
int fake_pq_asked(const char *start);  /* commands run so far that begin with this */

#endif
