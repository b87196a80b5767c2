/* plumbline rebuild: derives everything from the event log anew. No answer changes by it; if one does, that is a fault. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arguments.h"
#include "database.h"
#include "progress.h"

enum { WAIT_MS = 200 };

static uint64_t number(struct text text)
{
	return text.data != NULL ? strtoull(text.data, NULL, 10) : 0;
}

static void say_done(const struct db_result *row, struct text slug)
{
	printf("%.*s: %s objects from %s events", (int)slug.size, slug.data, db_value(row, 0, 4).data, db_value(row, 0, 5).data);
	if (number(db_value(row, 0, 6)) > 0)
		printf(", %s of them were not what the log says", db_value(row, 0, 6).data);
	printf("\n");
}

/* Asks how far the job is: true when it goes on. Else *code and what is to be said about it are settled. */
static bool goes_on(struct db *db, const struct db_param *job, struct text slug, struct progress *progress, int *code)
{
	struct db_result *row = NULL;
	struct buffer detail = {0};
	bool is_done, is_failed;

	*code = command_failed(db_run(db, STATEMENT_job_state, job, 2, DB_ONE, &row, NULL, &detail), &detail);
	buffer_free(&detail);
	if (*code != EXIT_OK)
		return false;
	is_done = text_equal_string(db_value(row, 0, 0), "done");
	is_failed = text_equal_string(db_value(row, 0, 0), "failed");
	progress->total = number(db_value(row, 0, 2));
	progress_update(progress, number(db_value(row, 0, 1)), number(db_value(row, 0, 1)));
	if (is_done || is_failed)
		progress_end(progress);
	if (is_done)
		say_done(row, slug);
	if (is_failed) {
		fprintf(stderr, "plumbline: %s\n", db_value(row, 0, 3).data);
		*code = EXIT_FAILED;
	}
	db_result_free(row);
	return !is_done && !is_failed;
}

/* Does the job step by step; a server that runs may take steps too, and finishes it when this process is killed. */
static int work(struct db *db, const struct db_param *job, struct text slug)
{
	static const struct timespec wait = {.tv_nsec = WAIT_MS * 1000000L};
	struct progress progress;
	int code = EXIT_OK;

	progress_begin(&progress, "rebuild", 0);
	while (goes_on(db, job, slug, &progress, &code)) {
		struct db_result *step = NULL;
		struct buffer detail = {0};

		code = command_failed(db_run(db, STATEMENT_job_step, job, 1, DB_ONE, &step, NULL, &detail), &detail);
		if (code == EXIT_OK && !text_equal_string(db_value(step, 0, 0), "more"))
			nanosleep(&wait, NULL);
		db_result_free(step);
		buffer_free(&detail);
		if (code != EXIT_OK)
			break;
	}
	progress_end(&progress);
	return code;
}

static int rebuild(struct db *db, struct text org_id, struct text slug)
{
	struct db_param job[2] = {{.text = org_id}};
	struct db_result *row = NULL;
	struct buffer detail = {0};
	int code = command_failed(db_run(db, STATEMENT_rebuild, job, 1, DB_ONE, &row, NULL, &detail), &detail);

	if (code == EXIT_OK) {
		job[1].text = db_value(row, 0, 0);
		code = work(db, job, slug);
	}
	db_result_free(row);
	buffer_free(&detail);
	return code;
}

static int rebuild_all(struct db *db)
{
	struct db_result *rows = NULL;
	struct buffer detail = {0};
	int code = command_failed(db_run(db, STATEMENT_org_list, NULL, 0, DB_MANY, &rows, NULL, &detail), &detail);

	for (size_t i = 0; code == EXIT_OK && i < db_rows(rows); i++)
		code = rebuild(db, db_value(rows, i, 0), db_value(rows, i, 1));
	db_result_free(rows);
	buffer_free(&detail);
	return code;
}

static int run(const struct settings *settings, int argc, char **argv, const struct buffer *faults)
{
	struct argument arguments[] = {{.name = "--org"}};
	struct positionals positionals;
	struct db *db;
	char org_id[16];
	int code = arguments_read(&command_rebuild, argc, argv, arguments, 1, &positionals);

	(void)faults;
	if (code != EXIT_OK)
		return code;
	if (positionals.count > 0)
		return command_usage_error(&command_rebuild, "rebuild takes --org or nothing");
	db = command_db(settings);
	if (arguments[0].value == NULL) {
		code = rebuild_all(db);
	} else {
		code = command_find_org(db, arguments[0].value, org_id);
		if (code == EXIT_OK)
			code = rebuild(db, text_of(org_id), text_of(arguments[0].value));
	}
	db_close(db);
	return code;
}

const struct command command_rebuild = {
    .name = "rebuild",
    .usage = "[--org SLUG]",
    .summary = "Derives all state and all facts from the event log anew; no answer changes by it.",
    .details = "  --org SLUG  one organisation (default: all, one after the other)\n"
	       "\n"
	       "In steps of a tenth of a second: reading goes on, and writing between the steps. What is killed in the\n"
	       "middle is finished by the service, or goes on when the command is given again.",
    .needs_database = true,
    .run = run,
};
