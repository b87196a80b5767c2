/* The text of API keys and sessions: making it, taking it apart, its digest. */
#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth.h"

enum { KEY_ID_BYTES = 6, KEY_ID_CHARS = 2 * KEY_ID_BYTES, ORG_DIGITS_MAX = 9 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_base64url(char c)
{
	return is_word(c) || c == '-' || c == '_';
}

static bool take(struct text *rest, const char *expected)
{
	size_t size = strlen(expected);

	if (rest->size < size || strncasecmp(rest->data, expected, size) != 0)
		return false;
	*rest = (struct text){rest->data + size, rest->size - size};
	return true;
}

/* What stands before the next '_'; false when that is nothing, too long, or has other characters than it may. */
static bool take_part(struct text *rest, size_t max, bool (*allowed)(char), struct text *part)
{
	const char *end = memchr(rest->data, '_', rest->size);

	if (end == NULL || end == rest->data || (size_t)(end - rest->data) > max)
		return false;
	*part = (struct text){rest->data, (size_t)(end - rest->data)};
	for (size_t i = 0; i < part->size; i++)
		if (!allowed(part->data[i]))
			return false;
	*rest = (struct text){end + 1, rest->size - part->size - 1};
	return true;
}

static struct text trim(struct text text)
{
	while (text.size > 0 && text.data[0] == ' ')
		text = (struct text){text.data + 1, text.size - 1};
	while (text.size > 0 && text.data[text.size - 1] == ' ')
		text.size--;
	return text;
}

static bool parse_after(const char *prefix, struct text rest, struct auth_key *key)
{
	size_t size = strlen(prefix);
	struct text org, id;

	if (rest.size < size || memcmp(rest.data, prefix, size) != 0)
		return false;
	rest = (struct text){rest.data + size, rest.size - size};
	if (!take_part(&rest, ORG_DIGITS_MAX, is_digit, &org) || !take_part(&rest, AUTH_KEY_ID_MAX, is_word, &id))
		return false;
	if (rest.size != AUTH_SECRET_CHARS)
		return false;
	for (size_t i = 0; i < rest.size; i++)
		if (!is_base64url(rest.data[i]))
			return false;
	*key = (struct auth_key){.org_id = (int)strtol(org.data, NULL, 10), .secret = rest};
	memcpy(key->key_id, id.data, id.size);
	return key->org_id > 0;
}

bool auth_parse(struct credential credential, struct auth_key *key)
{
	struct text rest = credential.text;

	if (rest.data == NULL)
		return false;
	if (credential.is_session)
		return parse_after("ps_", rest, key);
	return take(&rest, "Bearer ") && parse_after("pl_", trim(rest), key);
}

bool auth_is_sound(struct credential credential)
{
	struct auth_key key;

	return auth_parse(credential, &key);
}

struct text auth_cookie_token(struct text cookies)
{
	static const char name[] = AUTH_COOKIE "=";

	while (cookies.size > 0) {
		const char *end = memchr(cookies.data, ';', cookies.size);
		struct text cookie = {cookies.data, end != NULL ? (size_t)(end - cookies.data) : cookies.size};
		size_t taken = cookie.size + (end != NULL);

		cookies = (struct text){cookies.data + taken, cookies.size - taken};
		cookie = trim(cookie);
		if (cookie.size >= sizeof name - 1 && memcmp(cookie.data, name, sizeof name - 1) == 0)
			return (struct text){cookie.data + sizeof name - 1, cookie.size - (sizeof name - 1)};
	}
	return (struct text){0};
}

void auth_digest(struct text secret, unsigned char digest[AUTH_DIGEST_BYTES])
{
	static_assert(AUTH_DIGEST_BYTES == crypto_hash_sha256_BYTES, "the digest is a SHA-256");
	crypto_hash_sha256(digest, (const unsigned char *)secret.data, secret.size);
}

static bool make(const char *prefix, int org_id, char key_id[AUTH_KEY_ID_MAX + 1], char key[AUTH_KEY_MAX],
		 unsigned char digest[AUTH_DIGEST_BYTES])
{
	unsigned char id[KEY_ID_BYTES], secret[AUTH_SECRET_BYTES];
	char text[AUTH_SECRET_CHARS + 1];

	if (sodium_init() < 0)
		return false;
	randombytes_buf(id, sizeof id);
	randombytes_buf(secret, sizeof secret);
	sodium_bin2hex(key_id, KEY_ID_CHARS + 1, id, sizeof id);
	sodium_bin2base64(text, sizeof text, secret, sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	snprintf(key, AUTH_KEY_MAX, "%s%d_%s_%s", prefix, org_id, key_id, text);
	auth_digest(text_of(text), digest);
	sodium_memzero(secret, sizeof secret);
	sodium_memzero(text, sizeof text);
	return true;
}

bool auth_key_make(int org_id, char key_id[AUTH_KEY_ID_MAX + 1], char key[AUTH_KEY_MAX], unsigned char digest[AUTH_DIGEST_BYTES])
{
	return make("pl_", org_id, key_id, key, digest);
}

bool auth_session_make(int org_id, char session_id[AUTH_KEY_ID_MAX + 1], char token[AUTH_KEY_MAX], unsigned char digest[AUTH_DIGEST_BYTES])
{
	return make("ps_", org_id, session_id, token, digest);
}
