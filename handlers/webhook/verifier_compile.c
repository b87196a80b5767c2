#include <string.h>

#include "scalar.h"
#include "verifier.h"

enum { TOLERANCE_S = 300 };

static const char *const types[] = {"hmac", "digest", "ed25519", "basic", "token", NULL};
static const char *const digests[] = {"sha256", "sha512", NULL};
static const char *const encodings[] = {"utf8", "hex", "base64", NULL};
static const char *const signature_encodings[] = {"hex", "base64", NULL};
static const char *const units[] = {"s", "ms", NULL};
static const char *const url_forms[] = {"as_sent", "hubspot", NULL};

#define TYPE {.name = "type", .type = FIELD_WORD, .words = types, .required = true, .summary = "hmac, digest, ed25519, basic or token"}
#define NAME(field) {.name = (field), .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 100}
#define WORD(field, list) {.name = (field), .type = FIELD_WORD, .words = (list), .no_null = true}

static const struct field signature_fields[] = {
	{.name = "header", .type = FIELD_STRING, .required = true, .bounded = true, .min = 1, .max = 100, .summary = "header of the signature"},
	{.name = "encoding", .type = FIELD_WORD, .words = signature_encodings, .required = true, .summary = "hex or base64"},
	NAME("prefix"),
	{.name = "separator", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 1},
	{.name = "behind", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 1},
	WORD("inner", signature_encodings),
};
static const struct shape signature_shape = SHAPE("signature", signature_fields);
static const struct field timestamp_fields[] = {
	{.name = "header", .type = FIELD_STRING, .required = true, .bounded = true, .min = 1, .max = 100, .summary = "header of the time"},
	NAME("prefix"),
	{.name = "separator", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 1},
	{.name = "unit", .type = FIELD_WORD, .words = units, .required = true, .summary = "s or ms"},
	{.name = "tolerance_s", .type = FIELD_INTEGER, .no_null = true, .bounded = true, .min = 1, .max = 86400},
};
static const struct shape timestamp_shape = SHAPE("timestamp", timestamp_fields);
static const struct field id_fields[] = {
	{.name = "header", .type = FIELD_STRING, .required = true, .bounded = true, .min = 1, .max = 100, .summary = "header of the delivery's id"},
};
static const struct shape id_shape = SHAPE("id", id_fields);

static const struct field hash_fields[] = {
	TYPE,
	WORD("digest", digests),
	WORD("secret_encoding", encodings),
	NAME("secret_prefix"),
	{.name = "sign", .type = FIELD_STRING, .required = true, .bounded = true, .min = 1, .max = 200, .summary = "what is signed, such as {timestamp}.{body}"},
	{.name = "signature", .type = FIELD_OBJECT, .inner = &signature_shape, .required = true, .summary = "where the signature is"},
	{.name = "timestamp", .type = FIELD_OBJECT, .inner = &timestamp_shape, .no_null = true},
	{.name = "id", .type = FIELD_OBJECT, .inner = &id_shape, .no_null = true},
	WORD("url", url_forms),
};
static const struct shape hash_shape = SHAPE("verifier", hash_fields);
static const struct field basic_fields[] = {TYPE, NAME("user")};
static const struct shape basic_shape = SHAPE("verifier", basic_fields);
static const struct field token_fields[] = {TYPE, NAME("header"), NAME("query"), NAME("prefix")};
static const struct shape token_shape = SHAPE("verifier", token_fields);

static const struct shape *const shapes[] = {&hash_shape, &hash_shape, &hash_shape, &basic_shape, &token_shape};

