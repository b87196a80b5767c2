/* PostgreSQL. This file and db_rows.c alone see libpq.
 *
 * Every call has a deadline: libpq is used in its non-blocking form and waited for with poll(). A server that is gone is noticed
 * by the socket, one that is silent by the deadline, a network that is cut by TCP_USER_TIMEOUT. */
#include "db_internal.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "memory.h"
#include "stats.h"

enum {
	TRIES_MAX = 4,            /* one, and three more after a serialization failure or deadlock */
	RETRY_PAUSE_MS = 5,       /* times the number of the try */
	PREPARE_TIMEOUT_MS = 5000,
	RECONNECT_PAUSE_MS = 250  /* after a connection could not be made */
};

struct db_result {
	PGresult *rows;
};

/* Waits for the socket; deadline_ns 0: for ever. False when the deadline passed. */
static bool wait_socket(const PGconn *connection, short events, int64_t deadline_ns)
{
	struct pollfd socket = {.fd = PQsocket(connection), .events = events};

	for (;;) {
		int64_t left_ms = deadline_ns == 0 ? -1 : (deadline_ns - clock_monotonic_ns() + 999999) / 1000000;
		int ready;

		if (deadline_ns != 0 && left_ms <= 0)
			return false;
		ready = poll(&socket, 1, (int)left_ms);
		if (ready > 0)
			return true;
		if (ready < 0 && errno != EINTR)
			return true; /* let libpq find out */
	}
}

/* Sends what is buffered while taking in what comes, so that neither side can block the other. */
static bool flush(PGconn *connection, int64_t deadline_ns)
{
	for (;;) {
		int left = PQflush(connection);

		if (left <= 0)
			return left == 0;
		if (!wait_socket(connection, POLLIN | POLLOUT, deadline_ns) || !PQconsumeInput(connection))
			return false;
	}
}

static void ignore_notice(void *unused, const PGresult *notice)
{
	(void)unused;
	(void)notice;
}

void db_disconnect(struct db *db)
{
	PQfinish(db->connection);
	db->connection = NULL;
	db->prepared = false;
}

/* libpq's messages may have several lines. */
static struct text first_line(const char *message)
{
	return (struct text){message, strcspn(message, "\r\n")};
}

static PGconn *connect_within(struct db *db, int64_t deadline_ns)
{
	/* What stands before dbname may be overridden in the URL. */
	static const char *const names[] = {"fallback_application_name", "keepalives_idle", "keepalives_interval", "keepalives_count",
					    "tcp_user_timeout", "dbname", "client_encoding", NULL};
	const char *const values[] = {"plumbline", "30", "5", "3", "15000", db->url, "UTF8", NULL};
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	PGconn *connection;

	do
		connection = PQconnectStartParams(names, values, 1);
	while (connection == NULL && memory_again());
	while (PQstatus(connection) != CONNECTION_BAD && state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
		if (!wait_socket(connection, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ns))
			break;
		state = PQconnectPoll(connection);
	}
	if (state == PGRES_POLLING_OK)
		return connection;
	failure_log(LOG_WARN, "database_unreachable",
		    PQstatus(connection) == CONNECTION_BAD ? first_line(PQerrorMessage(connection)) : TEXT("no answer in time"), NULL, NULL);
	PQfinish(connection);
	return NULL;
}

/* An idle connection has nothing to say: bytes or an end of file on it mean that the server closed it. */
static bool is_alive(struct db *db)
{
	struct pollfd socket = {.fd = PQsocket(db->connection), .events = POLLIN};

	while (PQstatus(db->connection) == CONNECTION_OK && poll(&socket, 1, 0) > 0)
		if (!PQconsumeInput(db->connection) || PQisBusy(db->connection))
			return false;
	return PQstatus(db->connection) == CONNECTION_OK;
}

void failure_of_result(struct failure *failure, const PGresult *result)
{
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *raised = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

	failure_set(failure, PQresultErrorField(result, PG_DIAG_SQLSTATE),
		    message != NULL ? text_of(message) : first_line(PQresultErrorMessage(result)));
	if (raised != NULL)
		failure->raised = memory_string(raised);
}

