/* plumbline migrate: brings the schema up to date; --status only tells. */
#include <stdio.h>
#include <string.h>

#include "../schema.h"
#include "command.h"

static void say(const char *sentence)
{
	puts(sentence);
}

static int migrate(const struct settings *settings, bool status)
{
	struct db *db = db_open(settings->database_url, false, 10);
	struct buffer detail = {0};
	enum err err = status ? schema_status(db, say, &detail) : schema_migrate(db, say, &detail);
	int code = err == ERR_OK ? EXIT_OK : EXIT_FAILED;

	if (err != ERR_OK)
		fprintf(stderr, "plumbline: %s\n", detail.size > 0 ? detail.data : error_info(err)->title);
	else if (!status)
		puts("the schema is current");
	else
		puts(detail.size > 0 ? detail.data : "the schema is current");
	/* --status is for scripts too: it fails when there is something to do. */
	if (status && detail.size > 0)
		code = EXIT_FAILED;
	buffer_free(&detail);
	db_close(db);
	return code;
}

static int run(const struct settings *settings, int argc, char **argv, const struct buffer *faults)
{
	(void)faults;
	if (argc == 1)
		return migrate(settings, false);
	if (argc == 2 && strcmp(argv[1], "--status") == 0)
		return migrate(settings, true);
	return command_usage_error(&command_migrate, "migrate takes --status or nothing");
}

const struct command command_migrate = {
    .name = "migrate",
    .usage = "[--status]",
    .summary = "Brings the database schema up to date; running it again changes nothing.",
    .details = "  --status  tells what is applied and what is pending, changes nothing; exit code 1 when something is pending\n"
	       "\n"
	       "Each migration runs in a transaction of its own under an advisory lock, so several instances may start at a time.\n"
	       "Functions live in schema pl, which is replaced whole when they changed.",
    .needs_database = true,
    .run = run,
};
