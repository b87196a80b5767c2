/* Judging a delivery. Secrets and signatures are compared as bytes and in constant time, and never shown. */
#include <sodium.h>
#include <string.h>

#include "verify.h"

enum { SIGNATURE_MAX = 128, DIGEST_MAX = 64, VALUES_MAX = 16, HEADER_MAX = 8192 };

bool verify_decode(struct text text, enum verifier_encoding encoding, struct bytes *out)
{
	const int variants[] = {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING, sodium_base64_VARIANT_URLSAFE,
				sodium_base64_VARIANT_URLSAFE_NO_PADDING};

	if (text.size == 0)
		return false;
	if (encoding == ENCODING_UTF8) {
		if (text.size > sizeof out->data)
			return false;
		memcpy(out->data, text.data, text.size);
		out->size = text.size;
		return true;
	}
	if (encoding == ENCODING_HEX)
		return sodium_hex2bin(out->data, sizeof out->data, text.data, text.size, NULL, &out->size, NULL) == 0 && out->size * 2 == text.size;
	for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
		if (sodium_base642bin(out->data, sizeof out->data, text.data, text.size, NULL, &out->size, NULL, variants[i]) == 0)
			return true;
	return false;
}

/* ── headers ────────────────────────────────────────────────────────────────────────────────────── */
static bool starts_with(struct text text, struct text prefix)
{
	return text.size >= prefix.size && (prefix.size == 0 || memcmp(text.data, prefix.data, prefix.size) == 0);
}

enum verdict verify_read_header(const struct delivery *delivery, struct text name, struct text *out)
{
	struct text value = delivery->header(delivery->context, name.data, 0);

	if (value.size == 0)
		return VERIFY_MISSING;
	for (size_t nth = 1; nth < VALUES_MAX; nth++) {
		struct text other = delivery->header(delivery->context, name.data, nth);

		if (other.data == NULL) {
			*out = value;
			return value.size <= HEADER_MAX ? VERIFIED : VERIFY_MALFORMED;
		}
		if (!text_equal(other, value))
			return VERIFY_AMBIGUOUS;
	}
	return VERIFY_AMBIGUOUS;
}

/* Takes the next of the values between separators. */
static bool next_value(const struct header_place *place, struct text *rest, struct text *value)
{
	const char *found;

	while (rest->data != NULL) {
		found = place->separator != '\0' ? memchr(rest->data, place->separator, rest->size) : NULL;
		*value = (struct text){rest->data, found != NULL ? (size_t)(found - rest->data) : rest->size};
		*rest = found != NULL ? (struct text){found + 1, rest->size - value->size - 1} : (struct text){0};
		while (place->separator != '\0' && value->size > 0 && value->data[0] == ' ')
			*value = (struct text){value->data + 1, value->size - 1};
		if (starts_with(*value, place->prefix)) {
			*value = (struct text){value->data + place->prefix.size, value->size - place->prefix.size};
			return true;
		}
	}
	return false;
}

enum verdict verify_read_place(const struct delivery *delivery, const struct header_place *place, struct text *out)
{
	struct text header;
	enum verdict verdict = verify_read_header(delivery, place->header, &header);

	if (verdict != VERIFIED)
		return verdict;
	return next_value(place, &header, out) ? VERIFIED : VERIFY_MISSING;
}

/* ── time ───────────────────────────────────────────────────────────────────────────────────────── */
/* Digits only: "NaN" is not older than five minutes in every language. */
static enum verdict check_time(const struct verifier *verifier, struct text text, int64_t now_ms)
{
	int64_t value = 0, apart;

	if (text.size == 0 || text.size > 15)
		return VERIFY_MALFORMED;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return VERIFY_MALFORMED;
		value = value * 10 + (text.data[i] - '0');
	}
	if (verifier->in_seconds)
		value *= 1000;
	apart = value > now_ms ? value - now_ms : now_ms - value;
	return apart <= verifier->tolerance_ms ? VERIFIED : VERIFY_STALE;
}

