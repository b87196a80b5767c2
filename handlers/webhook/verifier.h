/* How a delivery is authenticated: hmac, digest, ed25519, basic, token. Data, compiled from the document's "verify". */
#ifndef PLUMBLINE_WEBHOOK_VERIFIER_H
#define PLUMBLINE_WEBHOOK_VERIFIER_H

#include "compile.h"
#include "source.h"

enum verifier_type { VERIFIER_HMAC, VERIFIER_DIGEST, VERIFIER_ED25519, VERIFIER_BASIC, VERIFIER_TOKEN };
enum verifier_digest { DIGEST_SHA256, DIGEST_SHA512 };
enum verifier_encoding { ENCODING_UTF8, ENCODING_HEX, ENCODING_BASE64 };

enum sign_part { SIGN_LITERAL, SIGN_METHOD, SIGN_URL, SIGN_BODY, SIGN_TIMESTAMP, SIGN_ID, SIGN_SECRET };

struct sign_step {
	enum sign_part part;
	struct text literal;
};

/* A value in a header, or one of several between separators, known by what stands before it. */
struct header_place {
	struct text header; /* lower case, ends in NUL; absent: there is none */
	struct text prefix;
	char separator;     /* 0: the header is one value */
};

struct verifier {
	enum verifier_type type;
	enum verifier_digest digest;
	enum verifier_encoding secret_encoding;
	struct text secret_prefix;       /* taken off before decoding, when it stands there */
	const struct sign_step *steps;
	size_t step_count;
	struct header_place signature;
	enum verifier_encoding signature_encoding;
	char behind;                     /* 0, or: of the decoded signature only what stands behind this counts */
	bool inner_hex;                  /* and that is hexadecimal again */
	struct header_place timestamp, id;
	bool in_seconds;
	int64_t tolerance_ms;
	bool hubspot_urls;               /* also tries the address with the escapes that HubSpot undoes before signing */
	struct text user;                /* basic; absent: the secret is user:password */
	struct text query;               /* token in a query parameter; else in `signature` */
};

struct verifiers {
	const struct verifier *list;
	size_t count;
};

/* Compiles the array of verifiers. False with faults. */
bool verifiers_compile(struct compiler *compiler, const json_t *value, struct verifiers *out);

/* Whether this could be a secret of the verifier's: one that is not of its encoding proves nothing ever. */
bool verifier_takes(const struct verifier *verifier, struct text secret);

/* What one verifier says of one delivery with the secrets in force. */
enum verdict verifier_verify(const struct verifier *verifier, const struct source_secret *secrets, size_t count,
			     const struct delivery *delivery);

#endif
