/* Signatures of outgoing webhooks, as Standard Webhooks defines them: HMAC-SHA256 over "id.timestamp.body". */
#ifndef PLUMBLINE_WEBHOOK_SIGNATURE_H
#define PLUMBLINE_WEBHOOK_SIGNATURE_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

/* Appends a new secret, "whsec_" and 32 random bytes in base64. */
void webhook_secret_make(struct buffer *secret);

/* True when it is "whsec_" and the base64 of 24 to 64 bytes. */
bool webhook_secret_is_one(struct text secret);

/* Appends "v1,<base64>" to the value of webhook-signature, after a space when there is a signature already. False, and nothing, when the
 * secret is none. */
bool webhook_sign(struct text secret, struct text id, int64_t timestamp_s, struct text body, struct buffer *signatures);

#endif
