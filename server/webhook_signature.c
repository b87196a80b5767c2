#include "webhook_signature.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "whsec_"

enum { PREFIX_SIZE = sizeof PREFIX - 1, MADE_BYTES = 32, KEY_MIN = 24, KEY_MAX = 64 };

static bool decode(struct text secret, unsigned char key[KEY_MAX], size_t *size)
{
	return secret.size > PREFIX_SIZE && memcmp(secret.data, PREFIX, PREFIX_SIZE) == 0 &&
	       sodium_base642bin(key, KEY_MAX, secret.data + PREFIX_SIZE, secret.size - PREFIX_SIZE, NULL, size, NULL,
				 sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       *size >= KEY_MIN;
}

void webhook_secret_make(struct buffer *secret)
{
	unsigned char bytes[MADE_BYTES];
	char text[sodium_base64_ENCODED_LEN(MADE_BYTES, sodium_base64_VARIANT_ORIGINAL)];

	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2base64(text, sizeof text, bytes, sizeof bytes, sodium_base64_VARIANT_ORIGINAL);
	buffer_append_string(secret, PREFIX);
	buffer_append_string(secret, text);
	sodium_memzero(bytes, sizeof bytes);
	sodium_memzero(text, sizeof text);
}

bool webhook_secret_is_one(struct text secret)
{
	unsigned char key[KEY_MAX];
	size_t size;
	bool is_one = decode(secret, key, &size);

	sodium_memzero(key, sizeof key);
	return is_one;
}

bool webhook_sign(struct text secret, struct text id, int64_t timestamp_s, struct text body, struct buffer *signatures)
{
	unsigned char key[KEY_MAX], mac[crypto_auth_hmacsha256_BYTES];
	char text[sodium_base64_ENCODED_LEN(sizeof mac, sodium_base64_VARIANT_ORIGINAL)], timestamp[32];
	crypto_auth_hmacsha256_state state;
	size_t size;
	int length = snprintf(timestamp, sizeof timestamp, ".%lld.", (long long)timestamp_s);

	if (!decode(secret, key, &size))
		return false;
	crypto_auth_hmacsha256_init(&state, key, size);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)id.data, id.size);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)timestamp, (unsigned long long)length);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)body.data, body.size);
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_memzero(key, sizeof key);
	sodium_memzero(&state, sizeof state);
	sodium_bin2base64(text, sizeof text, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
	buffer_append_string(signatures, signatures->size > 0 ? " v1," : "v1,");
	buffer_append_string(signatures, text);
	return true;
}
