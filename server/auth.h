/* API keys: pl_<org_id>_<key_id>_<secret>. Only the SHA-256 of the secret is stored; comparing takes the same time whatever
 * is wrong. Keys found good are remembered for AUTH_CACHE_S, so a revoked key stops working within that time.
 *
 * Sessions: ps_<org_id>_<session_id>_<secret>, in a cookie. A session may what its key may, for some hours at most and never longer
 * than the key works. Everything said of keys holds for them; reads count for the key. */
#ifndef PLUMBLINE_AUTH_H
#define PLUMBLINE_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "request.h"

enum {
	AUTH_CACHE_S = 5,
	AUTH_KEY_ID_MAX = 31,      /* characters, fits principal.key_id */
	AUTH_SECRET_BYTES = 32,
	AUTH_SECRET_CHARS = 43,    /* base64url without padding */
	AUTH_DIGEST_BYTES = 32,
	AUTH_KEY_MAX = 128         /* characters of a whole key with its NUL */
};

#define AUTH_COOKIE "plumbline_session"

struct auth;
struct db;

/* A key, or a session with its id for key_id, taken apart. secret points into the header. */
struct auth_key {
	int org_id;
	char key_id[AUTH_KEY_ID_MAX + 1];
	struct text secret;
};

/* rate_limit: reads a minute a key; 0: none. now_ns: the monotonic clock (NULL: the system's; tests give their own).
 * NULL when libsodium cannot start. Safe from any thread. */
struct auth *auth_new(int64_t rate_limit, int64_t (*now_ns)(void));
void auth_free(struct auth *auth); /* NULL allowed */

/* True when it has the form of one of our keys or sessions: cheap, for refusing before a body is collected. */
bool auth_is_sound(struct credential credential);

/* "Bearer pl_…", or of a session "ps_…" → parts; false when malformed. */
bool auth_parse(struct credential credential, struct auth_key *key);

/* The token in a Cookie header; the absent text when it holds none. */
struct text auth_cookie_token(struct text cookies);

/* Answers from memory alone: ERR_OK with *who filled; ERR_UNAUTHORIZED when the header is malformed; ERR_NOT_FOUND when the
 * database has to be asked (auth_resolve). For the event loop. */
enum err auth_cached(struct auth *auth, struct credential credential, struct principal *who);

/* True when this very key or session has been good before, however long ago, and was not found to have ended since. */
bool auth_is_known(struct auth *auth, struct credential credential);

/* As auth_cached, then asks the database. ERR_OK, ERR_UNAUTHORIZED, ERR_KEY_EXPIRED, or the database's error. */
enum err auth_resolve(struct auth *auth, struct db *db, struct credential credential, struct principal *who);

/* A session has ended: it is not remembered here any longer. */
void auth_forget_session(struct auth *auth, int org_id, const char *session_id);

/* Writes down when keys were last used, at most once a minute a key. For a worker that has just answered: nobody waits for it. */
void auth_note_use(struct auth *auth, struct db *db);

/* Counts a read of this key: ERR_OK, or ERR_RATE_LIMITED; adds the headers RateLimit-Policy, RateLimit and, when refused,
 * Retry-After to the reply. Nothing happens when there is no limit. */
enum err auth_count_read(struct auth *auth, const struct principal *who, struct reply *reply);

/* SHA-256 of a secret as it stands in the key. */
void auth_digest(struct text secret, unsigned char digest[AUTH_DIGEST_BYTES]);

/* A new key, or session: its id, its text (NUL-terminated) and its digest. False when libsodium cannot start. */
bool auth_key_make(int org_id, char key_id[AUTH_KEY_ID_MAX + 1], char key[AUTH_KEY_MAX], unsigned char digest[AUTH_DIGEST_BYTES]);
bool auth_session_make(int org_id, char session_id[AUTH_KEY_ID_MAX + 1], char token[AUTH_KEY_MAX], unsigned char digest[AUTH_DIGEST_BYTES]);

#endif
