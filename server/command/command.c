#include "command.h"

#include <stdarg.h>

int command_usage_error(const struct command *command, const char *format, ...)
{
	va_list arguments;

	fputs("plumbline: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\nusage: plumbline %s %s\nTry: plumbline %s --help\n", command->name, command->usage, command->name);
	return EXIT_USAGE;
}

void command_help(const struct command *command, FILE *to)
{
	fprintf(to, "usage: plumbline %s %s\n\n%s\n", command->name, command->usage, command->summary);
	if (command->details != NULL)
		fprintf(to, "\n%s\n", command->details);
	fputc('\n', to);
	settings_help(to);
}

int command_no_arguments(const struct command *command, int argc, char **argv)
{
	const char *near;

	if (argc == 1)
		return EXIT_OK;
	near = argv[1][0] == '-' ? settings_nearest_flag(argv[1]) : NULL;
	if (near != NULL)
		return command_usage_error(command, "there is no flag %s; did you mean --%s?", argv[1], near);
	return command_usage_error(command, "%s is not understood", argv[1]);
}
