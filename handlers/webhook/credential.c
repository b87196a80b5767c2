/* Credentials: user and password, or a token. Compared as bytes and in constant time. */
#include <sodium.h>
#include <strings.h>

#include "verify.h"

/* Equal, in a time that tells neither where they differ nor how long the secret is: digests of one random key are compared. */
static bool same(struct text one, struct text other)
{
	unsigned char key[crypto_generichash_KEYBYTES], first[32], second[32];

	randombytes_buf(key, sizeof key);
	crypto_generichash(first, sizeof first, (const unsigned char *)one.data, one.size, key, sizeof key);
	crypto_generichash(second, sizeof second, (const unsigned char *)other.data, other.size, key, sizeof key);
	return sodium_memcmp(first, second, sizeof first) == 0;
}

static bool is_any_secret(const struct source_secret *secrets, size_t count, struct text user, struct text given, int64_t now_ms)
{
	bool right = false;

	for (size_t i = 0; i < count; i++) {
		struct buffer expected = {0};

		if (!secret_in_force(&secrets[i], now_ms))
			continue;
		if (user.data != NULL) {
			buffer_append_text(&expected, user);
			buffer_append_string(&expected, ":");
		}
		buffer_append_text(&expected, secrets[i].value);
		right = same(buffer_text(&expected), given) || right;
		sodium_memzero(expected.data, expected.size);
		buffer_free(&expected);
	}
	return right;
}

enum verdict verify_basic(const struct verifier *verifier, const struct source_secret *secrets, size_t count,
				 const struct delivery *delivery)
{
	struct text header;
	struct bytes given;
	enum verdict verdict = verify_read_header(delivery, TEXT("authorization"), &header);

	if (verdict != VERIFIED)
		return verdict;
	if (header.size < 6 || strncasecmp(header.data, "basic ", 6) != 0)
		return VERIFY_MISSING;
	header = (struct text){header.data + 6, header.size - 6};
	if (header.size > KEY_MAX || !verify_decode(header, ENCODING_BASE64, &given))
		return VERIFY_MALFORMED;
	return is_any_secret(secrets, count, verifier->user, (struct text){(const char *)given.data, given.size}, delivery->now_ms) ? VERIFIED
																      : VERIFY_WRONG;
}

enum verdict verify_token(const struct verifier *verifier, const struct source_secret *secrets, size_t count,
				 const struct delivery *delivery)
{
	struct text value;
	enum verdict verdict = VERIFIED;

	if (verifier->query.data == NULL) {
		verdict = verify_read_place(delivery, &verifier->signature, &value);
	} else {
		value = delivery->query(delivery->context, verifier->query.data, 0);
		if (value.size == 0)
			verdict = VERIFY_MISSING;
		else if (delivery->query(delivery->context, verifier->query.data, 1).data != NULL)
			verdict = VERIFY_AMBIGUOUS;
	}
	if (verdict != VERIFIED)
		return verdict;
	return is_any_secret(secrets, count, (struct text){0}, value, delivery->now_ms) ? VERIFIED : VERIFY_WRONG;
}
