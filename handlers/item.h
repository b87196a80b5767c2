/* One record as sent, read into one event. */
#ifndef PLUMBLINE_ITEM_H
#define PLUMBLINE_ITEM_H

#include "ingest.h"
#include "resource.h"

enum { ITEM_MAX = 1024 * 1024 }; /* bytes of one record in a bulk write */

enum item_form {
	ITEM_FULL,  /* body of PUT: absent attributes are cleared */
	ITEM_PATCH, /* body of PATCH */
	ITEM_ENTRY  /* of POST and bulk: names its id, may name an operation */
};

/* What is known of a record besides its text. */
struct item_context {
	const struct resource *resource;
	enum item_form form;
	struct text id;          /* from the path; absent for ITEM_ENTRY */
	struct text occurred_at; /* from the query; absent: the record's own, else now */
	struct text event_id;    /* from the query or Idempotency-Key; absent: the record's own, else made */
	bool event_id_is_default; /* event_id only stands in where the record has none */
	bool occurred_at_is_default;
	bool strict;
};

enum item_verdict {
	ITEM_SOUND,
	ITEM_NOT_JSON, /* one problem says why, pointer "" */
	ITEM_REFUSED   /* the problems say why */
};

/* Checks a record and, when it is sound, makes the event of it (free it with ingest_item_free). raw: its JSON text. */
enum item_verdict item_read(const struct item_context *context, struct text raw, struct ingest_item *item, struct problems *problems);

/* Makes an event that needs no record: delete, restore, or (into given) merge. False with problems when the id cannot be. */
bool item_make(const struct item_context *context, const char *operation, struct text into, struct ingest_item *item,
	       struct problems *problems);

#endif