/* The next answer to what was sent. False: the connection is gone, or the deadline passed. *result NULL: there are no more. */
static bool next_answer(struct db *db, int64_t deadline_ns, PGresult **result, struct failure *failure)
{
	while (PQisBusy(db->connection)) {
		if (!wait_socket(db->connection, POLLIN, deadline_ns)) {
			failure_set(failure, "", TEXT("no answer from the database in time"));
			failure->timed_out = true;
			return false;
		}
		if (!PQconsumeInput(db->connection)) {
			if (failure->message == NULL) /* what the server said before it left says more */
				failure_set(failure, "", first_line(PQerrorMessage(db->connection)));
			return false;
		}
	}
	*result = PQgetResult(db->connection);
	return true;
}

static bool is_failure(const PGresult *result)
{
	return PQresultStatus(result) == PGRES_FATAL_ERROR || PQresultStatus(result) == PGRES_BAD_RESPONSE;
}

/* Takes the answers to what was sent until there are no more and keeps the last. NULL when there was an error (failure tells
 * of the first) or the connection is gone. */
static PGresult *collect(struct db *db, int64_t deadline_ns, struct failure *failure)
{
	PGresult *kept = NULL, *result = NULL;
	bool failed = false;

	if (!flush(db->connection, deadline_ns))
		failure_set(failure, "", first_line(PQerrorMessage(db->connection)));
	else
		while (next_answer(db, deadline_ns, &result, failure) && result != NULL) {
			if (is_failure(result) && !failed)
				failure_of_result(failure, result);
			failed = failed || is_failure(result);
			PQclear(kept);
			kept = result;
		}
	if (result == NULL && kept != NULL && PQstatus(db->connection) == CONNECTION_OK) {
		if (!failed)
			return kept;
	} else {
		db_disconnect(db);
	}
	PQclear(kept);
	return NULL;
}

/* A command without parameters or rows, by the simple protocol. */
bool db_command(struct db *db, const char *sql, int64_t deadline_ns, struct failure *failure)
{
	PGresult *result;

	if (!PQsendQuery(db->connection, sql)) {
		failure_set(failure, "", first_line(PQerrorMessage(db->connection)));
		db_disconnect(db);
		return false;
	}
	result = collect(db, deadline_ns, failure);
	PQclear(result);
	return result != NULL;
}

/* Reads the answers to one statement of the pipeline: its own and the end of its sync. False: connection lost. */
static bool collect_prepared(struct db *db, enum statement statement, int64_t deadline_ns, struct failure *failure,
			     struct buffer *faults)
{
	const char *name = statement_table[statement].name;
	ExecStatusType status = PGRES_EMPTY_QUERY;

	while (status != PGRES_PIPELINE_SYNC) {
		PGresult *result = NULL;

		if (!next_answer(db, deadline_ns, &result, failure) || PQstatus(db->connection) != CONNECTION_OK) {
			PQclear(result);
			return false;
		}
		if (result == NULL)
			continue; /* the gap between two commands of a pipeline */
		status = PQresultStatus(result);
		if (is_failure(result)) {
			failure_of_result(failure, result);
			failure_log(LOG_ERROR, "statement_refused", text_of(failure->message), failure->sqlstate, name);
			if (faults != NULL)
				buffer_printf(faults, "statement %s: %s\n", name, failure->message);
		}
		PQclear(result);
	}
	return true;
}

/* Has every statement parsed in one round trip. A statement that is refused is reported and fails when it is used; the others
 * are not harmed, each has a sync of its own. */
static bool prepare_all(struct db *db, bool named, struct failure *failure, struct buffer *faults)
{
	int64_t deadline_ns = db_deadline(PREPARE_TIMEOUT_MS);
	bool sound = PQenterPipelineMode(db->connection) == 1;

	for (int i = STATEMENT_NONE + 1; sound && i < STATEMENT_COUNT; i++)
		sound = PQsendPrepare(db->connection, named ? statement_table[i].name : "", statement_table[i].text, 0, NULL) == 1 &&
			PQpipelineSync(db->connection) == 1;
	sound = sound && flush(db->connection, deadline_ns);
	for (int i = STATEMENT_NONE + 1; sound && i < STATEMENT_COUNT; i++)
		sound = collect_prepared(db, (enum statement)i, deadline_ns, failure, faults);
	sound = sound && PQexitPipelineMode(db->connection) == 1;
	if (!sound) {
		failure_set(failure, "", first_line(PQerrorMessage(db->connection)));
		db_disconnect(db);
		return false;
	}
	db->prepared = named;
	return true;
}

/* Somewhere between us and PostgreSQL a pooler hands our commands to connections that do not know our statements. */
static void give_up_preparing(struct db *db)
{
	log_say(LOG_WARN, "prepared_statements_lost", "going on without them; behind PgBouncer set PLUMBLINE_PREPARE=off");
	db->prepare = false;
	db->prepared = false;
}

