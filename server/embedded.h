/* What is built into the binary besides code (made by sql/embed.py): migrations, the functions of schema pl, the contract. Texts are gzip files. */
#ifndef PLUMBLINE_EMBEDDED_H
#define PLUMBLINE_EMBEDDED_H

#include "text.h"

struct migration {
	const char *name;     /* "0001-foundation" */
	const char *checksum; /* SHA-256 of the text, hexadecimal */
	struct text sql;
};

extern const struct migration embedded_migrations[]; /* in the order they are applied */
extern const size_t embedded_migrations_count;

extern const struct text embedded_functions;          /* sql/functions, then sql/metrics, in the order of their names */
extern const char *const embedded_functions_checksum; /* SHA-256, hexadecimal */

extern const struct text embedded_openapi_yaml;
extern const struct text embedded_openapi_json;       /* the same document */

#endif
