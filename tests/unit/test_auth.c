#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "auth.h"
#include "clock.h"
#include "db.h"
#include "fake_pq.h"

#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define HEADER "Bearer pl_7_k1_" SECRET

#define TOKEN "ps_7_s1_" SECRET

static struct credential bearer(const char *header)
{
	return (struct credential){.text = text_of(header)};
}

static struct credential session(const char *token)
{
	return (struct credential){.text = text_of(token), .is_session = true};
}

/* ── the text of a key ────────────────────────────────────────────────────────────────────────── */

static const struct {
	const char *header;
	bool sound;
} header_cases[] = {
	{HEADER, true},
	{"bearer pl_7_k1_" SECRET, true},
	{"Bearer   pl_7_k1_" SECRET "  ", true},
	{"Bearer pl_999999999_abcdefghijklmnopqrstuvwxyz01234_" SECRET, true},
	{"", false},
	{"Bearer", false},
	{"Bearer ", false},
	{"Basic pl_7_k1_" SECRET, false},
	{"pl_7_k1_" SECRET, false},
	{"Bearer PL_7_k1_" SECRET, false},
	{"Bearer pl_0_k1_" SECRET, false},
	{"Bearer pl_-1_k1_" SECRET, false},
	{"Bearer pl_7x_k1_" SECRET, false},
	{"Bearer pl_1234567890_k1_" SECRET, false},
	{"Bearer pl__k1_" SECRET, false},
	{"Bearer pl_7__" SECRET, false},
	{"Bearer pl_7_k-1_" SECRET, false},
	{"Bearer pl_7_abcdefghijklmnopqrstuvwxyz012345_" SECRET, false},
	{"Bearer pl_7_k1_" SECRET "A", false},
	{"Bearer pl_7_k1_AAAA", false},
	{"Bearer pl_7_k1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+", false},
	{"Bearer pl_7_k1", false},
};

START_TEST(headers)
{
	ck_assert_msg(auth_is_sound(bearer(header_cases[_i].header)) == header_cases[_i].sound, "\"%s\" was %s",
		      header_cases[_i].header, header_cases[_i].sound ? "refused" : "taken");
}
END_TEST

START_TEST(absent_header)
{
	ck_assert(!auth_is_sound((struct credential){0}));
}
END_TEST

START_TEST(key_parts)
{
	struct auth_key key;

	ck_assert(auth_parse(bearer(HEADER), &key));
	ck_assert_int_eq(key.org_id, 7);
	ck_assert_str_eq(key.key_id, "k1");
	ck_assert(text_equal(key.secret, TEXT(SECRET)));
}
END_TEST

