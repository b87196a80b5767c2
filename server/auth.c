#include "auth.h"

#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "memory.h"

enum { BUCKETS = 1024, ENTRIES_MAX = 16384, NOTE_EVERY_S = 60, WINDOW_S = 60 };

#define NS_PER_S INT64_C(1000000000)

/* A key or a session that was found good. A key of which only sessions are known has an entry too: its uses are counted there. */
struct entry {
	struct entry *next;
	struct principal who;    /* session_id "": the key itself */
	unsigned char digest[AUTH_DIGEST_BYTES];
	int64_t expires_at_s;    /* seconds since 1970; 0: never */
	int64_t checked_ns;      /* when the database was asked about it; 0: never, only about sessions of it */
	int64_t seen_ns;         /* when the database was asked about it or a session of it */
	int64_t noted_ns;        /* when the last use was written down; 0: not since start */
	bool note_due;
	int64_t window_ns;       /* start of the minute in which reads are counted */
	int64_t reads;
};

struct auth {
	pthread_mutex_t mutex;
	struct entry *buckets[BUCKETS];
	size_t count;
	size_t notes_due;
	int64_t rate_limit;
	int64_t (*now_ns)(void);
};

struct auth *auth_new(int64_t rate_limit, int64_t (*now_ns)(void))
{
	struct auth *auth;

	if (sodium_init() < 0)
		return NULL;
	auth = memory_zeroed(1, sizeof *auth);
	pthread_mutex_init(&auth->mutex, NULL);
	auth->rate_limit = rate_limit;
	auth->now_ns = now_ns != NULL ? now_ns : clock_monotonic_ns;
	return auth;
}

