/* The sources this process knows, compiled and with their secrets. What is known is asked for anew once a second at most, when a
 * delivery comes: so a change holds on every instance within that time. Any thread. */
#ifndef PLUMBLINE_WEBHOOK_REGISTRY_H
#define PLUMBLINE_WEBHOOK_REGISTRY_H

#include "service.h"
#include "source.h"
#include "stats_source.h"

struct db;

enum { REGISTRY_STALE_MS = 1000 };

/* A source as it was at one moment; nothing of it changes. */
struct known_source {
	int org_id;
	char slug[64], name[64];       /* of its organisation, and its own */
	char *url;                     /* as the sender calls it; "" when it is the service's public address and the path */
	int64_t version;
	bool enabled;
	struct source *compiled;       /* NULL: its document is not sound (after a change of its preset) */
	struct source_secret *secrets;
	size_t secret_count;
	struct buffer secret_memory;
	struct source_stats *stats;
	int references;                /* the registry's own */
};

/* Takes "name" (of the default organisation) or "organisation.name" apart; false when it can be neither. */
bool registry_split(struct text path_name, char slug[64], char name[64]);

/* The source a path names; registry_release when done. ERR_NOT_FOUND: there is none, or it is switched off; else the database's
 * error, or ERR_INTERNAL when its document or a secret cannot be read. */
enum err registry_get(struct handlers *handlers, struct db *db, struct text path_name, struct known_source **known);
void registry_release(struct handlers *handlers, struct known_source *known); /* NULL allowed */

/* Reads a source of an organisation without remembering it, switched off or not. For tests of a source and replays. override: a merge
 * patch to its document, or the absent text. problems (may be NULL) says why compiled is NULL. Free with known_source_free. */
enum err registry_read(const struct settings *settings, struct db *db, int org_id, const char *name, struct text override,
		       struct known_source **known, struct problems *problems);
void known_source_free(struct known_source *known); /* NULL allowed */

/* True when the use of this source is to be written down now (once a minute); it then counts as done. */
bool registry_note_due(struct handlers *handlers, const struct known_source *known);

#endif
