#include "error.h"

#include <assert.h>
#include <string.h>

static const struct error_info errors[] = {
#define ERR(name, http_status, stable_code, sentence) [ERR_##name] = {.status = (http_status), .code = (stable_code), .title = (sentence)},
#include "error.def"
#undef ERR
};

static_assert(sizeof errors / sizeof *errors == ERR_COUNT, "one row an error");

const struct error_info *error_info(enum err err)
{
	return &errors[err];
}

enum err error_by_code(const char *code)
{
	for (int i = 0; i < ERR_COUNT; i++)
		if (strcmp(errors[i].code, code) == 0)
			return (enum err)i;
	return ERR_INTERNAL;
}
