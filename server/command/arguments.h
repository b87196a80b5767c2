/* Options of a command: "--name value" or "--name=value", flags, and what stands between them. */
#ifndef PLUMBLINE_ARGUMENTS_H
#define PLUMBLINE_ARGUMENTS_H

#include <stddef.h>

#include "command.h"

struct argument {
	const char *name;  /* "--org" */
	const char *value; /* NULL until given; points into argv. Of a flag: "" */
	bool is_flag;      /* takes no value */
};

enum { POSITIONALS_MAX = 256 };

struct positionals {
	const char *items[POSITIONALS_MAX];
	size_t count;
};

/* Reads argv[1..]. EXIT_OK, or EXIT_USAGE after having said what is wrong (the nearest option is named). */
int arguments_read(const struct command *command, int argc, char **argv, struct argument *arguments, size_t count,
		   struct positionals *positionals);

#endif
