/* Errors: what can go wrong with a request, made from error.def. */
#ifndef PLUMBLINE_ERROR_H
#define PLUMBLINE_ERROR_H

enum err {
#define ERR(name, status, code, title) ERR_##name,
#include "error.def"
#undef ERR
	ERR_COUNT
};

struct error_info {
	int status;         /* HTTP status */
	const char *code;   /* stable, part of the API */
	const char *title;
};

/* The row of an error; never NULL for a value of the enum. */
const struct error_info *error_info(enum err err);

/* The error with this code, or ERR_INTERNAL when there is none (used for codes raised in SQL). */
enum err error_by_code(const char *code);

#endif
