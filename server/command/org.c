/* plumbline org: organisations (tenants). A fresh installation has one, default. */
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "database.h"

static int list(struct db *db)
{
	static const char *const headings[] = {"ID", "SLUG", "NAME", "MADE"};
	struct db_result *rows = NULL;
	struct buffer detail = {0};
	int code = command_failed(db_run(db, STATEMENT_org_list, NULL, 0, DB_MANY, &rows, NULL, &detail), &detail);

	if (code == EXIT_OK)
		command_print_table(rows, headings, sizeof headings / sizeof *headings);
	db_result_free(rows);
	buffer_free(&detail);
	return code;
}

static int create(struct db *db, const char *slug, const char *name)
{
	struct db_param params[] = {{.text = text_of(slug)}, {.text = text_of(name != NULL ? name : slug)}};
	struct db_result *row = NULL;
	struct buffer detail = {0};
	int code = command_failed(db_run(db, STATEMENT_org_create, params, 2, DB_ONE, &row, NULL, &detail), &detail);

	if (code == EXIT_OK)
		printf("organisation %s made with id %s\n", slug, db_value(row, 0, 0).data);
	db_result_free(row);
	buffer_free(&detail);
	return code;
}

static int run(const struct settings *settings, int argc, char **argv, const struct buffer *faults)
{
	struct argument arguments[] = {{.name = "--name"}};
	struct positionals positionals;
	struct db *db;
	int code = arguments_read(&command_org, argc, argv, arguments, 1, &positionals);
	bool makes = positionals.count == 2 && strcmp(positionals.items[0], "create") == 0;
	bool lists = positionals.count == 1 && strcmp(positionals.items[0], "list") == 0 && arguments[0].value == NULL;

	(void)faults;
	if (code != EXIT_OK)
		return code;
	if (!makes && !lists)
		return command_usage_error(&command_org, "say what to do: create SLUG, or list");
	db = command_db(settings);
	code = makes ? create(db, positionals.items[1], arguments[0].value) : list(db);
	db_close(db);
	return code;
}

const struct command command_org = {
    .name = "org",
    .usage = "create SLUG [--name NAME] | list",
    .summary = "Makes and lists organisations, which share a database and see nothing of each other.",
    .details = "  --name NAME  for people to read (default: the slug)",
    .needs_database = true,
    .run = run,
};
