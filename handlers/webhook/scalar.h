/* A value on its way from a source's record into ours, and the conversions it can go through. */
#ifndef PLUMBLINE_WEBHOOK_SCALAR_H
#define PLUMBLINE_WEBHOOK_SCALAR_H

#include "arena.h"

enum scalar_type {
	SCALAR_ABSENT, /* nothing stands there */
	SCALAR_NULL,   /* null, or the empty text: the source has cleared it */
	SCALAR_STRING, /* text: decoded */
	SCALAR_NUMBER, /* text: as JSON writes it */
	SCALAR_BOOLEAN,/* text: true or false */
	SCALAR_LIST,   /* text: JSON */
	SCALAR_OBJECT, /* text: JSON */
	SCALAR_BROKEN  /* cannot be what it has to be: code and message (static) say why */
};

struct scalar {
	enum scalar_type type;
	struct text text;
	const char *code, *message;
	bool ours; /* a word of the mapping, not of the source: an id of ours stays as it is */
};

enum conversion {
	CONVERT_NONE, /* stays what it is */
	CONVERT_STRING,
	CONVERT_NUMBER,
	CONVERT_INTEGER,
	CONVERT_BOOLEAN,
	CONVERT_DATE,
	CONVERT_DATETIME,
	CONVERT_MOMENT, /* a date stays one, everything else is a time */
	CONVERT_EPOCH_MS,
	CONVERT_EPOCH_S,
	CONVERT_DURATION, /* hh:mm or hh:mm:ss in seconds; numbers as they are */
	CONVERT_LOWER,
	CONVERT_UPPER,
	CONVERT_LIST,  /* of texts */
	CONVERT_ID18   /* the 15 characters of a Salesforce id with the 3 that make it independent of case */
};

struct convert_options {
	enum conversion conversion;
	struct text scale;  /* numbers: factor; absent: 1 */
	bool rounded;
	int places;         /* when rounded */
	char separator;     /* lists: splits a text; 0: does not */
};

/* From JSON text. Texts that hold U+0000 or half a surrogate pair are SCALAR_BROKEN. */
struct scalar scalar_read(struct arena *arena, struct text raw);
bool scalar_has_value(struct scalar scalar); /* neither absent nor null nor broken */
struct scalar scalar_string(struct text text);
struct scalar scalar_broken(const char *code, const char *message);

/* Absent, null and broken values pass as they are. */
struct scalar scalar_convert(struct arena *arena, struct scalar scalar, const struct convert_options *options);

/* As JSON. Not for absent or broken ones. */
void scalar_write(struct scalar scalar, struct buffer *out);

#endif