/* Session settings and statements of a fresh connection. */
static bool set_up_session(struct db *db, struct failure *failure)
{
	char sql[64];

	snprintf(sql, sizeof sql, "SET statement_timeout = %d", db->statement_timeout_ms);
	if (!db_command(db, sql, db_deadline(DB_PROBE_TIMEOUT_MS), failure))
		return false;
	if (!prepare_all(db, true, failure, NULL))
		return false;
	if (strcmp(failure->sqlstate, "42P05") == 0)
		give_up_preparing(db);
	failure_free(failure);
	return true;
}

struct db *db_open(const char *url, bool prepare, int connect_timeout_s)
{
	struct db *db = memory_zeroed(1, sizeof *db);

	db->url = memory_string(url);
	db->prepare = prepare;
	/* A tenth less than said, so that a caller who promises that many seconds can keep the promise. */
	db->connect_timeout_ms = connect_timeout_s * 900;
	return db;
}

void db_close(struct db *db)
{
	if (db == NULL)
		return;
	db_disconnect(db);
	free(db->url);
	free(db);
}

void db_limit(struct db *db, int statement_timeout_ms)
{
	db->statement_timeout_ms = statement_timeout_ms;
}

void db_observe(struct db *db, struct stats *stats)
{
	db->stats = stats;
}

bool db_in_transaction(const struct db *db)
{
	return db->in_transaction;
}

/* Connects unless there is a live connection. Never inside a transaction: what was begun is gone with its connection. */
bool db_connected(struct db *db, struct failure *failure)
{
	if (db->connection != NULL && is_alive(db))
		return true;
	db_disconnect(db);
	failure_set(failure, "", TEXT("the database cannot be reached"));
	failure->logged = true; /* by the attempt to connect */
	if (db->in_transaction || clock_monotonic_ns() < db->not_before_ns)
		return false;
	db->connection = connect_within(db, db_deadline(db->connect_timeout_ms));
	if (db->connection == NULL) {
		db->not_before_ns = db_deadline(RECONNECT_PAUSE_MS);
		return false;
	}
	stats_count(db->stats, COUNTER_DATABASE_CONNECTS, 1);
	PQsetNoticeReceiver(db->connection, ignore_notice, NULL);
	PQsetnonblocking(db->connection, 1);
	failure_free(failure);
	return true;
}

/* As ensure_connected, ready for statements. */
bool db_session(struct db *db, struct failure *failure)
{
	if (!db_connected(db, failure))
		return false;
	return !db->prepare || db->prepared || db->in_transaction || set_up_session(db, failure);
}

bool db_ready(struct db *db)
{
	struct failure failure = {0};
	bool ready = db_connected(db, &failure) && db_command(db, "SELECT 1", db_deadline(DB_PROBE_TIMEOUT_MS), &failure);

	failure_free(&failure);
	return ready;
}

bool db_check_statements(struct db *db, struct buffer *faults)
{
	struct failure failure = {0};
	size_t before = faults->size;
	bool sound = db_connected(db, &failure) && prepare_all(db, false, &failure, faults);

	if (!sound)
		buffer_printf(faults, "%s\n", failure.message);
	failure_free(&failure);
	return sound && faults->size == before;
}

size_t db_rows(const struct db_result *result)
{
	return result != NULL ? (size_t)PQntuples(result->rows) : 0;
}

size_t db_columns(const struct db_result *result)
{
	return result != NULL ? (size_t)PQnfields(result->rows) : 0;
}

struct text db_value(const struct db_result *result, size_t row, size_t column)
{
	int r = (int)row, c = (int)column;

	if (PQgetisnull(result->rows, r, c))
		return (struct text){0};
	return (struct text){PQgetvalue(result->rows, r, c), (size_t)PQgetlength(result->rows, r, c)};
}

void db_result_free(struct db_result *result)
{
	if (result == NULL)
		return;
	PQclear(result->rows);
	free(result);
}

/* Sends one statement. False: the connection is gone. */
bool db_send(struct db *db, enum statement statement, const struct wire *wire, size_t count, struct failure *failure)
{
	const struct statement_info *info = &statement_table[statement];
	int sent;

	if (db->prepared)
		sent = PQsendQueryPrepared(db->connection, info->name, (int)count, wire->values, wire->lengths, wire->formats, 0);
	else
		sent = PQsendQueryParams(db->connection, info->text, (int)count, NULL, wire->values, wire->lengths, wire->formats, 0);
	if (sent)
		return true;
	failure_set(failure, "", first_line(PQerrorMessage(db->connection)));
	db_disconnect(db);
	return false;
}