/* SHA-256 of "abc", FIPS 180-2 appendix B.1. */
START_TEST(digest)
{
	unsigned char bytes[AUTH_DIGEST_BYTES];
	char hex[2 * AUTH_DIGEST_BYTES + 1];

	auth_digest(TEXT("abc"), bytes);
	sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
	ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

START_TEST(made_keys)
{
	char key_id[2][AUTH_KEY_ID_MAX + 1], key[2][AUTH_KEY_MAX], header[AUTH_KEY_MAX + 8];
	unsigned char made[AUTH_DIGEST_BYTES], computed[AUTH_DIGEST_BYTES];
	struct auth_key parts;

	ck_assert(auth_key_make(999999999, key_id[0], key[0], made));
	ck_assert(auth_key_make(1, key_id[1], key[1], made));
	ck_assert_str_ne(key_id[0], key_id[1]);
	ck_assert_int_eq(strncmp(key[1], "pl_1_", 5), 0);
	snprintf(header, sizeof header, "Bearer %s", key[1]);
	ck_assert(auth_parse(bearer(header), &parts));
	ck_assert_str_eq(parts.key_id, key_id[1]);
	auth_digest(parts.secret, computed);
	ck_assert_mem_eq(computed, made, sizeof made);
	snprintf(header, sizeof header, "Bearer %s", key[0]);
	ck_assert(auth_is_sound(bearer(header)));
}
END_TEST

static const struct {
	const char *cookies, *token; /* token NULL: none */
	bool sound;
} cookie_cases[] = {
	{AUTH_COOKIE "=" TOKEN, TOKEN, true},
	{"a=b; " AUTH_COOKIE "=" TOKEN "; c=d", TOKEN, true},
	{"a=b;" AUTH_COOKIE "=" TOKEN " ;c=d", TOKEN, true},
	{AUTH_COOKIE "=" TOKEN "; " AUTH_COOKIE "=other", TOKEN, true},
	{AUTH_COOKIE "=other; " AUTH_COOKIE "=" TOKEN, "other", false},
	{AUTH_COOKIE "=", "", false},
	{AUTH_COOKIE "=pl_7_k1_" SECRET, "pl_7_k1_" SECRET, false},
	{AUTH_COOKIE "=Bearer " TOKEN, "Bearer " TOKEN, false},
	{AUTH_COOKIE "=" TOKEN "A", TOKEN "A", false},
	{"x" AUTH_COOKIE "=" TOKEN, NULL, false},
	{AUTH_COOKIE "x=" TOKEN, NULL, false},
	{AUTH_COOKIE, NULL, false},
	{"", NULL, false},
	{";;; ;", NULL, false},
};

START_TEST(cookies)
{
	struct text token = auth_cookie_token(text_of(cookie_cases[_i].cookies));

	ck_assert_int_eq(token.data == NULL, cookie_cases[_i].token == NULL);
	ck_assert(token.data == NULL || text_equal_string(token, cookie_cases[_i].token));
	ck_assert_int_eq(auth_is_sound((struct credential){.text = token, .is_session = true}), cookie_cases[_i].sound);
}
END_TEST

START_TEST(session_is_no_key)
{
	ck_assert(auth_is_sound(session(TOKEN)));
	ck_assert(!auth_is_sound(bearer("Bearer " TOKEN)));
	ck_assert(!auth_is_sound(bearer(TOKEN)));
	ck_assert(!auth_is_sound(session("pl_7_k1_" SECRET)));
}
END_TEST

START_TEST(made_sessions)
{
	char session_id[AUTH_KEY_ID_MAX + 1], token[AUTH_KEY_MAX];
	unsigned char made[AUTH_DIGEST_BYTES], computed[AUTH_DIGEST_BYTES];
	struct auth_key parts;

	ck_assert(auth_session_make(12, session_id, token, made));
	ck_assert(auth_parse(session(token), &parts));
	ck_assert_int_eq(parts.org_id, 12);
	ck_assert_str_eq(parts.key_id, session_id);
	auth_digest(parts.secret, computed);
	ck_assert_mem_eq(computed, made, sizeof made);
}
END_TEST

/* ── asking the database, and not ─────────────────────────────────────────────────────────────── */

static int64_t now_s;
static char stored_digest[2 * AUTH_DIGEST_BYTES + 1];
static const char *revoked;
static char expires[24];
static bool known;
static const char *scopes;

static int64_t fake_now_ns(void)
{
	return now_s * INT64_C(1000000000);
}

static void script(const struct fake_question *question, struct fake_answer *answer)
{
	bool of_session = strcmp(question->statement, "auth_session") == 0;

	if (question->preparing || (!of_session && strcmp(question->statement, "auth_key") != 0))
		return;
	ck_assert_str_eq(question->values[0], "7");
	ck_assert_str_eq(question->values[1], of_session ? "s1" : "k1");
	*answer = (struct fake_answer){.kind = FAKE_ROWS, .columns = of_session ? 9 : 8, .rows = known};
	answer->cells[8] = of_session ? "k1" : NULL;
	answer->cells[0] = stored_digest;
	answer->cells[1] = scopes;
	answer->cells[2] = "team";
	answer->cells[5] = "t1";
	answer->cells[6] = revoked;
	answer->cells[7] = expires[0] != '\0' ? expires : NULL;
}

static struct auth *auth;
static struct db *db;

static void set_up(void)
{
	unsigned char bytes[AUTH_DIGEST_BYTES];

	now_s = 1000;
	known = true;
	revoked = "f";
	expires[0] = '\0';
	scopes = "read ingest nonsense";
	auth_digest(TEXT(SECRET), bytes);
	sodium_bin2hex(stored_digest, sizeof stored_digest, bytes, sizeof bytes);
	fake_pq_reset(script);
	auth = auth_new(3, fake_now_ns);
	db = db_open("postgresql://nowhere", true, 1);
}

static void tear_down(void)
{
	auth_free(auth);
	auth_free(NULL);
	db_close(db);
}

static enum err resolve(struct principal *who)
{
	*who = (struct principal){0};
	return auth_resolve(auth, db, bearer(HEADER), who);
}

START_TEST(good_key)
{
	struct principal who;

	ck_assert_int_eq(auth_cached(auth, bearer(HEADER), &who), ERR_NOT_FOUND);
	ck_assert_int_eq(resolve(&who), ERR_OK);
	ck_assert_int_eq(who.org_id, 7);
	ck_assert_str_eq(who.key_id, "k1");
	ck_assert_uint_eq(who.scopes, SCOPE_READ | SCOPE_INGEST);
	ck_assert_int_eq(who.read_scope, READ_TEAM);
	ck_assert_str_eq(who.source, "api");
	ck_assert_str_eq(who.rep_id, "");
	ck_assert_str_eq(who.team_id, "t1");
}
END_TEST

START_TEST(remembered_for_seconds)
{
	struct principal who;

	ck_assert_int_eq(resolve(&who), ERR_OK);
	now_s += AUTH_CACHE_S - 1;
	ck_assert_int_eq(auth_cached(auth, bearer(HEADER), &who), ERR_OK);
	ck_assert_str_eq(who.team_id, "t1");
	ck_assert_int_eq(resolve(&who), ERR_OK);
	ck_assert_int_eq(fake_pq_asked("auth_key"), 1);
	now_s += 1;
	ck_assert_int_eq(auth_cached(auth, bearer(HEADER), &who), ERR_NOT_FOUND);
	revoked = "t";
	ck_assert_int_eq(resolve(&who), ERR_UNAUTHORIZED);
	ck_assert_int_eq(who.org_id, 0);
}
END_TEST

START_TEST(wrong_secret)
{
	struct principal who = {0};
	struct credential wrong = bearer("Bearer pl_7_k1_BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");

	ck_assert_int_eq(resolve(&who), ERR_OK);
	who = (struct principal){0};
	ck_assert_msg(auth_cached(auth, wrong, &who) == ERR_NOT_FOUND, "the cache let a wrong secret in");
	ck_assert_int_eq(auth_resolve(auth, db, wrong, &who), ERR_UNAUTHORIZED);
	ck_assert_int_eq(auth_resolve(auth, db, wrong, &who), ERR_UNAUTHORIZED);
	ck_assert_msg(fake_pq_asked("auth_key") == 3, "a refusal was remembered");
	ck_assert_int_eq(who.org_id, 0);
}
END_TEST

START_TEST(unknown_malformed_expired)
{
	struct principal who;

	known = false;
	ck_assert_int_eq(resolve(&who), ERR_UNAUTHORIZED);
	ck_assert_int_eq(auth_resolve(auth, db, bearer("Bearer x"), &who), ERR_UNAUTHORIZED);
	ck_assert_msg(fake_pq_asked("auth_key") == 1, "the database was asked about a malformed key");
	known = true;
	snprintf(expires, sizeof expires, "%lld", (long long)clock_unix_s());
	ck_assert_int_eq(resolve(&who), ERR_KEY_EXPIRED);
	snprintf(expires, sizeof expires, "%lld", (long long)clock_unix_s() + 100);
	ck_assert_int_eq(resolve(&who), ERR_OK);
}
END_TEST

START_TEST(database_away)
{
	struct principal who;

	fake_pq_refuse(true);
	ck_assert_int_eq(resolve(&who), ERR_DATABASE_UNAVAILABLE);
}
END_TEST

START_TEST(last_use_is_noted_once_a_minute)
{
	struct principal who;

	for (int i = 0; i < 12; i++, now_s += 5) {
		ck_assert_int_eq(resolve(&who), ERR_OK);
		auth_note_use(auth, db);
	}
	ck_assert_int_eq(fake_pq_asked("auth_used"), 1);
	ck_assert_int_eq(resolve(&who), ERR_OK);
	auth_note_use(auth, db);
	auth_note_use(auth, db);
	ck_assert_int_eq(fake_pq_asked("auth_used"), 2);
}
END_TEST

START_TEST(reads_are_limited)
{
	struct reply reply = {0};
	struct principal who;

	ck_assert_int_eq(resolve(&who), ERR_OK);
	ck_assert_int_eq(auth_count_read(auth, &who, &reply), ERR_OK);
	ck_assert_str_eq(reply.headers.data, "RateLimit-Policy: \"reads\";q=3;w=60\r\nRateLimit: \"reads\";r=2;t=60\r\n");
	now_s += 30;
	ck_assert_int_eq(auth_count_read(auth, &who, &reply), ERR_OK);
	ck_assert_int_eq(auth_count_read(auth, &who, &reply), ERR_OK);
	buffer_clear(&reply.headers);
	ck_assert_int_eq(auth_count_read(auth, &who, &reply), ERR_RATE_LIMITED);
	ck_assert_str_eq(reply.headers.data,
			 "RateLimit-Policy: \"reads\";q=3;w=60\r\nRateLimit: \"reads\";r=0;t=30\r\nRetry-After: 30\r\n");
	now_s += 30;
	ck_assert_int_eq(auth_count_read(auth, &who, &reply), ERR_OK);
	reply_free(&reply);
}
END_TEST

START_TEST(good_session)
{
	struct principal who = {0};

	ck_assert_int_eq(auth_cached(auth, session(TOKEN), &who), ERR_NOT_FOUND);
	ck_assert_int_eq(auth_resolve(auth, db, session(TOKEN), &who), ERR_OK);
	ck_assert_int_eq(who.org_id, 7);
	ck_assert_str_eq(who.key_id, "k1");
	ck_assert_str_eq(who.session_id, "s1");
	ck_assert_str_eq(who.team_id, "t1");
	who = (struct principal){0};
	ck_assert_int_eq(auth_cached(auth, session(TOKEN), &who), ERR_OK);
	ck_assert_str_eq(who.session_id, "s1");
	ck_assert_msg(auth_cached(auth, bearer(HEADER), &who) == ERR_NOT_FOUND, "a session let its key in, whose digest nobody has seen");
	ck_assert_int_eq(auth_resolve(auth, db, session("ps_7_s1_BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"), &who), ERR_UNAUTHORIZED);
	now_s += AUTH_CACHE_S;
	revoked = "t";
	ck_assert_int_eq(auth_resolve(auth, db, session(TOKEN), &who), ERR_UNAUTHORIZED);
}
END_TEST

START_TEST(session_prolongs_nothing_of_its_key)
{
	struct principal who = {0};

	ck_assert_int_eq(resolve(&who), ERR_OK);
	now_s += AUTH_CACHE_S - 1;
	ck_assert_int_eq(auth_resolve(auth, db, session(TOKEN), &who), ERR_OK);
	now_s += 1;
	ck_assert_int_eq(auth_cached(auth, bearer(HEADER), &who), ERR_NOT_FOUND);
	ck_assert_int_eq(auth_cached(auth, session(TOKEN), &who), ERR_OK);
}
END_TEST

START_TEST(forgotten_session)
{
	struct principal who = {0};

	auth_forget_session(auth, 7, "s1");
	ck_assert_int_eq(resolve(&who), ERR_OK);
	ck_assert_int_eq(auth_resolve(auth, db, session(TOKEN), &who), ERR_OK);
	auth_forget_session(auth, 8, "s1");
	auth_forget_session(auth, 7, "k1");
	ck_assert_int_eq(auth_cached(auth, session(TOKEN), &who), ERR_OK);
	auth_forget_session(auth, 7, "s1");
	ck_assert_int_eq(auth_cached(auth, session(TOKEN), &who), ERR_NOT_FOUND);
	ck_assert_int_eq(auth_cached(auth, bearer(HEADER), &who), ERR_OK);
}
END_TEST

START_TEST(session_counts_for_its_key)
{
	struct reply reply = {0};
	struct principal who = {0};

	ck_assert_int_eq(auth_resolve(auth, db, session(TOKEN), &who), ERR_OK);
	ck_assert_int_eq(auth_count_read(auth, &who, &reply), ERR_OK);
	ck_assert_int_eq(auth_count_read(auth, &who, &reply), ERR_OK);
	ck_assert_int_eq(resolve(&who), ERR_OK);
	ck_assert_int_eq(auth_count_read(auth, &who, &reply), ERR_OK);
	ck_assert_int_eq(auth_count_read(auth, &who, &reply), ERR_RATE_LIMITED);
	auth_note_use(auth, db);
	ck_assert_int_eq(fake_pq_asked("auth_used"), 1);
	reply_free(&reply);
}
END_TEST

Suite *suite_auth(void);
Suite *suite_auth(void)
{
	Suite *suite = suite_create("auth");
	TCase *text = tcase_create("text"), *asking = tcase_create("asking");

	tcase_add_loop_test(text, headers, 0, sizeof header_cases / sizeof *header_cases);
	tcase_add_test(text, absent_header);
	tcase_add_test(text, key_parts);
	tcase_add_test(text, digest);
	tcase_add_test(text, made_keys);
	tcase_add_loop_test(text, cookies, 0, sizeof cookie_cases / sizeof *cookie_cases);
	tcase_add_test(text, session_is_no_key);
	tcase_add_test(text, made_sessions);
	tcase_add_checked_fixture(asking, set_up, tear_down);
	tcase_add_test(asking, good_key);
	tcase_add_test(asking, remembered_for_seconds);
	tcase_add_test(asking, wrong_secret);
	tcase_add_test(asking, unknown_malformed_expired);
	tcase_add_test(asking, database_away);
	tcase_add_test(asking, last_use_is_noted_once_a_minute);
	tcase_add_test(asking, reads_are_limited);
	tcase_add_test(asking, good_session);
	tcase_add_test(asking, session_prolongs_nothing_of_its_key);
	tcase_add_test(asking, forgotten_session);
	tcase_add_test(asking, session_counts_for_its_key);
	suite_add_tcase(suite, text);
	suite_add_tcase(suite, asking);
	return suite;
}
