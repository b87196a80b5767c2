/* What signatures and credentials share. */
#ifndef PLUMBLINE_WEBHOOK_VERIFY_H
#define PLUMBLINE_WEBHOOK_VERIFY_H

#include "verifier.h"

enum { KEY_MAX = 1024 };

/* Decoded bytes. */
struct bytes {
	unsigned char data[KEY_MAX];
	size_t size;
};

/* False when the text is not of the encoding, empty or too long. */
bool verify_decode(struct text text, enum verifier_encoding encoding, struct bytes *out);

/* The one value of a header; sent twice it has to be the same. */
enum verdict verify_read_header(const struct delivery *delivery, struct text name, struct text *out);
/* The first value at a place. */
enum verdict verify_read_place(const struct delivery *delivery, const struct header_place *place, struct text *out);

bool secret_in_force(const struct source_secret *secret, int64_t now_ms);

enum verdict verify_basic(const struct verifier *verifier, const struct source_secret *secrets, size_t count, const struct delivery *delivery);
enum verdict verify_token(const struct verifier *verifier, const struct source_secret *secrets, size_t count, const struct delivery *delivery);

#endif