/* ── what is signed ─────────────────────────────────────────────────────────────────────────────── */
struct signing {
	const struct delivery *delivery;
	struct text url, timestamp, id, secret;
};

static struct text step_text(const struct sign_step *step, const struct signing *signing)
{
	switch (step->part) {
	case SIGN_LITERAL:
		return step->literal;
	case SIGN_METHOD:
		return signing->delivery->method;
	case SIGN_URL:
		return signing->url;
	case SIGN_BODY:
		return signing->delivery->body;
	case SIGN_TIMESTAMP:
		return signing->timestamp;
	case SIGN_ID:
		return signing->id;
	case SIGN_SECRET:
		return signing->secret;
	}
	return (struct text){0};
}

#define EACH_STEP(call) \
	for (size_t i = 0; i < verifier->step_count; i++) { \
		struct text part = step_text(&verifier->steps[i], signing); \
		if (part.size > 0) \
			call(&state, (const unsigned char *)part.data, part.size); \
	}

/* The bytes a right signature has; returns how many. */
static size_t make_hmac(const struct verifier *verifier, const struct bytes *key, const struct signing *signing, unsigned char *out)
{
	if (verifier->digest == DIGEST_SHA256) {
		crypto_auth_hmacsha256_state state;

		crypto_auth_hmacsha256_init(&state, key->data, key->size);
		EACH_STEP(crypto_auth_hmacsha256_update)
		crypto_auth_hmacsha256_final(&state, out);
		return crypto_auth_hmacsha256_BYTES;
	}
	crypto_auth_hmacsha512_state state;

	crypto_auth_hmacsha512_init(&state, key->data, key->size);
	EACH_STEP(crypto_auth_hmacsha512_update)
	crypto_auth_hmacsha512_final(&state, out);
	return crypto_auth_hmacsha512_BYTES;
}

static size_t make_digest(const struct verifier *verifier, const struct signing *signing, unsigned char *out)
{
	if (verifier->digest == DIGEST_SHA256) {
		crypto_hash_sha256_state state;

		crypto_hash_sha256_init(&state);
		EACH_STEP(crypto_hash_sha256_update)
		crypto_hash_sha256_final(&state, out);
		return crypto_hash_sha256_BYTES;
	}
	crypto_hash_sha512_state state;

	crypto_hash_sha512_init(&state);
	EACH_STEP(crypto_hash_sha512_update)
	crypto_hash_sha512_final(&state, out);
	return crypto_hash_sha512_BYTES;
}

/* The signature is over the whole message at once. */
static bool verify_ed25519(const struct verifier *verifier, const struct bytes *key, const struct signing *signing, const struct bytes *signature)
{
	struct buffer message = {0};
	bool right;

	if (key->size != crypto_sign_PUBLICKEYBYTES || signature->size != crypto_sign_BYTES)
		return false;
	for (size_t i = 0; i < verifier->step_count; i++)
		buffer_append_text(&message, step_text(&verifier->steps[i], signing));
	right = crypto_sign_verify_detached(signature->data, (const unsigned char *)buffer_text(&message).data, message.size, key->data) == 0;
	buffer_free(&message);
	return right;
}

/* Only the escapes of these are undone before HubSpot signs. */
static void decode_hubspot_url(struct text url, struct buffer *out)
{
	static const char escapes[][3] = {"3A", "2F", "3F", "40", "21", "24", "27", "28", "29", "2A", "2C", "3B"};
	static const char meanings[] = ":/?@!$'()*,;";

	for (size_t i = 0; i < url.size; i++) {
		char byte = url.data[i];

		for (size_t k = 0; byte == '%' && i + 2 < url.size && k < sizeof escapes / sizeof *escapes; k++) {
			if ((url.data[i + 1] & ~0x20) == (escapes[k][0] & ~0x20) && (url.data[i + 2] & ~0x20) == (escapes[k][1] & ~0x20)) {
				byte = meanings[k];
				i += 2;
				break;
			}
		}
		buffer_append(out, &byte, 1);
	}
}

