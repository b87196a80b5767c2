/* The text of an API key: making it, taking it apart, its digest. */
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

bool auth_key_parse(struct text authorization, struct auth_key *key)
{
	struct text rest = authorization, org, id;

	if (rest.data == NULL || !take(&rest, "Bearer "))
		return false;
	while (rest.size > 0 && rest.data[0] == ' ')
		rest = (struct text){rest.data + 1, rest.size - 1};
	while (rest.size > 0 && rest.data[rest.size - 1] == ' ')
		rest.size--;
	if (rest.size < 3 || memcmp(rest.data, "pl_", 3) != 0)
		return false;
	rest = (struct text){rest.data + 3, rest.size - 3};
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

bool auth_header_is_sound(struct text authorization)
{
	struct auth_key key;

	return auth_key_parse(authorization, &key);
}

void auth_digest(struct text secret, unsigned char digest[AUTH_DIGEST_BYTES])
{
	static_assert(AUTH_DIGEST_BYTES == crypto_hash_sha256_BYTES, "the digest is a SHA-256");
	crypto_hash_sha256(digest, (const unsigned char *)secret.data, secret.size);
}

bool auth_key_make(int org_id, char key_id[AUTH_KEY_ID_MAX + 1], char key[AUTH_KEY_MAX], unsigned char digest[AUTH_DIGEST_BYTES])
{
	unsigned char id[KEY_ID_BYTES], secret[AUTH_SECRET_BYTES];
	char text[AUTH_SECRET_CHARS + 1];

	if (sodium_init() < 0)
		return false;
	randombytes_buf(id, sizeof id);
	randombytes_buf(secret, sizeof secret);
	sodium_bin2hex(key_id, KEY_ID_CHARS + 1, id, sizeof id);
	sodium_bin2base64(text, sizeof text, secret, sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	snprintf(key, AUTH_KEY_MAX, "pl_%d_%s_%s", org_id, key_id, text);
	auth_digest(text_of(text), digest);
	sodium_memzero(secret, sizeof secret);
	sodium_memzero(text, sizeof text);
	return true;
}