void auth_free(struct auth *auth)
{
	if (auth == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (auth->buckets[i] != NULL) {
			struct entry *entry = auth->buckets[i];

			auth->buckets[i] = entry->next;
			free(entry);
		}
	pthread_mutex_destroy(&auth->mutex);
	free(auth);
}

/* FNV-1a; the ids are random already, and only those of real keys and sessions get in. */
static size_t bucket_of(int org_id, const char *id)
{
	uint32_t hash = UINT32_C(2166136261) ^ (uint32_t)org_id;

	for (const char *c = id; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * UINT32_C(16777619);
	return hash % BUCKETS;
}

static bool is_session(const struct entry *entry)
{
	return entry->who.session_id[0] != '\0';
}

static const char *id_of(const struct entry *entry)
{
	return is_session(entry) ? entry->who.session_id : entry->who.key_id;
}

/* Where the entry hangs, or where it would. With the mutex held. */
static struct entry **find(struct auth *auth, bool session, int org_id, const char *id)
{
	struct entry **link = &auth->buckets[bucket_of(org_id, id)];

	while (*link != NULL && ((*link)->who.org_id != org_id || is_session(*link) != session || strcmp(id_of(*link), id) != 0))
		link = &(*link)->next;
	return link;
}

static struct entry *find_key(struct auth *auth, const struct principal *who)
{
	return *find(auth, false, who->org_id, who->key_id);
}

static bool is_expired(int64_t expires_at_s)
{
	return expires_at_s != 0 && clock_unix_s() >= expires_at_s;
}

enum err auth_cached(struct auth *auth, struct credential credential, struct principal *who)
{
	unsigned char digest[AUTH_DIGEST_BYTES];
	struct auth_key key;
	struct entry *entry;
	enum err err = ERR_NOT_FOUND;

	if (!auth_parse(credential, &key))
		return ERR_UNAUTHORIZED;
	auth_digest(key.secret, digest);
	pthread_mutex_lock(&auth->mutex);
	entry = *find(auth, credential.is_session, key.org_id, key.key_id);
	if (entry != NULL && entry->checked_ns != 0 && auth->now_ns() - entry->checked_ns < AUTH_CACHE_S * NS_PER_S &&
	    sodium_memcmp(entry->digest, digest, sizeof digest) == 0) {
		err = is_expired(entry->expires_at_s) ? ERR_KEY_EXPIRED : ERR_OK;
		if (err == ERR_OK)
			*who = entry->who;
	}
	pthread_mutex_unlock(&auth->mutex);
	return err;
}

bool auth_is_known(struct auth *auth, struct credential credential)
{
	unsigned char digest[AUTH_DIGEST_BYTES];
	const struct entry *entry;
	struct auth_key key;
	bool known;

	if (!auth_parse(credential, &key))
		return false;
	auth_digest(key.secret, digest);
	pthread_mutex_lock(&auth->mutex);
	entry = *find(auth, credential.is_session, key.org_id, key.key_id);
	known = entry != NULL && sodium_memcmp(entry->digest, digest, sizeof digest) == 0;
	pthread_mutex_unlock(&auth->mutex);
	return known;
}

/* A key that was good and is not any more: it counts as one that nobody has seen. */
static void forget(struct auth *auth, bool session, const struct auth_key *key, const unsigned char digest[AUTH_DIGEST_BYTES])
{
	struct entry *entry;

	pthread_mutex_lock(&auth->mutex);
	entry = *find(auth, session, key->org_id, key->key_id);
	if (entry != NULL && sodium_memcmp(entry->digest, digest, AUTH_DIGEST_BYTES) == 0)
		sodium_memzero(entry->digest, sizeof entry->digest);
	pthread_mutex_unlock(&auth->mutex);
}

static void copy_text(char *to, size_t size, struct text from)
{
	size_t used = from.size < size ? from.size : size - 1;

	if (from.data != NULL)
		memcpy(to, from.data, used);
	to[used] = '\0';
}

static unsigned scopes_of(struct text words)
{
	static const struct {
		const char *word;
		enum scope scope;
	} known[] = {{"ingest", SCOPE_INGEST}, {"read", SCOPE_READ}, {"strategy", SCOPE_STRATEGY}, {"admin", SCOPE_ADMIN}};
	unsigned scopes = 0;

	while (words.size > 0) {
		const char *end = memchr(words.data, ' ', words.size);
		struct text word = {words.data, end != NULL ? (size_t)(end - words.data) : words.size};

		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			if (text_equal_string(word, known[i].word))
				scopes |= (unsigned)known[i].scope;
		words = (struct text){words.data + word.size, words.size - word.size};
		if (words.size > 0)
			words = (struct text){words.data + 1, words.size - 1};
	}
	return scopes;
}

static enum read_scope read_scope_of(struct text word)
{
	if (text_equal_string(word, "self"))
		return READ_SELF;
	return text_equal_string(word, "team") ? READ_TEAM : READ_ALL;
}

/* Columns of STATEMENT_auth_key and STATEMENT_auth_session; the last one is the latter's. */
enum { COLUMN_DIGEST, COLUMN_SCOPES, COLUMN_READ_SCOPE, COLUMN_SOURCE, COLUMN_REP, COLUMN_TEAM, COLUMN_REVOKED, COLUMN_EXPIRES, COLUMN_KEY };

static void read_entry(const struct db_result *row, bool session, const struct auth_key *key, struct entry *entry)
{
	struct text source = db_value(row, 0, COLUMN_SOURCE);
	struct text expires = db_value(row, 0, COLUMN_EXPIRES);
	struct principal *who = &entry->who;

	who->org_id = key->org_id;
	memcpy(session ? who->session_id : who->key_id, key->key_id, sizeof key->key_id);
	if (session)
		copy_text(who->key_id, sizeof who->key_id, db_value(row, 0, COLUMN_KEY));
	who->scopes = scopes_of(db_value(row, 0, COLUMN_SCOPES));
	who->read_scope = read_scope_of(db_value(row, 0, COLUMN_READ_SCOPE));
	copy_text(who->source, sizeof who->source, source.data != NULL ? source : TEXT("api"));
	copy_text(who->rep_id, sizeof who->rep_id, db_value(row, 0, COLUMN_REP));
	copy_text(who->team_id, sizeof who->team_id, db_value(row, 0, COLUMN_TEAM));
	entry->expires_at_s = expires.data != NULL ? strtoll(expires.data, NULL, 10) : 0;
}

/* Makes room: the bucket's own entries that were not asked for lately go first, then any other bucket's. */
static void evict(struct auth *auth, size_t first)
{
	int64_t now = auth->now_ns();

	for (size_t i = 0; i < BUCKETS && auth->count >= ENTRIES_MAX; i++) {
		struct entry **link = &auth->buckets[(first + i) % BUCKETS];

		while (*link != NULL) {
			struct entry *entry = *link;

			if (now - entry->seen_ns < WINDOW_S * NS_PER_S) {
				link = &entry->next;
				continue;
			}
			*link = entry->next;
			auth->notes_due -= entry->note_due;
			auth->count--;
			free(entry);
		}
	}
}

/* The entry of this principal, made when there is none. With the mutex held. */
static struct entry *enter(struct auth *auth, bool session, const struct principal *who)
{
	const char *id = session ? who->session_id : who->key_id;
	struct entry **link = find(auth, session, who->org_id, id);
	struct entry *entry = *link;

	if (entry == NULL) {
		size_t bucket = bucket_of(who->org_id, id);

		if (auth->count >= ENTRIES_MAX)
			evict(auth, bucket);
		entry = memory_zeroed(1, sizeof *entry);
		entry->who = *who;
		if (!session)
			entry->who.session_id[0] = '\0';
		entry->next = auth->buckets[bucket];
		auth->buckets[bucket] = entry;
		auth->count++;
	}
	entry->seen_ns = auth->now_ns();
	return entry;
}

static void remember(struct auth *auth, const struct entry *fresh)
{
	struct entry *entry, *key;

	pthread_mutex_lock(&auth->mutex);
	entry = enter(auth, is_session(fresh), &fresh->who);
	entry->who = fresh->who;
	memcpy(entry->digest, fresh->digest, sizeof entry->digest);
	entry->expires_at_s = fresh->expires_at_s;
	entry->checked_ns = entry->seen_ns;
	key = is_session(fresh) ? enter(auth, false, &fresh->who) : entry;
	if (!key->note_due && (key->noted_ns == 0 || key->seen_ns - key->noted_ns >= NOTE_EVERY_S * NS_PER_S)) {
		key->note_due = true;
		auth->notes_due++;
	}
	pthread_mutex_unlock(&auth->mutex);
}

void auth_forget_session(struct auth *auth, int org_id, const char *session_id)
{
	struct entry **link, *entry;

	pthread_mutex_lock(&auth->mutex);
	link = find(auth, true, org_id, session_id);
	entry = *link;
	if (entry != NULL) {
		*link = entry->next;
		auth->count--;
	}
	pthread_mutex_unlock(&auth->mutex);
	free(entry);
}

enum err auth_resolve(struct auth *auth, struct db *db, struct credential credential, struct principal *who)
{
	unsigned char stored[AUTH_DIGEST_BYTES] = {0};
	struct db_result *row = NULL;
	struct entry fresh = {0};
	struct auth_key key;
	char org_id[16];
	bool same, found;
	enum err err = auth_cached(auth, credential, who);

	if (err != ERR_NOT_FOUND || !auth_parse(credential, &key))
		return err;
	snprintf(org_id, sizeof org_id, "%d", key.org_id);
	err = db_run(db, credential.is_session ? STATEMENT_auth_session : STATEMENT_auth_key, (struct db_param[]){{.text = text_of(org_id)}, {.text = text_of(key.key_id)}}, 2,
		     DB_MANY, &row, NULL, NULL);
	if (err != ERR_OK)
		return err;
	/* Hashed and compared also when there is no such key, so that the time taken does not tell the two apart. */
	found = db_rows(row) == 1;
	if (found) {
		struct text hex = db_value(row, 0, COLUMN_DIGEST);

		sodium_hex2bin(stored, sizeof stored, hex.data, hex.size, NULL, NULL, NULL);
		read_entry(row, credential.is_session, &key, &fresh);
	}
	auth_digest(key.secret, fresh.digest);
	same = sodium_memcmp(stored, fresh.digest, sizeof stored) == 0;
	if (!found || !same || text_equal_string(db_value(row, 0, COLUMN_REVOKED), "t"))
		err = ERR_UNAUTHORIZED;
	else if (is_expired(fresh.expires_at_s))
		err = ERR_KEY_EXPIRED;
	if (err == ERR_OK) {
		remember(auth, &fresh);
		*who = fresh.who;
	} else {
		forget(auth, credential.is_session, &key, fresh.digest);
	}
	db_result_free(row);
	return err;
}

/* Takes one key whose use is to be written down. */
static bool take_note(struct auth *auth, struct principal *who)
{
	bool found = false;

	pthread_mutex_lock(&auth->mutex);
	for (size_t i = 0; auth->notes_due > 0 && i < BUCKETS && !found; i++)
		for (struct entry *entry = auth->buckets[i]; entry != NULL && !found; entry = entry->next) {
			if (!entry->note_due)
				continue;
			found = true;
			*who = entry->who;
			entry->note_due = false;
			entry->noted_ns = auth->now_ns();
			auth->notes_due--;
		}
	pthread_mutex_unlock(&auth->mutex);
	return found;
}

void auth_note_use(struct auth *auth, struct db *db)
{
	struct principal who;
	char org_id[16];

	while (take_note(auth, &who)) {
		snprintf(org_id, sizeof org_id, "%d", who.org_id);
		if (db_run(db, STATEMENT_auth_used, (struct db_param[]){{.text = text_of(org_id)}, {.text = text_of(who.key_id)}}, 2,
			   DB_NONE, NULL, NULL, NULL) != ERR_OK)
			return;
	}
}

enum err auth_count_read(struct auth *auth, const struct principal *who, struct reply *reply)
{
	int64_t left = auth->rate_limit, seconds = WINDOW_S;
	struct entry *entry;
	char value[96];

	if (auth->rate_limit == 0)
		return ERR_OK;
	pthread_mutex_lock(&auth->mutex);
	entry = find_key(auth, who);
	if (entry != NULL) {
		int64_t now = auth->now_ns();

		if (entry->window_ns == 0 || now - entry->window_ns >= WINDOW_S * NS_PER_S) {
			entry->window_ns = now;
			entry->reads = 0;
		}
		entry->reads++;
		left = auth->rate_limit - entry->reads;
		seconds = WINDOW_S - (now - entry->window_ns) / NS_PER_S;
	}
	pthread_mutex_unlock(&auth->mutex);
	snprintf(value, sizeof value, "\"reads\";q=%" PRId64 ";w=%d", auth->rate_limit, WINDOW_S);
	reply_header(reply, "RateLimit-Policy", value);
	snprintf(value, sizeof value, "\"reads\";r=%" PRId64 ";t=%" PRId64, left > 0 ? left : 0, seconds);
	reply_header(reply, "RateLimit", value);
	if (left >= 0)
		return ERR_OK;
	snprintf(value, sizeof value, "%" PRId64, seconds);
	reply_header(reply, "Retry-After", value);
	return reply_error(reply, ERR_RATE_LIMITED, "this key may make %" PRId64 " reads a minute; try again in %" PRId64 " s",
			   auth->rate_limit, seconds);
}