/* ── signatures ─────────────────────────────────────────────────────────────────────────────────── */
/* The bytes of one signature as it was sent. A proxy may have made a space of the + in base64. */
static bool read_signature(const struct verifier *verifier, struct text text, struct bytes *out)
{
	char plussed[SIGNATURE_MAX * 2];

	if (text.size > sizeof plussed)
		return false;
	for (size_t i = 0; i < text.size; i++)
		plussed[i] = text.data[i] == ' ' && verifier->signature_encoding == ENCODING_BASE64 ? '+' : text.data[i];
	if (!verify_decode((struct text){plussed, text.size}, verifier->signature_encoding, out))
		return false;
	if (verifier->behind != '\0') {
		const unsigned char *found = memchr(out->data, verifier->behind, out->size);

		if (found == NULL)
			return false;
		out->size -= (size_t)(found - out->data) + 1;
		memmove(out->data, found + 1, out->size);
	}
	if (verifier->inner_hex) {
		struct bytes inner;

		if (!verify_decode((struct text){(const char *)out->data, out->size}, ENCODING_HEX, &inner))
			return false;
		*out = inner;
	}
	return out->size > 0;
}

/* The key that a secret is written as. */
static bool read_key(const struct verifier *verifier, struct text secret, struct bytes *key)
{
	if (starts_with(secret, verifier->secret_prefix))
		secret = (struct text){secret.data + verifier->secret_prefix.size, secret.size - verifier->secret_prefix.size};
	return verify_decode(secret, verifier->secret_encoding, key) && key->size > 0;
}

static bool is_right(const struct verifier *verifier, struct text secret, struct signing *signing, const struct bytes *signature)
{
	unsigned char made[DIGEST_MAX];
	struct bytes key;
	bool right = false;
	size_t size;

	signing->secret = secret;
	if (!read_key(verifier, secret, &key))
		return false;
	if (verifier->type == VERIFIER_ED25519) {
		right = verify_ed25519(verifier, &key, signing, signature);
	} else {
		size = verifier->type == VERIFIER_HMAC ? make_hmac(verifier, &key, signing, made) : make_digest(verifier, signing, made);
		right = signature->size == size && sodium_memcmp(made, signature->data, size) == 0;
		sodium_memzero(made, sizeof made);
	}
	sodium_memzero(&key, sizeof key);
	return right;
}

bool verifier_takes(const struct verifier *verifier, struct text secret)
{
	struct bytes key;
	bool taken;

	switch (verifier->type) {
	case VERIFIER_HMAC:
	case VERIFIER_DIGEST:
	case VERIFIER_ED25519:
		if (!read_key(verifier, secret, &key))
			return false;
		taken = verifier->type != VERIFIER_ED25519 || key.size == crypto_sign_PUBLICKEYBYTES;
		sodium_memzero(&key, sizeof key);
		return taken;
	case VERIFIER_BASIC:
		return verifier->user.data != NULL || memchr(secret.data, ':', secret.size) != NULL;
	case VERIFIER_TOKEN:
		break;
	}
	return secret.size > 0;
}

bool secret_in_force(const struct source_secret *secret, int64_t now_ms)
{
	return secret->value.size > 0 && (secret->not_before_ms == 0 || secret->not_before_ms <= now_ms) &&
	       (secret->not_after_ms == 0 || now_ms < secret->not_after_ms);
}

