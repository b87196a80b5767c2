/* The eight kinds of objects that sources write, and what a record of each may hold. */
#ifndef PLUMBLINE_RESOURCE_H
#define PLUMBLINE_RESOURCE_H

#include "shape.h"

struct resource {
	const char *kind;          /* label of object_kind: "opportunity" */
	const char *plural;        /* in paths: "opportunities" */
	const struct shape *shape; /* the attributes, and before them the envelope: id, occurred_at, event_id, operation, merged_into */
	/* What the table cannot say; record is an object, raw its text. What does not fit the shape has been said before, and is passed
	 * over. May be NULL. */
	void (*check)(const json_t *record, struct text raw, bool whole, struct problems *problems);
	/* What an id must be beyond an id; NULL: nothing. False: *message (static) says why. */
	bool (*check_id)(struct text id, const char **message);
};

enum { ENVELOPE_FIELDS = 5 }; /* the first fields of every shape */

extern const struct resource resource_rep, resource_team, resource_account, resource_product, resource_stage, resource_opportunity,
    resource_activity, resource_fx_rate;

#endif