/* Sends one statement and takes its answer. NULL on failure. */
static PGresult *execute(struct db *db, enum statement statement, const struct wire *wire, size_t count, struct failure *failure)
{
	return db_send(db, statement, wire, count, failure) ? collect(db, db_answer_deadline(db), failure) : NULL;
}

/* One statement in a transaction of its own, so that the timeout can be set for it alone. */
static PGresult *execute_pooled(struct db *db, enum statement statement, const struct wire *wire, size_t count,
				struct failure *failure)
{
	struct failure ignored = {0};
	PGresult *result = NULL;

	if (!db_begin_plain(db, failure))
		return NULL;
	result = execute(db, statement, wire, count, failure);
	if (result != NULL && !db_command(db, "COMMIT", db_answer_deadline(db), failure)) {
		PQclear(result);
		return NULL;
	}
	if (result == NULL && db->connection != NULL)
		db_command(db, "ROLLBACK", db_deadline(DB_PROBE_TIMEOUT_MS), &ignored);
	failure_free(&ignored);
	return result;
}

/* The connection does not know the statement (a pooler, DISCARD), or its result has another shape since a migration. */
static bool is_forgotten(const char *sqlstate)
{
	return strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "0A000") == 0;
}

bool db_forgotten(struct db *db, const struct failure *failure, int *times)
{
	if (!is_forgotten(failure->sqlstate) || !db->prepare)
		return false;
	/* A fresh connection knows all statements. Lost again, they will be lost always. */
	if ((*times)++ > 0) {
		if (strcmp(failure->sqlstate, "26000") != 0)
			return false;
		give_up_preparing(db);
	}
	db_disconnect(db);
	return true;
}

/* True when the same may be tried again, with what has to be done first done. Only outside a transaction: inside one, everything
 * before is lost too. */
static bool may_retry(struct db *db, const struct failure *failure, int try, int *forgotten)
{
	if (db->in_transaction)
		return false;
	if (db_sqlstate_is_transient(failure->sqlstate) && try + 1 < TRIES_MAX) {
		nanosleep(&(struct timespec){.tv_nsec = RETRY_PAUSE_MS * 1000000L * (try + 1)}, NULL);
		return true;
	}
	return db_forgotten(db, failure, forgotten);
}

static PGresult *run(struct db *db, enum statement statement, const struct wire *wire, size_t count, struct failure *failure)
{
	int forgotten = 0;

	for (int try = 0;; try++) {
		PGresult *result = NULL;

		failure_free(failure);
		if (!db_session(db, failure))
			return NULL;
		if (db->prepare || db->in_transaction || db->statement_timeout_ms == 0)
			result = execute(db, statement, wire, count, failure);
		else
			result = execute_pooled(db, statement, wire, count, failure);
		if (result != NULL || !may_retry(db, failure, try, &forgotten))
			return result;
	}
}

enum err db_run(struct db *db, enum statement statement, const struct db_param *params, size_t count, enum db_shape shape,
		struct db_result **result, struct problems *problems, struct buffer *detail)
{
	struct failure failure = {0};
	struct wire wire = {0};
	PGresult *rows = NULL;
	int64_t start_ns = clock_monotonic_ns();
	enum err err = ERR_OK;

	if (result != NULL)
		*result = NULL;
	if (!wire_make(&wire, params, count))
		return ERR_INVALID_PARAMETER;
	rows = run(db, statement, &wire, count, &failure);
	stats_database(db->stats, (double)(clock_monotonic_ns() - start_ns) / 1e9);
	if (rows == NULL)
		err = failure_report(db->stats, &failure, statement_table[statement].name, problems, detail);
	else
		err = shape_of_answer(statement, shape, PQntuples(rows));
	if (err == ERR_OK && result != NULL && shape != DB_NONE) {
		*result = memory_zeroed(1, sizeof **result);
		(*result)->rows = rows;
		rows = NULL;
	}
	PQclear(rows);
	buffer_free(&wire.copies);
	failure_free(&failure);
	return err;
}

bool db_transaction_is_sound(const struct db *db)
{
	return db->connection != NULL && PQtransactionStatus(db->connection) == PQTRANS_INTRANS;
}
