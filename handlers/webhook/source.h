/* Webhooks of a source: who sent a delivery, and what events it means. Both are data, a JSON document (docs/mappings.md), compiled
 * once and then only read: a compiled source may be used by any number of threads at the same time. Pure functions: nothing here
 * knows the database or the HTTP library. */
#ifndef PLUMBLINE_WEBHOOK_SOURCE_H
#define PLUMBLINE_WEBHOOK_SOURCE_H

#include <stdint.h>

#include "item.h"

/* ── the document ───────────────────────────────────────────────────────────────────────────────── */
struct source;

/* The document that results when a preset is adapted: override is a merge patch (RFC 7396) to it, as JSON; the absent text or {}
 * leaves the preset as it is. Without a preset (the absent text) it is the override itself. Appends the document to out. False with
 * problems when either is not a JSON object. */
bool source_document(struct text preset, struct text override, struct buffer *out, struct problems *problems);

/* Compiles a document. NULL with all problems at once when it is not sound; pointers are into the document. Free with source_free. */
struct source *source_compile(struct text document, struct problems *problems);
void source_free(struct source *source); /* NULL does nothing */

/* The presets that are built in, in the order of their names. */
struct preset {
	const char *name;     /* "hubspot" */
	struct text document; /* JSON */
};
extern const struct preset presets[];
extern const size_t presets_count;
const struct preset *preset_find(struct text name); /* NULL: none of that name */

/* ── a delivery ─────────────────────────────────────────────────────────────────────────────────── */
struct delivery {
	struct text method; /* "POST" */
	struct text url;    /* as the sender called it, with scheme, host and query: the configured public address and the raw target */
	struct text body;   /* the bytes as they came, before any parsing */
	int64_t now_ms;     /* our clock, milliseconds since 1970 */
	/* The nth (from 0) value of a header, of a decoded query parameter; the absent text when there are fewer. header names are in
	 * lower case. Senders write a header twice to slip one past a check, so a check must see both. */
	struct text (*header)(const void *context, const char *name, size_t nth);
	struct text (*query)(const void *context, const char *name, size_t nth);
	const void *context;
};

/* ── verification ───────────────────────────────────────────────────────────────────────────────── */
struct source_secret {
	struct text value;                  /* as the sender shows it: text, hexadecimal, base64, whsec_…; what it is the verifier says */
	int64_t not_before_ms, not_after_ms; /* in force from … until before; 0: open */
};

enum verdict {
	VERIFIED,
	VERIFY_NO_SECRET, /* no secret is set and in force */
	VERIFY_MISSING,   /* no signature or credential came with it */
	VERIFY_AMBIGUOUS, /* the header came twice with different values */
	VERIFY_MALFORMED, /* the signature is not of its encoding, or the time not all digits */
	VERIFY_STALE,     /* the time is further from ours than the tolerance */
	VERIFY_WRONG      /* the signature or credential is not right */
};

/* Passes when any verifier of the source passes with any secret in force. Otherwise what came closest to passing. Compares in
 * constant time; an empty secret never passes. */
enum verdict source_verify(const struct source *source, const struct source_secret *secrets, size_t count,
			   const struct delivery *delivery);

/* The stable code ("signature_stale") and a sentence for a log or an answer. Neither holds anything of a secret or signature. */
const char *verdict_code(enum verdict verdict);
const char *verdict_message(enum verdict verdict);

/* Whether any verifier of the source could go by this secret. */
bool source_takes_secret(const struct source *source, struct text secret);

/* Whether a header (name in small letters) or query parameter holds what proves who sent a delivery: such a one is never kept. */
bool source_proves_by(const struct source *source, const char *name, bool in_query);

/* Whether one of the verifiers asks for basic credentials, so that a 401 says WWW-Authenticate: Basic. */
bool source_asks_basic(const struct source *source);

/* ── mapping ────────────────────────────────────────────────────────────────────────────────────── */
enum mapped_type {
	MAPPED_EVENT,   /* an event to write: mapped_read makes the ingest_item */
	MAPPED_NOTICE,  /* the source says that it lost something: id absent: of all objects of this kind */
	MAPPED_IGNORED, /* nothing for us; reason says why */
	MAPPED_PROBLEM  /* for quarantine: code, pointer, message */
};

/* What an item of a delivery means. All texts live until the callback returns. */
struct mapped {
	enum mapped_type type;
	size_t index;                    /* of the item in the delivery, from 0 */
	struct text raw;                 /* the item's text; of a body that is no JSON: the body */
	const struct resource *resource; /* kind of the object; NULL: none of ours (notices and problems only) */
	struct text id;                  /* the object's */
	/* MAPPED_EVENT */
	struct text operation;   /* patch, put, delete, restore, merge */
	struct text occurred_at; /* RFC 3339 in UTC; absent: the source does not say, so now */
	struct text event_id;    /* absent: the source does not say; what sends no id is not told from its repetition */
	int64_t sequence;        /* orders events of an object with the same occurred_at; 0 unless the source says */
	/* Sets only what changed: attributes without which an object cannot be may come with another event, before or after this one.
	 * Such an event must be stored although nothing is known of its object (no "required" on first sight). */
	bool partial;
	struct text record; /* JSON object for item_read: an entry, or of a put the full record */
	/* MAPPED_NOTICE, MAPPED_IGNORED */
	const char *reason; /* a sentence; static or of the source */
	/* MAPPED_PROBLEM */
	const char *code;    /* stable: not_json, too_deep, too_many_items, unknown_object, no_id, not_a_number, … */
	const char *pointer; /* JSON pointer into the item ("" is the item) */
	const char *message;
};

/* Where results go. emit returns false to stop. unmapped (may be NULL) hears of each member of a record that no rule names. */
struct mapped_sink {
	bool (*emit)(void *context, const struct mapped *mapped);
	void (*unmapped)(void *context, const char *object, struct text name);
	void *context;
};

struct mapped_counts {
	size_t items, events, notices, ignored, problems;
	size_t unmapped; /* members of records that no rule names */
};

/* Splits a verified delivery into items and emits, in order, what each means: one or several results an item. An item that is wrong
 * (or an element of its fan-out) gives one problem and no event, and does not touch the others. A body that is no JSON at all, or has more items than the source
 * allows, is one problem with the whole body. */
void source_map(const struct source *source, const struct delivery *delivery, const struct mapped_sink *sink,
		struct mapped_counts *counts);

/* Emits the records that the mapping itself refers to (stages won and lost of a source that has a status besides its stages): events
 * to write when the source is created or its document changes. They are dated 1970 and bear no event id (their content is one), so
 * that whatever else says something of these objects wins, and writing them again is a duplicate. */
void source_records(const struct source *source, const struct mapped_sink *sink);

/* Checks the record of an event and makes the item to ingest (free it with ingest_item_free). False with problems: quarantine it. */
bool mapped_read(const struct mapped *mapped, struct ingest_item *item, struct problems *problems);

#endif
