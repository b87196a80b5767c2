#include "arguments.h"

#include <string.h>

enum { ARGUMENTS_MAX = 16 };

static int refuse_unknown(const struct command *command, const char *given, const struct argument *arguments, size_t count)
{
	const char *names[ARGUMENTS_MAX];
	int near;

	for (size_t i = 0; i < count && i < ARGUMENTS_MAX; i++)
		names[i] = arguments[i].name;
	near = text_nearest((struct text){given, strcspn(given, "=")}, names, count < ARGUMENTS_MAX ? count : ARGUMENTS_MAX);
	if (near >= 0)
		return command_usage_error(command, "there is no option %s; did you mean %s?", given, names[near]);
	return command_usage_error(command, "there is no option %s", given);
}

int arguments_read(const struct command *command, int argc, char **argv, struct argument *arguments, size_t count,
		   struct positionals *positionals)
{
	positionals->count = 0;
	for (int i = 1; i < argc; i++) {
		size_t size = strcspn(argv[i], "=");
		struct argument *found = NULL;

		if (strncmp(argv[i], "--", 2) != 0) {
			if (positionals->count == POSITIONALS_MAX)
				return command_usage_error(command, "%s is one too many", argv[i]);
			positionals->items[positionals->count++] = argv[i];
			continue;
		}
		for (size_t j = 0; j < count; j++)
			if (text_equal_string((struct text){argv[i], size}, arguments[j].name))
				found = &arguments[j];
		if (found == NULL)
			return refuse_unknown(command, argv[i], arguments, count);
		if (found->value != NULL)
			return command_usage_error(command, "%s is given twice", found->name);
		if (found->is_flag && argv[i][size] == '=')
			return command_usage_error(command, "%s takes no value", found->name);
		if (found->is_flag)
			found->value = "";
		else if (argv[i][size] == '=')
			found->value = argv[i] + size + 1;
		else if (i + 1 < argc)
			found->value = argv[++i];
		else
			return command_usage_error(command, "%s needs a value", found->name);
	}
	return EXIT_OK;
}
