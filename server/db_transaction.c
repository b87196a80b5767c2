/* Transactions: who began one, that it ends, and what may be done in it. */
#include <stdio.h>

#include "clock.h"
#include "db_internal.h"

int64_t db_deadline(int64_t ms)
{
	return clock_monotonic_ns() + ms * 1000000;
}

int64_t db_answer_deadline(const struct db *db)
{
	return db->statement_timeout_ms == 0 ? 0 : db_deadline(db->statement_timeout_ms + DB_ANSWER_GRACE_MS);
}

/* Without session state the statement timeout is the transaction's. */
bool db_begin_plain(struct db *db, struct failure *failure)
{
	char sql[96] = "BEGIN";

	if (!db->prepare)
		snprintf(sql, sizeof sql, "BEGIN; SET LOCAL statement_timeout = %d", db->statement_timeout_ms);
	return db_command(db, sql, db_deadline(DB_PROBE_TIMEOUT_MS), failure);
}

/* A command by the simple protocol on a live connection, with its failure reported. */
static enum err command(struct db *db, const char *sql, int64_t deadline_ns, struct buffer *detail)
{
	struct failure failure = {0};
	enum err err = ERR_OK;

	if (!db_connected(db, &failure) || !db_command(db, sql, deadline_ns, &failure)) {
		err = failure_report(db->stats, &failure, NULL, NULL, NULL);
		if (detail != NULL && failure.message != NULL)
			buffer_append_string(detail, failure.message);
	}
	failure_free(&failure);
	return err;
}

enum err db_begin(struct db *db)
{
	struct failure failure = {0};
	enum err err = ERR_OK;

	if (db->in_transaction)
		return ERR_INTERNAL;
	if (!db_session(db, &failure) || !db_begin_plain(db, &failure))
		err = failure_report(db->stats, &failure, "begin", NULL, NULL);
	db->in_transaction = err == ERR_OK;
	failure_free(&failure);
	return err;
}

enum err db_commit(struct db *db)
{
	enum err err;

	if (!db->in_transaction)
		return ERR_INTERNAL;
	/* COMMIT of a transaction in which something failed would answer ROLLBACK, which is no error to PostgreSQL. */
	if (!db_transaction_is_sound(db)) {
		err = db->connection == NULL ? ERR_DATABASE_UNAVAILABLE : ERR_INTERNAL;
		db_rollback(db);
		return err;
	}
	err = command(db, "COMMIT", db_answer_deadline(db), NULL);
	db->in_transaction = false;
	return err;
}

void db_rollback(struct db *db)
{
	struct failure failure = {0};

	if (db->in_transaction && db->connection != NULL &&
	    !db_command(db, "ROLLBACK", db_deadline(DB_PROBE_TIMEOUT_MS), &failure))
		db_disconnect(db);
	db->in_transaction = false;
	failure_free(&failure);
}

/* A command inside a transaction. */
static enum err inside(struct db *db, const char *sql)
{
	return db->in_transaction ? command(db, sql, db_deadline(DB_PROBE_TIMEOUT_MS), NULL) : ERR_INTERNAL;
}

enum err db_savepoint(struct db *db)
{
	return inside(db, "SAVEPOINT plumbline");
}

enum err db_rollback_to_savepoint(struct db *db)
{
	return inside(db, "ROLLBACK TO SAVEPOINT plumbline");
}

enum err db_timeout(struct db *db, int statement_timeout_ms)
{
	char sql[64];

	snprintf(sql, sizeof sql, "SET LOCAL statement_timeout = %d", statement_timeout_ms);
	return inside(db, sql);
}

enum err db_script(struct db *db, const char *sql, struct buffer *detail)
{
	return command(db, sql, 0, detail);
}
