/* Secrets at rest. The proof that a delivery is its source's needs the secret itself, so it cannot be stored as a hash; with a key from
 * the settings it is sealed (XChaCha20-Poly1305, bound to its organisation and source), so that a copy of the database does not give
 * it away. */
#ifndef PLUMBLINE_SEAL_H
#define PLUMBLINE_SEAL_H

#include <stdbool.h>

#include "text.h"

/* key: settings->secret_key; "" stores the secret as it is. Appends what is to be stored to kept. */
void secret_seal(const char *key, int org_id, const char *source, struct text secret, struct buffer *kept);

/* Undoes it; appends the secret. False when it was sealed with another key, for another source, or was changed. */
bool secret_open(const char *key, int org_id, const char *source, struct text kept, struct buffer *secret);

#endif
