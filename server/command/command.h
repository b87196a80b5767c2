/* Commands of the binary: one row each in main.c, one file each in server/command/. */
#ifndef PLUMBLINE_COMMAND_H
#define PLUMBLINE_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "../settings.h"

/* Exit codes of every command. */
enum exit_code { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
	const char *name;       /* "key" */
	const char *usage;      /* what follows the name: "create --org ORG --scope SCOPE | list | revoke ID" */
	const char *summary;    /* one sentence for the list of commands */
	const char *details;    /* paragraphs and own options for `plumbline NAME --help`; may be NULL */
	bool needs_database;    /* refuses to start without DATABASE_URL */
	bool reports_faults;    /* runs although the settings have faults, to report them itself (check-config) */
	/* argv[0] is the command's name; settings flags (--listen …), --help and their values are already taken out.
	 * faults: what is wrong with the settings, a sentence a line; empty unless reports_faults. */
	int (*run)(const struct settings *settings, int argc, char **argv, const struct buffer *faults);
};

extern const struct command command_serve, command_migrate, command_import, command_rebuild, command_key, command_org,
    command_source,
    command_check_config, command_check_health, command_routes, command_version;

/* The whole text of `plumbline NAME --help`. */
void command_help(const struct command *command, FILE *to);

/* For commands without arguments of their own: EXIT_OK, or the complaint, with the nearest flag. */
int command_no_arguments(const struct command *command, int argc, char **argv);

/* Says on standard error what is wrong and how to get help; returns EXIT_USAGE. */
int command_usage_error(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
