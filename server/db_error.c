/* What PostgreSQL's errors mean here. Knows SQLSTATEs and the JSON that pl.fail raises; knows nothing of connections. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "db_internal.h"
#include "memory.h"
#include "stats.h"

/* The longest matching prefix wins; rows of one class stand together. */
static const struct {
	const char *prefix;
	enum err err;
} sqlstates[] = {
	{"", ERR_INTERNAL},
	{"08", ERR_DATABASE_UNAVAILABLE},    /* connection exception */
	{"21", ERR_VALIDATION_FAILED},       /* cardinality violation */
	{"22", ERR_VALIDATION_FAILED},       /* data exception */
	{"23", ERR_VALIDATION_FAILED},       /* integrity constraint violation */
	{"23505", ERR_CONFLICT},             /* unique violation */
	{"25006", ERR_DATABASE_UNAVAILABLE}, /* read-only transaction: a standby where the primary should be */
	{"25P03", ERR_DATABASE_TIMEOUT},     /* idle in transaction */
	{"28", ERR_DATABASE_UNAVAILABLE},    /* the service itself may not log in */
	{"3D000", ERR_DATABASE_UNAVAILABLE}, /* no such database */
	{"40", ERR_DATABASE_UNAVAILABLE},    /* transaction rollback, after the tries were used up */
	{"53", ERR_DATABASE_UNAVAILABLE},    /* out of memory, disk or connections */
	{"54", ERR_VALIDATION_FAILED},       /* a limit of PostgreSQL that only data can pass, e.g. an index row too long */
	{"55P03", ERR_DATABASE_TIMEOUT},     /* lock not available */
	{"57", ERR_DATABASE_UNAVAILABLE},    /* operator intervention: shutting down, starting up, dropped */
	{"57014", ERR_DATABASE_TIMEOUT},     /* cancelled: statement timeout, or a standby's conflict with recovery */
	{"58", ERR_DATABASE_UNAVAILABLE},    /* system error: input and output */
};

enum err db_sqlstate_error(const char *sqlstate)
{
	enum err err = ERR_INTERNAL;
	size_t best = 0;

	if (sqlstate[0] == '\0')
		return ERR_DATABASE_UNAVAILABLE;
	for (size_t i = 0; i < sizeof sqlstates / sizeof *sqlstates; i++) {
		size_t size = strlen(sqlstates[i].prefix);

		if (size >= best && strncmp(sqlstate, sqlstates[i].prefix, size) == 0) {
			best = size;
			err = sqlstates[i].err;
		}
	}
	return err;
}

bool db_sqlstate_is_transient(const char *sqlstate)
{
	return strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0;
}

static const char *member(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value != NULL ? value : "";
}

enum err db_raised_error(const char *json, struct problems *problems)
{
	json_t *document = json != NULL ? json_loads(json, 0, NULL) : NULL;
	enum err err = error_by_code(member(document, "code"));
	const json_t *problem;
	size_t index;

	json_array_foreach(json_object_get(document, "errors"), index, problem) {
		if (problems != NULL)
			problems_add(problems, member(problem, "pointer"), member(problem, "code"), "%s", member(problem, "message"));
	}
	json_decref(document);
	return err;
}

void failure_free(struct failure *failure)
{
	free(failure->message);
	free(failure->raised);
	*failure = (struct failure){0};
}

void failure_set(struct failure *failure, const char *sqlstate, struct text message)
{
	failure_free(failure);
	strncpy(failure->sqlstate, sqlstate != NULL ? sqlstate : "", sizeof failure->sqlstate - 1);
	failure->message = memory_string_of(message.data, message.size);
}

void failure_log(enum log_level level, const char *what, struct text detail, const char *sqlstate, const char *statement)
{
	struct log_line line;

	log_begin(&line, level, what);
	log_string(&line, "statement", statement);
	log_string(&line, "sqlstate", sqlstate);
	log_text(&line, "detail", detail);
	log_end(&line);
}

enum err failure_report(struct stats *stats, const struct failure *failure, const char *statement, struct problems *problems,
			struct buffer *detail)
{
	enum err err = failure->timed_out ? ERR_DATABASE_TIMEOUT : db_sqlstate_error(failure->sqlstate);
	struct text message = text_of(failure->message);
	bool raised = strncmp(failure->sqlstate, "PL", 2) == 0;

	if (raised)
		err = db_raised_error(failure->raised, problems);
	/* What pl.fail says is meant for the caller, and a data exception speaks of the request's own values. Everything else
	 * tells of things that are not the caller's. */
	if (detail != NULL && err != ERR_INTERNAL && (raised || strncmp(failure->sqlstate, "22", 2) == 0))
		buffer_append_text(detail, message);
	if (raised && err != ERR_INTERNAL)
		return err; /* a refusal by our own functions is no error of the database */
	stats_count(stats, COUNTER_DATABASE_ERRORS, 1);
	if (!failure->logged)
		failure_log(err == ERR_INTERNAL ? LOG_ERROR : LOG_WARN, "statement_failed", message, failure->sqlstate, statement);
	return err;
}

enum err shape_of_answer(enum statement statement, enum db_shape shape, int rows)
{
	if (shape != DB_ONE || rows == 1)
		return ERR_OK;
	if (rows == 0)
		return ERR_NOT_FOUND;
	log_say(LOG_ERROR, "wrong_shape", "statement %s gave %d rows where one was expected", statement_table[statement].name, rows);
	return ERR_INTERNAL;
}
