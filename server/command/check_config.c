/* plumbline check-config: says everything that is wrong with the settings at once, or what they are. */
#include <stdio.h>

#include "../process.h"
#include "command.h"

/* A listener that cannot have its sockets is not refused, but better known before the day it matters. */
static void warn_of_file_limit(const struct settings *settings)
{
	int64_t limit = process_raise_file_limit();

	if (limit < settings->connections + settings->connections / 8 + settings->workers + 128)
		fprintf(stderr, "plumbline: warning: %lld open files are allowed, too few for %lld connections (ulimit -n)\n",
			(long long)limit, (long long)settings->connections);
}

static int run(const struct settings *settings, int argc, char **argv, const struct buffer *faults)
{
	if (command_no_arguments(&command_check_config, argc, argv) != EXIT_OK)
		return EXIT_USAGE;
	if (faults->size > 0) {
		fputs(faults->data, stderr);
		return EXIT_USAGE;
	}
	settings_print(settings, stdout);
	warn_of_file_limit(settings);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

const struct command command_check_config = {
	.name = "check-config",
	.usage = "",
	.summary = "Checks the settings and prints them with passwords masked; exit code 2 names every fault.",
	.needs_database = true,
	.reports_faults = true,
	.run = run,
};
