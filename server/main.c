/* plumbline: the table of commands and the way into them. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"
#include "memory.h"

static const struct command *const commands[] = {
	&command_serve, &command_migrate, &command_import,       &command_rebuild, &command_key,
	&command_org,   &command_source,  &command_routes,  &command_check_config, &command_check_health,
	&command_version,
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_help(FILE *to)
{
	fprintf(to, "usage: plumbline COMMAND [OPTION…]\n\nIs the sales team executing the strategy, or setting its own?\n\nCommands:\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-13s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(to, "\nplumbline COMMAND --help tells more. Exit codes: 0 done, 1 failed, 2 wrong arguments or settings.\n\n");
	settings_help(to);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	const char *names[COMMAND_COUNT];
	int near;

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i]->name;
	near = text_nearest(text_of(name), names, COMMAND_COUNT);
	fprintf(stderr, "plumbline: there is no command %s", name);
	if (near >= 0)
		fprintf(stderr, "; did you mean %s?", names[near]);
	fputs("\nTry: plumbline --help\n", stderr);
	return EXIT_USAGE;
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct settings settings;
	struct buffer faults = {0};
	int code;

	settings_load(&settings, &argc, argv, environ, &faults);
	if (command->needs_database && settings.database_url[0] == '\0')
		buffer_append_string(&faults, "DATABASE_URL: is needed, like postgresql://user:password@host/plumbline\n");
	if (faults.size > 0 && !command->reports_faults) {
		fprintf(stderr, "plumbline: the settings are wrong:\n%s", faults.data);
		code = EXIT_USAGE;
	} else {
		log_set_level(settings.log_level);
		code = command->run(&settings, argc, argv, &faults);
	}
	buffer_free(&faults);
	settings_free(&settings);
	return code;
}

int main(int argc, char **argv)
{
	const struct command *command;

	signal(SIGPIPE, SIG_IGN);
	json_set_alloc_funcs(memory_for_library, free);
	json_object_seed(0);
	(void)memory_ready();
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return EXIT_OK;
	}
	command = strcmp(argv[1], "--version") == 0 ? &command_version : find_command(argv[1]);
	if (command == NULL)
		return unknown_command(argv[1]);
	if (wants_help(argc - 1, argv + 1)) {
		command_help(command, stdout);
		return EXIT_OK;
	}
	return run(command, argc - 1, argv + 1);
}
