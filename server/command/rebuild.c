/* plumbline rebuild: derives everything from the event log anew. No answer changes by it; if one does, that is a fault. */
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "database.h"

static int rebuild(struct db *db, struct text org_id, struct text slug)
{
	struct db_param param = {.text = org_id};
	struct db_result *row = NULL;
	struct buffer detail = {0};
	int code = command_failed(db_run(db, STATEMENT_rebuild, &param, 1, DB_ONE, &row, NULL, &detail), &detail);

	if (code == EXIT_OK)
		printf("%.*s: %s objects from %s events\n", (int)slug.size, slug.data, db_value(row, 0, 0).data,
		       db_value(row, 0, 1).data);
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
	       "Writing to an organisation waits while it is rebuilt; reading goes on.",
    .needs_database = true,
    .run = run,
};
