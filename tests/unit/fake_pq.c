#include "fake_pq.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PENDING_MAX = 512, CONNECTIONS_MAX = 64, ASKED_MAX = 4096, NAME_SIZE = 64 };

struct pg_result {
	ExecStatusType status;
	struct fake_answer answer;
};

struct pg_conn {
	bool broken, silent, pipeline;
	PGTransactionStatusType transaction;
	PGresult *pending[PENDING_MAX]; /* NULL stands for the end of the answers to a command */
	size_t first, last;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static fake_script *script;
static bool refusing;
static int connects;
static PGconn *connections[CONNECTIONS_MAX];
static char asked[ASKED_MAX][NAME_SIZE];
static int asked_count;

void fake_pq_reset(fake_script *new_script)
{
	pthread_mutex_lock(&mutex);
	script = new_script;
	refusing = false;
	connects = 0;
	asked_count = 0;
	pthread_mutex_unlock(&mutex);
}

void fake_pq_refuse(bool refuse)
{
	pthread_mutex_lock(&mutex);
	refusing = refuse;
	pthread_mutex_unlock(&mutex);
}

void fake_pq_break_idle(void)
{
	pthread_mutex_lock(&mutex);
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		if (connections[i] != NULL)
			connections[i]->broken = true;
	pthread_mutex_unlock(&mutex);
}

int fake_pq_connects(void)
{
	int count;

	pthread_mutex_lock(&mutex);
	count = connects;
	pthread_mutex_unlock(&mutex);
	return count;
}

int fake_pq_asked(const char *start)
{
	size_t size = strlen(start) < NAME_SIZE ? strlen(start) : NAME_SIZE - 1; /* as much as is kept */
	int count = 0;

	pthread_mutex_lock(&mutex);
	for (int i = 0; i < asked_count; i++)
		count += strncmp(asked[i], start, size) == 0;
	pthread_mutex_unlock(&mutex);
	return count;
}

/* ── connections ──────────────────────────────────────────────────────────────────────────────── */

PGconn *PQconnectStartParams(const char *const *keywords, const char *const *values, int expand_dbname)
{
	PGconn *connection = calloc(1, sizeof *connection);

	(void)keywords;
	(void)values;
	(void)expand_dbname;
	pthread_mutex_lock(&mutex);
	connects++;
	connection->broken = refusing;
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		if (connections[i] == NULL) {
			connections[i] = connection;
			break;
		}
	pthread_mutex_unlock(&mutex);
	return connection;
}

PostgresPollingStatusType PQconnectPoll(PGconn *connection)
{
	(void)connection;
	return PGRES_POLLING_OK;
}

ConnStatusType PQstatus(const PGconn *connection)
{
	ConnStatusType status;

	pthread_mutex_lock(&mutex);
	status = connection->broken ? CONNECTION_BAD : CONNECTION_OK;
	pthread_mutex_unlock(&mutex);
	return status;
}

/* The writing end of a pipe: always ready to be written to, never to be read, as a connection on which nothing comes. */
int PQsocket(const PGconn *connection)
{
	static int ends[2] = {-1, -1};
	int socket;

	(void)connection;
	pthread_mutex_lock(&mutex);
	if (ends[1] < 0 && pipe(ends) != 0)
		abort();
	socket = ends[1];
	pthread_mutex_unlock(&mutex);
	return socket;
}

void PQfinish(PGconn *connection)
{
	if (connection == NULL)
		return;
	pthread_mutex_lock(&mutex);
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		if (connections[i] == connection)
			connections[i] = NULL;
	pthread_mutex_unlock(&mutex);
	for (size_t i = connection->first; i < connection->last; i++)
		free(connection->pending[i]);
	free(connection);
}

char *PQerrorMessage(const PGconn *connection)
{
	static char message[] = "server closed the connection unexpectedly\n";

	(void)connection;
	return message;
}

PQnoticeReceiver PQsetNoticeReceiver(PGconn *connection, PQnoticeReceiver receiver, void *argument)
{
	(void)connection;
	(void)argument;
	return receiver;
}

int PQsetnonblocking(PGconn *connection, int on)
{
	(void)connection;
	(void)on;
	return 0;
}

int PQflush(PGconn *connection)
{
	return PQstatus(connection) == CONNECTION_OK ? 0 : -1;
}

int PQconsumeInput(PGconn *connection)
{
	return PQstatus(connection) == CONNECTION_OK;
}

int PQisBusy(PGconn *connection)
{
	return connection->silent;
}

PGTransactionStatusType PQtransactionStatus(const PGconn *connection)
{
	return connection->transaction;
}

/* ── commands ─────────────────────────────────────────────────────────────────────────────────── */

static void push(PGconn *connection, PGresult *result)
{
	if (connection->first == connection->last)
		connection->first = connection->last = 0;
	if (connection->last == PENDING_MAX)
		abort();
	connection->pending[connection->last++] = result;
}

static void follow_transaction(PGconn *connection, const char *statement, bool failed)
{
	if (failed && connection->transaction == PQTRANS_INTRANS)
		connection->transaction = PQTRANS_INERROR;
	else if (!failed && strncmp(statement, "BEGIN", 5) == 0)
		connection->transaction = PQTRANS_INTRANS;
	else if (strncmp(statement, "ROLLBACK TO", 11) == 0)
		connection->transaction = PQTRANS_INTRANS;
	else if (strncmp(statement, "COMMIT", 6) == 0 || strncmp(statement, "ROLLBACK", 8) == 0)
		connection->transaction = PQTRANS_IDLE;
}

static int ask(PGconn *connection, const struct fake_question *question)
{
	PGresult *result = calloc(1, sizeof *result);
	enum fake_kind kind;

	pthread_mutex_lock(&mutex);
	if (connection->broken) {
		pthread_mutex_unlock(&mutex);
		free(result);
		return 0;
	}
	if (!question->preparing && asked_count < ASKED_MAX)
		strncpy(asked[asked_count++], question->statement, NAME_SIZE - 1);
	if (script != NULL)
		script(question, &result->answer);
	kind = result->answer.kind;
	if (kind == FAKE_LOST)
		connection->broken = true;
	pthread_mutex_unlock(&mutex);
	connection->silent = kind == FAKE_SILENT;
	if (kind == FAKE_LOST || kind == FAKE_SILENT) {
		free(result);
		return 1;
	}
	result->status = kind == FAKE_DONE ? PGRES_COMMAND_OK : kind == FAKE_ROWS ? PGRES_TUPLES_OK : PGRES_FATAL_ERROR;
	follow_transaction(connection, question->statement, kind == FAKE_ERROR);
	push(connection, result);
	push(connection, NULL);
	return 1;
}

int PQsendQuery(PGconn *connection, const char *query)
{
	return ask(connection, &(struct fake_question){.statement = query});
}

int PQsendPrepare(PGconn *connection, const char *name, const char *query, int count, const Oid *types)
{
	(void)count;
	(void)types;
	return ask(connection, &(struct fake_question){.statement = name[0] != '\0' ? name : query, .preparing = true});
}

int PQsendQueryPrepared(PGconn *connection, const char *name, int count, const char *const *values, const int *lengths,
			const int *formats, int result_format)
{
	(void)result_format;
	return ask(connection, &(struct fake_question){name, true, false, count, values, lengths, formats});
}

int PQsendQueryParams(PGconn *connection, const char *query, int count, const Oid *types, const char *const *values,
		      const int *lengths, const int *formats, int result_format)
{
	(void)types;
	(void)result_format;
	return ask(connection, &(struct fake_question){query, false, false, count, values, lengths, formats});
}

int PQsetSingleRowMode(PGconn *connection)
{
	(void)connection; /* rows come in one piece all the same, which callers must be able to take */
	return 1;
}

int PQenterPipelineMode(PGconn *connection)
{
	connection->pipeline = true;
	return 1;
}

int PQexitPipelineMode(PGconn *connection)
{
	connection->pipeline = false;
	return 1;
}

int PQpipelineSync(PGconn *connection)
{
	PGresult *result = calloc(1, sizeof *result);

	result->status = PGRES_PIPELINE_SYNC;
	push(connection, result);
	return 1;
}

/* ── answers ──────────────────────────────────────────────────────────────────────────────────── */

PGresult *PQgetResult(PGconn *connection)
{
	return connection->first < connection->last ? connection->pending[connection->first++] : NULL;
}

void PQclear(PGresult *result)
{
	free(result);
}

ExecStatusType PQresultStatus(const PGresult *result)
{
	return result != NULL ? result->status : PGRES_FATAL_ERROR;
}

char *PQresultErrorMessage(const PGresult *result)
{
	static char message[] = "error";

	(void)result;
	return message;
}

/* libpq gives out its strings writable. */
static char *writable(const char *string)
{
	union {
		const char *in;
		char *out;
	} cast = {.in = string};

	return cast.out;
}

char *PQresultErrorField(const PGresult *result, int field)
{
	if (field == PG_DIAG_SQLSTATE)
		return writable(result->answer.sqlstate);
	return writable(field == PG_DIAG_MESSAGE_DETAIL ? result->answer.detail : result->answer.message);
}

int PQntuples(const PGresult *result)
{
	return result->answer.rows;
}

int PQnfields(const PGresult *result)
{
	return result->answer.columns;
}

static const char *cell(const PGresult *result, int row, int column)
{
	return result->answer.cells[row * result->answer.columns + column];
}

int PQgetisnull(const PGresult *result, int row, int column)
{
	return cell(result, row, column) == NULL;
}

char *PQgetvalue(const PGresult *result, int row, int column)
{
	return writable(cell(result, row, column) != NULL ? cell(result, row, column) : "");
}

int PQgetlength(const PGresult *result, int row, int column)
{
	return cell(result, row, column) != NULL ? (int)strlen(cell(result, row, column)) : 0;
}
