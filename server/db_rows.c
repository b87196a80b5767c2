/* The rows of a statement one at a time, for answers too long to be held. */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "db_internal.h"
#include "memory.h"
#include "stats.h"

enum { SLICE_MS = 200 }; /* how long nobody asks whether the rows are still wanted */

struct db_rows {
	struct db *db;
	enum statement statement;
	PGresult *result; /* what came last */
	int row;          /* of it; -1: before the first */
	bool complete;    /* all answers to the statement were taken */
	int64_t deadline_ns;
	bool (*wanted)(void *context);
	void *context;
};

/* Waits for the socket. False: too late, or in vain. */
static bool wait_rows(struct db_rows *rows, short events, struct failure *failure)
{
	struct pollfd socket = {.fd = PQsocket(rows->db->connection), .events = events};

	for (;;) {
		if (!rows->wanted(rows->context)) {
			failure_set(failure, "", TEXT("nobody takes the rows any more"));
			failure->logged = true;
			return false;
		}
		if (clock_monotonic_ns() > rows->deadline_ns) {
			failure_set(failure, "", TEXT("the rows took longer than they may"));
			failure->timed_out = true;
			return false;
		}
		if (poll(&socket, 1, SLICE_MS) != 0)
			return true; /* ready, or broken: libpq finds out */
	}
}

static bool lost(struct db_rows *rows, struct failure *failure)
{
	if (failure->message == NULL)
		failure_set(failure, "", TEXT("the connection to the database was lost"));
	db_disconnect(rows->db);
	return false;
}

static bool flush_rows(struct db_rows *rows, struct failure *failure)
{
	PGconn *connection = rows->db->connection;
	int left;

	while ((left = PQflush(connection)) > 0)
		if (!wait_rows(rows, POLLIN | POLLOUT, failure) || !PQconsumeInput(connection))
			return lost(rows, failure);
	return left == 0 || lost(rows, failure);
}

/* The next result; NULL in rows->result: there are no more. False: the connection is gone, or waited for in vain. */
static bool next_result(struct db_rows *rows, struct failure *failure)
{
	PGconn *connection = rows->db->connection;

	PQclear(rows->result);
	rows->result = NULL;
	rows->row = -1;
	while (PQisBusy(connection))
		if (!wait_rows(rows, POLLIN, failure) || !PQconsumeInput(connection))
			return lost(rows, failure);
	rows->result = PQgetResult(connection);
	return PQstatus(connection) == CONNECTION_OK || lost(rows, failure);
}

/* Takes the rest of the answers to a statement that failed, so that the connection can go on being used. */
static void drain(struct db_rows *rows, struct failure *failure)
{
	struct failure ignored = {0};

	failure_of_result(failure, rows->result);
	while (rows->result != NULL && next_result(rows, &ignored))
		;
	rows->complete = rows->db->connection != NULL;
	failure_free(&ignored);
}

/* Moves to the next row. False: failed. */
static bool advance(struct db_rows *rows, bool *more, struct failure *failure)
{
	while (!rows->complete) {
		ExecStatusType status;

		if (rows->result != NULL && ++rows->row < PQntuples(rows->result)) {
			*more = true;
			return true;
		}
		if (!next_result(rows, failure))
			return false;
		if (rows->result == NULL) {
			rows->complete = true;
			break;
		}
		status = PQresultStatus(rows->result);
		if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK) {
			drain(rows, failure);
			return false;
		}
	}
	*more = false;
	return true;
}

/* One snapshot for all rows, and a limit for the whole: PostgreSQL counts the time it waits for us as well. */
static bool begin_rows(struct db_rows *rows, int timeout_ms, struct failure *failure)
{
	char sql[128];

	snprintf(sql, sizeof sql, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = %d", timeout_ms);
	if (!db_session(rows->db, failure) || !db_command(rows->db, sql, db_deadline(DB_PROBE_TIMEOUT_MS), failure))
		return false;
	rows->db->in_transaction = true;
	return true;
}

static bool first_row(struct db_rows *rows, const struct db_rows_open *open, const struct wire *wire, bool *more, struct failure *failure)
{
	if (!begin_rows(rows, open->timeout_ms, failure) || !db_send(rows->db, open->statement, wire, open->count, failure))
		return false;
	(void)PQsetSingleRowMode(rows->db->connection);
	return flush_rows(rows, failure) && advance(rows, more, failure);
}

enum err db_rows_open(struct db *db, const struct db_rows_open *open, struct db_rows **rows, struct problems *problems,
		      struct buffer *detail)
{
	struct failure failure = {0};
	struct wire wire = {0};
	struct db_rows *made = memory_zeroed(1, sizeof *made);
	int64_t start_ns = clock_monotonic_ns();
	int forgotten = 0;
	bool more = false, sound;
	enum err err = ERR_OK;

	*rows = NULL;
	*made = (struct db_rows){.db = db, .statement = open->statement, .row = -1, .wanted = open->wanted, .context = open->context,
				 .deadline_ns = db_deadline(open->timeout_ms + DB_ANSWER_GRACE_MS)};
	if (!wire_make(&wire, open->params, open->count)) {
		free(made);
		return ERR_INVALID_PARAMETER;
	}
	do {
		failure_free(&failure);
		db->in_transaction = made->complete = false;
		sound = first_row(made, open, &wire, &more, &failure);
	} while (!sound && db_forgotten(db, &failure, &forgotten));
	stats_database(db->stats, (double)(clock_monotonic_ns() - start_ns) / 1e9);
	if (!sound)
		err = failure_report(db->stats, &failure, statement_table[open->statement].name, problems, detail);
	else if (!more)
		err = ERR_NOT_FOUND;
	if (err == ERR_OK)
		*rows = made;
	else
		db_rows_close(made);
	buffer_free(&wire.copies);
	failure_free(&failure);
	return err;
}

struct text db_rows_value(const struct db_rows *rows, size_t column)
{
	int c = (int)column;

	if (c >= PQnfields(rows->result) || PQgetisnull(rows->result, rows->row, c))
		return (struct text){0};
	return (struct text){PQgetvalue(rows->result, rows->row, c), (size_t)PQgetlength(rows->result, rows->row, c)};
}

enum err db_rows_next(struct db_rows *rows, bool *more)
{
	struct failure failure = {0};
	enum err err = ERR_OK;

	*more = false;
	if (rows->db->connection == NULL)
		return ERR_DATABASE_UNAVAILABLE;
	if (!advance(rows, more, &failure))
		err = failure.logged ? ERR_REQUEST_TIMEOUT
				     : failure_report(rows->db->stats, &failure, statement_table[rows->statement].name, NULL, NULL);
	failure_free(&failure);
	return err;
}

void db_rows_close(struct db_rows *rows)
{
	struct failure failure = {0};

	if (rows == NULL)
		return;
	PQclear(rows->result);
	/* Rows that nobody took are not read away: the server stops when its connection is gone. Of a statement that failed, COMMIT
	 * makes a rollback. */
	if (rows->db->connection != NULL && (!rows->complete || !db_command(rows->db, "COMMIT", db_deadline(DB_PROBE_TIMEOUT_MS), &failure)))
		db_disconnect(rows->db);
	rows->db->in_transaction = false;
	failure_free(&failure);
	free(rows);
}
