/* The schema this binary was built for: migrations of the data, each applied once, and the functions of schema pl, replaced whole.
 * Safe to run by several processes at a time: every step takes the same advisory lock in its own transaction. */
#ifndef PLUMBLINE_SCHEMA_H
#define PLUMBLINE_SCHEMA_H

#include "db.h"

enum schema_state {
	SCHEMA_CURRENT,
	SCHEMA_OLD,     /* empty, or migrations or functions are missing: plumbline migrate */
	SCHEMA_NEWER,   /* holds migrations this binary does not know */
	SCHEMA_CHANGED  /* a migration that was applied is not the one in this binary */
};

const char *schema_state_word(enum schema_state state); /* "current", "old", … */

/* Compares. Cheap: two small statements. detail (may be NULL) gets a sentence unless current. db: any. */
enum err schema_check(struct db *db, enum schema_state *state, struct buffer *detail);

/* Brings the schema up to date; nothing happens when it is. db should have been opened without prepared statements. say (may be
 * NULL) is told each step. ERR_CONFLICT when the schema is NEWER or CHANGED: nothing is done then. */
enum err schema_migrate(struct db *db, void (*say)(const char *sentence), struct buffer *detail);

/* Tells say of each migration: "0001-foundation applied 2027-01-01T…Z" or "… pending". */
enum err schema_status(struct db *db, void (*say)(const char *sentence), struct buffer *detail);

#endif