static bool any_secret_signs(const struct verifier *verifier, const struct source_secret *secrets, size_t count, struct signing *signing,
			     const struct bytes *signature)
{
	struct buffer decoded = {0};
	bool right = false;

	if (verifier->hubspot_urls)
		decode_hubspot_url(signing->delivery->url, &decoded);
	for (size_t i = 0; i < count && !right; i++) {
		if (!secret_in_force(&secrets[i], signing->delivery->now_ms))
			continue;
		signing->url = signing->delivery->url;
		right = is_right(verifier, secrets[i].value, signing, signature);
		signing->url = buffer_text(&decoded);
		right = right || (verifier->hubspot_urls && is_right(verifier, secrets[i].value, signing, signature));
	}
	buffer_free(&decoded);
	return right;
}

static enum verdict verify_signed(const struct verifier *verifier, const struct source_secret *secrets, size_t count,
				  const struct delivery *delivery)
{
	struct signing signing = {.delivery = delivery};
	struct text header, value;
	struct bytes signature;
	enum verdict verdict = verify_read_header(delivery, verifier->signature.header, &header);
	size_t tried = 0;

	if (verdict == VERIFIED && verifier->id.header.data != NULL)
		verdict = verify_read_header(delivery, verifier->id.header, &signing.id);
	if (verdict == VERIFIED && verifier->timestamp.header.data != NULL)
		verdict = verify_read_place(delivery, &verifier->timestamp, &signing.timestamp);
	if (verdict == VERIFIED && verifier->timestamp.header.data != NULL)
		verdict = check_time(verifier, signing.timestamp, delivery->now_ms);
	if (verdict != VERIFIED)
		return verdict;
	verdict = VERIFY_MISSING;
	while (next_value(&verifier->signature, &header, &value) && tried++ < VALUES_MAX) {
		if (!read_signature(verifier, value, &signature)) {
			verdict = verdict == VERIFY_MISSING ? VERIFY_MALFORMED : verdict;
			continue;
		}
		if (any_secret_signs(verifier, secrets, count, &signing, &signature))
			return VERIFIED;
		verdict = VERIFY_WRONG;
	}
	return verdict;
}

enum verdict verifier_verify(const struct verifier *verifier, const struct source_secret *secrets, size_t count,
			     const struct delivery *delivery)
{
	bool any = false;

	for (size_t i = 0; i < count; i++)
		any = any || secret_in_force(&secrets[i], delivery->now_ms);
	if (!any)
		return VERIFY_NO_SECRET;
	switch (verifier->type) {
	case VERIFIER_HMAC:
	case VERIFIER_DIGEST:
	case VERIFIER_ED25519:
		return verify_signed(verifier, secrets, count, delivery);
	case VERIFIER_BASIC:
		return verify_basic(verifier, secrets, count, delivery);
	case VERIFIER_TOKEN:
		return verify_token(verifier, secrets, count, delivery);
	}
	return VERIFY_WRONG;
}

const char *verdict_code(enum verdict verdict)
{
	static const char *const codes[] = {
	    [VERIFIED] = "verified",
	    [VERIFY_NO_SECRET] = "no_secret",
	    [VERIFY_MISSING] = "signature_missing",
	    [VERIFY_AMBIGUOUS] = "signature_ambiguous",
	    [VERIFY_MALFORMED] = "signature_malformed",
	    [VERIFY_STALE] = "signature_stale",
	    [VERIFY_WRONG] = "signature_wrong",
	};

	return codes[verdict];
}

const char *verdict_message(enum verdict verdict)
{
	static const char *const messages[] = {
	    [VERIFIED] = "The delivery is authentic.",
	    [VERIFY_NO_SECRET] = "No secret is set, or none is in force now.",
	    [VERIFY_MISSING] = "The delivery carries no signature or credential where this source has it.",
	    [VERIFY_AMBIGUOUS] = "The delivery carries the header of its signature, id or time twice, with different values.",
	    [VERIFY_MALFORMED] = "The signature is not of its encoding, or its time is not all digits.",
	    [VERIFY_STALE] = "The delivery was signed too long ago, or in the future: see the clocks of both sides.",
	    [VERIFY_WRONG] = "The signature or credential is not right.",
	};

	return messages[verdict];
}
