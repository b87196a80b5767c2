#include "seal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define PLAIN "plain:"
#define SEALED "sealed:"

enum {
	NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
	KEY = crypto_aead_xchacha20poly1305_ietf_KEYBYTES
};

static bool read_key(const char *text, unsigned char key[KEY])
{
	return sodium_hex2bin(key, KEY, text, strlen(text), NULL, NULL, NULL) == 0;
}

/* What it is bound to. */
static int context_of(char *to, size_t size, int org_id, const char *source)
{
	return snprintf(to, size, "%d/%s", org_id, source);
}

void secret_seal(const char *key_text, int org_id, const char *source, struct text secret, struct buffer *kept)
{
	unsigned char key[KEY], *box;
	unsigned long long size = 0;
	char context[128], *encoded;
	size_t encoded_size = sodium_base64_encoded_len(NONCE + secret.size + TAG, sodium_base64_VARIANT_ORIGINAL);
	int context_size = context_of(context, sizeof context, org_id, source);

	if (key_text[0] == '\0' || !read_key(key_text, key)) {
		buffer_append_string(kept, PLAIN);
		buffer_append_text(kept, secret);
		return;
	}
	if (sodium_init() < 0)
		abort();
	box = memory_take(NONCE + secret.size + TAG);
	encoded = memory_take(encoded_size);
	randombytes_buf(box, NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(box + NONCE, &size, (const unsigned char *)secret.data, secret.size,
						   (const unsigned char *)context, (unsigned long long)context_size, NULL, box, key);
	sodium_bin2base64(encoded, encoded_size, box, NONCE + (size_t)size, sodium_base64_VARIANT_ORIGINAL);
	buffer_append_string(kept, SEALED);
	buffer_append_string(kept, encoded);
	sodium_memzero(key, sizeof key);
	free(encoded);
	free(box);
}

static bool unseal(const char *key_text, const char *context, size_t context_size, struct text encoded, struct buffer *secret)
{
	unsigned char key[KEY], *box = memory_take(encoded.size + 1), *plain = memory_take(encoded.size + 1);
	unsigned long long size = 0;
	size_t box_size = 0;
	bool opened = read_key(key_text, key) &&
		      sodium_base642bin(box, encoded.size + 1, encoded.data, encoded.size, NULL, &box_size, NULL,
					sodium_base64_VARIANT_ORIGINAL) == 0 &&
		      box_size >= NONCE + TAG &&
		      crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &size, NULL, box + NONCE, box_size - NONCE,
								 (const unsigned char *)context, context_size, box, key) == 0;

	if (opened)
		buffer_append(secret, plain, (size_t)size);
	sodium_memzero(key, sizeof key);
	sodium_memzero(plain, encoded.size + 1);
	free(plain);
	free(box);
	return opened;
}

bool secret_open(const char *key_text, int org_id, const char *source, struct text kept, struct buffer *secret)
{
	size_t plain = sizeof PLAIN - 1, sealed = sizeof SEALED - 1;
	char context[128];
	int context_size = context_of(context, sizeof context, org_id, source);

	if (kept.size >= plain && memcmp(kept.data, PLAIN, plain) == 0) {
		buffer_append(secret, kept.data + plain, kept.size - plain);
		return true;
	}
	if (kept.size < sealed || memcmp(kept.data, SEALED, sealed) != 0 || key_text[0] == '\0')
		return false;
	return unseal(key_text, context, (size_t)context_size, (struct text){kept.data + sealed, kept.size - sealed}, secret);
}
