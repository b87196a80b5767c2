/* Ingest: validated events on their way into the log. */
#ifndef PLUMBLINE_INGEST_H
#define PLUMBLINE_INGEST_H

#include "request.h"

/* One validated event. Texts are owned by `memory`. */
struct ingest_item {
	struct text kind;        /* object_kind label: "opportunity" */
	struct text id;
	struct text operation;   /* patch, delete, restore, merge */
	bool full;               /* full record (PUT) */
	bool strict;             /* refuse an unknown stage (single writes), rather than wait for it */
	bool partial;            /* of a source that tells changes piece by piece, in any order: a first event need not carry what a
	                          * record must, and may be a delete, restore or merge */
	struct text occurred_at; /* absent: now */
	struct text event_id;    /* absent: made */
	int64_t source_seq;      /* the source's own count, which orders events of one instant; 0: it has none */
	struct text patch;       /* the JSON object text as it came (reserved members still in it) */
	struct buffer memory;
};

/* What became of an event; the first five are the counts of a batch answer. */
enum outcome { OUTCOME_ACCEPTED, OUTCOME_DUPLICATE, OUTCOME_STALE, OUTCOME_UNCHANGED, OUTCOME_REJECTED, OUTCOME_COUNT };

struct ingest_result {
	enum outcome outcome;
	char *event_id;          /* malloc'd or NULL */
	char *occurred_at;       /* malloc'd or NULL */
	char *code;              /* rejected: stable code; else NULL */
	char *pointer;
	char *message;
	bool quarantined;
};

const char *ingest_outcome_word(enum outcome outcome); /* "accepted" */

/* Copies all texts of an item (kind is static) into its own memory. */
void ingest_item_own(struct ingest_item *item);
void ingest_item_free(struct ingest_item *item);
void ingest_result_free(struct ingest_result *result);

/* Writes items (all of one organisation) in one transaction: STATEMENT_ingest; when that fails for the data's sake,
 * STATEMENT_ingest_each (a sub-transaction an item). results has count rows, filled on ERR_OK.
 * dry_run: everything is tried and rolled back. atomic: any rejected item rolls all back (results say which).
 * Inside a transaction of the caller's (db_begin) the commit or rollback is the caller's too, whatever dry_run and atomic say.
 * count 0: nothing happens, *data_version is 0. */
enum err ingest_write(struct db *db, const struct principal *who, struct ingest_item *const *items, size_t count,
		      bool dry_run, bool atomic, int64_t *data_version, struct ingest_result *results);

/* Writes items one after the other in a transaction that is rolled back: what would become of each, and the attributes it would
 * change, a malloc'd JSON object {"name": {"before", "after"}} an item. results and changes have count elements. */
enum err ingest_try(struct db *db, const struct principal *who, struct ingest_item *const *items, size_t count,
		    struct ingest_result *results, char **changes);

/* True for a failure that is the fault of something in the batch, not of the database's condition. */
bool ingest_is_of_the_data(enum err err);

/* The reply to a request that was one event: 200 with the counts, or 422/409 with the problem. */
enum err ingest_reply_single(const struct ingest_result *result, const struct ingest_item *item, int64_t data_version, struct reply *reply);

#endif