/* ── parts ──────────────────────────────────────────────────────────────────────────────────────── */
static int word_of(const json_t *value, const char *name, const char *const *words)
{
	const char *word = json_string_value(json_object_get(value, name));

	for (int i = 0; word != NULL && words[i] != NULL; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return 0;
}

static char char_of(const json_t *value, const char *name)
{
	const char *text = json_string_value(json_object_get(value, name));

	return text != NULL ? text[0] : '\0';
}

static struct text lower_name(struct compiler *compiler, const json_t *value, const char *name)
{
	struct scalar scalar = scalar_string(compile_text(compiler, json_object_get(value, name)));
	struct convert_options lower = {.conversion = CONVERT_LOWER};

	return scalar_convert(compiler->arena, scalar, &lower).text;
}

static struct header_place place_of(struct compiler *compiler, const json_t *value)
{
	return (struct header_place){
		.header = lower_name(compiler, value, "header"),
		.prefix = compile_text(compiler, json_object_get(value, "prefix")),
		.separator = char_of(value, "separator"),
	};
}

/* "{method}{url}{body}{timestamp}" into steps. */
static bool compile_sign(struct compiler *compiler, struct text text, struct verifier *out)
{
	static const char *const parts[] = {"method", "url", "body", "timestamp", "id", "secret", NULL};
	struct sign_step *steps = COMPILE_TAKE(compiler, struct sign_step, text.size + 1);
	size_t before = compile_enter(compiler, "sign");
	bool sound = true;

	out->steps = steps;
	while (text.size > 0 && sound) {
		const char *open = memchr(text.data, '{', text.size), *close = memchr(text.data, '}', text.size);
		size_t plain = open != NULL ? (size_t)(open - text.data) : text.size;
		int part;

		if (plain > 0)
			steps[out->step_count++] = (struct sign_step){SIGN_LITERAL, {text.data, plain}};
		if (open == NULL)
			break;
		if (close == NULL || close < open) {
			compile_fault(compiler, "not_a_template", "a { has no } behind it");
			sound = false;
			break;
		}
		part = compile_word(compiler, (struct text){open + 1, (size_t)(close - open) - 1}, parts, "part of a delivery");
		sound = part >= 0;
		steps[out->step_count++] = (struct sign_step){(enum sign_part)(part + 1), {0}};
		text = (struct text){close + 1, text.size - (size_t)(close - text.data) - 1};
	}
	compile_leave(compiler, before);
	return sound;
}

static bool signs(const struct verifier *verifier, enum sign_part part)
{
	for (size_t i = 0; i < verifier->step_count; i++)
		if (verifier->steps[i].part == part)
			return true;
	return false;
}

/* What is signed and what is there to sign have to agree, or a check would check nothing. */
static bool agrees(struct compiler *compiler, const struct verifier *verifier)
{
	size_t before = compile_enter(compiler, "sign"), problems = compiler->problems->count;

	if (!signs(verifier, SIGN_BODY))
		compile_fault(compiler, "required", "must hold {body}: otherwise the body could be anything");
	if (signs(verifier, SIGN_TIMESTAMP) != (verifier->timestamp.header.data != NULL))
		compile_fault(compiler, "required", "{timestamp} and the header it comes from (timestamp) go together");
	if (signs(verifier, SIGN_ID) != (verifier->id.header.data != NULL))
		compile_fault(compiler, "required", "{id} and the header it comes from (id) go together");
	if (signs(verifier, SIGN_SECRET) != (verifier->type == VERIFIER_DIGEST))
		compile_fault(compiler, "required", "{secret} is part of what a digest is taken of, and only of that");
	compile_leave(compiler, before);
	return compiler->problems->count == problems;
}

static bool compile_hash(struct compiler *compiler, const json_t *value, struct verifier *out)
{
	const json_t *signature = json_object_get(value, "signature"), *timestamp = json_object_get(value, "timestamp");
	const json_t *tolerance = json_object_get(timestamp, "tolerance_s");

	out->digest = (enum verifier_digest)word_of(value, "digest", digests);
	out->secret_encoding = (enum verifier_encoding)word_of(value, "secret_encoding", encodings);
	out->secret_prefix = compile_text(compiler, json_object_get(value, "secret_prefix"));
	out->signature = place_of(compiler, signature);
	out->signature_encoding = word_of(signature, "encoding", signature_encodings) == 0 ? ENCODING_HEX : ENCODING_BASE64;
	out->behind = char_of(signature, "behind");
	out->inner_hex = json_object_get(signature, "inner") != NULL && word_of(signature, "inner", signature_encodings) == 0;
	out->timestamp = place_of(compiler, timestamp);
	out->id = place_of(compiler, json_object_get(value, "id"));
	out->in_seconds = word_of(timestamp, "unit", units) == 0;
	out->tolerance_ms = (tolerance != NULL ? json_integer_value(tolerance) : TOLERANCE_S) * 1000;
	out->hubspot_urls = word_of(value, "url", url_forms) == 1;
	return compile_sign(compiler, compile_text(compiler, json_object_get(value, "sign")), out) && agrees(compiler, out);
}

static bool compile_token(struct compiler *compiler, const json_t *value, struct verifier *out)
{
	out->signature = place_of(compiler, value);
	out->query = compile_text(compiler, json_object_get(value, "query"));
	if ((out->signature.header.data != NULL) != (out->query.data != NULL))
		return true;
	compile_fault(compiler, "required", "a token is in a header or in a query parameter: one of header and query");
	return false;
}

static bool compile_verifier(struct compiler *compiler, const json_t *value, struct verifier *out)
{
	static const struct field any_fields[] = {TYPE};
	static const struct shape any_shape = SHAPE("verifier", any_fields);
	const char *word = json_string_value(json_object_get(value, "type"));
	int type;

	if (word == NULL)
		return compile_check(compiler, &any_shape, value) && false;
	type = compile_word(compiler, text_of(word), types, "verifier");
	if (type < 0 || !compile_check(compiler, shapes[type], value))
		return false;
	*out = (struct verifier){.type = (enum verifier_type)type};
	switch (out->type) {
	case VERIFIER_HMAC:
	case VERIFIER_DIGEST:
	case VERIFIER_ED25519:
		return compile_hash(compiler, value, out);
	case VERIFIER_BASIC:
		out->user = compile_text(compiler, json_object_get(value, "user"));
		return true;
	case VERIFIER_TOKEN:
		return compile_token(compiler, value, out);
	}
	return false;
}

bool verifiers_compile(struct compiler *compiler, const json_t *value, struct verifiers *out)
{
	size_t size = json_array_size(value);
	struct verifier *list = COMPILE_TAKE(compiler, struct verifier, size + 1);
	bool sound = true;

	if (!json_is_array(value) || size == 0 || size > 20) {
		compile_fault(compiler, "wrong_type", "must be a list of 1 to 20 verifiers: without one, anybody could write");
		return false;
	}
	for (size_t i = 0; i < size; i++) {
		size_t before = compile_enter_element(compiler, i);

		sound = compile_verifier(compiler, json_array_get(value, i), &list[i]) && sound;
		compile_leave(compiler, before);
	}
	*out = (struct verifiers){list, size};
	return sound;
}
