/* Times as sources write them, into RFC 3339. */
#ifndef PLUMBLINE_WEBHOOK_MOMENT_H
#define PLUMBLINE_WEBHOOK_MOMENT_H

#include "arena.h"

enum moment_unit { MOMENT_AUTO, MOMENT_MILLISECONDS, MOMENT_SECONDS };

/* A time in UTC or with its offset. Taken are: RFC 3339 (kept as it is); ISO 8601 without zone (which is UTC), with a space for the T,
 * without seconds, with an offset such as +0000; a date (its midnight, UTC); /Date(ms)/ and /Date(ms±hhmm)/, whose offset does not change the
 * instant; whole numbers since 1970 in the unit, or by their size: seconds below 10^11, milliseconds below 10^14, else
 * microseconds. The absent text when it is none of these. */
struct text moment_make(struct arena *arena, struct text text, enum moment_unit unit);

/* The day: of a date as it is, of a time with or without zone as it is written, of a number in UTC. */
struct text moment_date(struct arena *arena, struct text text, enum moment_unit unit);

#endif
