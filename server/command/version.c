/* plumbline version */
#include <stdio.h>

#include "command.h"

static int run(const struct settings *settings, int argc, char **argv, const struct buffer *faults)
{
	(void)settings;
	(void)faults;
	if (command_no_arguments(&command_version, argc, argv) != EXIT_OK)
		return EXIT_USAGE;
	puts("plumbline " PLUMBLINE_VERSION);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

const struct command command_version = {
	.name = "version",
	.usage = "",
	.summary = "Prints the version.",
	.reports_faults = true,
	.run = run,
};
