/* Signatures and credentials: published and computed vectors, and what happens when something of them is not right. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "webhook/source.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* ── verifiers ──────────────────────────────────────────────────────────────────────────────────── */
#define DIGEST_OF(string) \
	"{\"type\":\"digest\",\"sign\":\"" string "\",\"signature\":{\"header\":\"X-HubSpot-Signature\",\"encoding\":\"hex\"}}"
#define HUBSPOT_V1 DIGEST_OF("{secret}{body}")
#define HUBSPOT_V2 DIGEST_OF("{secret}{method}{url}{body}")
#define HUBSPOT_V3 "hubspot"
#define STANDARD "standard"
#define STANDARD_V1A "standard"
#define ESPOCRM "espocrm"
#define CLOSE "close"
#define GITHUB "generic"
#define STRIPE \
	"{\"type\":\"hmac\",\"sign\":\"{timestamp}.{body}\"," \
	"\"signature\":{\"header\":\"Stripe-Signature\",\"encoding\":\"hex\",\"separator\":\",\",\"prefix\":\"v1=\"}," \
	"\"timestamp\":{\"header\":\"Stripe-Signature\",\"separator\":\",\",\"prefix\":\"t=\",\"unit\":\"s\"}}"
#define SHA512 "{\"type\":\"hmac\",\"digest\":\"sha512\",\"sign\":\"{body}\",\"signature\":{\"header\":\"X-Sig\",\"encoding\":\"hex\"}}"
#define BASIC "{\"type\":\"basic\"}"
#define BASIC_USER "{\"type\":\"basic\",\"user\":\"crm\"}"
#define TOKEN_HEADER "{\"type\":\"token\",\"header\":\"X-Api-Key\"}"
#define BEARER "{\"type\":\"token\",\"header\":\"Authorization\",\"prefix\":\"Bearer \"}"
#define TOKEN_QUERY "{\"type\":\"token\",\"query\":\"code\"}"

/* A source that has one verifier, or a preset by its name. */
static struct source *source_with(const char *verifier)
{
	struct problems problems = {0};
	struct buffer document = {0};
	struct source *source;

	if (verifier[0] == '{')
		buffer_printf(&document, "{\"verify\":[%s],\"layouts\":{\"l\":{\"object\":\"=o\",\"id\":\"/id\"}},\"objects\":{\"o\":{\"kind\":\"rep\"}}}", verifier);
	else
		buffer_append_text(&document, preset_find(text_of(verifier))->document);
	source = source_compile(buffer_text(&document), &problems);
	ck_assert_msg(source != NULL, "%s", problems.count > 0 ? problems.items[0].message : "");
	buffer_free(&document);
	return source;
}

/* ── vectors ────────────────────────────────────────────────────────────────────────────────────── */
enum { HEADERS_MAX = 4 };

struct header {
	const char *name, *value;
};

static const struct {
	const char *name, *origin, *verifier, *secret, *request, *body;
	int repeated; /* how often the body stands there */
	struct header headers[HEADERS_MAX];
	int64_t now_ms;
	enum verdict verdict;
} vectors[] = {
	{"hubspot-v1-contact-creation", "HubSpot docs; hubspot-api-nodejs, hubspot-api-php tests", HUBSPOT_V1, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "POST https://www.example.com/webhook_uri",
	 "[{\"eventId\":1,\"subscriptionId\":12345,\"portalId\":62515,\"occurredAt\":1564113600000,\"subscriptionType\":\"contact.creation\",\"attemptNumber\":0,\"objectId\":123,\"changeSource\":\"CRM\",\"changeFlag\":\"NEW\",\"appId\":54321}]", 1,
	 {{"x-hubspot-signature", "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"}, {"x-hubspot-signature-version", "v1"}}, 1700000000000, VERIFIED},
	{"hubspot-v1-single-quotes", "hubspot-api-python, -ruby tests", HUBSPOT_V1, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "POST https://www.example.com/webhook_uri",
	 "{'example_field':'example_value'}", 1,
	 {{"x-hubspot-signature", "69fc6631a867edd4f9e9e627fc5c1148e3fbdd8b21837b6d2b8901c1fa57f750"}, {"x-hubspot-signature-version", "v1"}}, 1700000000000, VERIFIED},
	{"hubspot-v2-get", "HubSpot docs; SDK tests", HUBSPOT_V2, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "GET https://www.example.com/webhook_uri",
	 "", 1,
	 {{"x-hubspot-signature", "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"}, {"x-hubspot-signature-version", "v2"}}, 1700000000000, VERIFIED},
	{"hubspot-v2-post", "HubSpot docs; HubSpot/hubspot-php issue #403", HUBSPOT_V2, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "POST https://www.example.com/webhook_uri",
	 "{\"example_field\":\"example_value\"}", 1,
	 {{"x-hubspot-signature", "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"}, {"x-hubspot-signature-version", "v2"}}, 1700000000000, VERIFIED},
	{"hubspot-v2-post-single-quotes", "hubspot-api-python, -ruby tests", HUBSPOT_V2, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "POST https://www.example.com/webhook_uri",
	 "{'example_field':'example_value'}", 1,
	 {{"x-hubspot-signature", "4fe4e3a7d3cf09db53be39d0a58130e2aaba074ec123a9e355b876a689a1c383"}, {"x-hubspot-signature-version", "v2"}}, 1700000000000, VERIFIED},
	{"hubspot-v3-python-sdk", "hubspot-api-python tests/spec/utils/test_signature.py", HUBSPOT_V3, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "POST https://www.example.com/webhook_uri",
	 "{'example_field':'example_value'}", 1,
	 {{"x-hubspot-signature-v3", "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="}, {"x-hubspot-request-timestamp", "1693657560000"}}, 1693657561000, VERIFIED},
	{"hubspot-v3-json-array", "computed with Python hmac", HUBSPOT_V3, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "POST https://www.example.com/webhook_uri",
	 "[{\"eventId\":1,\"subscriptionId\":12345,\"portalId\":62515,\"occurredAt\":1564113600000,\"subscriptionType\":\"contact.creation\",\"attemptNumber\":0,\"objectId\":123,\"changeSource\":\"CRM\",\"changeFlag\":\"NEW\",\"appId\":54321}]", 1,
	 {{"x-hubspot-signature-v3", "smW6rgegs09CsNkBMkt7S2A8yJh/NGA8hRa/1lTI9wc="}, {"x-hubspot-request-timestamp", "1700000300000"}}, 1700000301000, VERIFIED},
	{"hubspot-v3-utf8-body", "computed with Python hmac", HUBSPOT_V3, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "POST https://www.example.com/webhook_uri",
	 "[{\"eventId\":2,\"subscriptionType\":\"deal.propertyChange\",\"propertyName\":\"dealname\",\"propertyValue\":\"Vertr\303\244ge \342\202\254\",\"objectId\":5}]", 1,
	 {{"x-hubspot-signature-v3", "5Kthu6//lRQEChLuPJaOUeWVOYc1PvPAVfFdcEpMkxI="}, {"x-hubspot-request-timestamp", "1700000300000"}}, 1700000301000, VERIFIED},
	{"hubspot-v3-escaped-body", "computed with Python hmac", HUBSPOT_V3, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "POST https://www.example.com/webhook_uri",
	 "[{\"eventId\":2,\"subscriptionType\":\"deal.propertyChange\",\"propertyName\":\"dealname\",\"propertyValue\":\"Vertr\\u00e4ge \\u20ac\",\"objectId\":5}]", 1,
	 {{"x-hubspot-signature-v3", "NkxAVFIpis4AxshgGgQ7Lxk9aD48DEOBayV/61/NjdI="}, {"x-hubspot-request-timestamp", "1700000300000"}}, 1700000301000, VERIFIED},
	{"hubspot-v3-stale", "computed with Python hmac", HUBSPOT_V3, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "POST https://www.example.com/webhook_uri",
	 "[{\"eventId\":1,\"subscriptionId\":12345,\"portalId\":62515,\"occurredAt\":1564113600000,\"subscriptionType\":\"contact.creation\",\"attemptNumber\":0,\"objectId\":123,\"changeSource\":\"CRM\",\"changeFlag\":\"NEW\",\"appId\":54321}]", 1,
	 {{"x-hubspot-signature-v3", "smW6rgegs09CsNkBMkt7S2A8yJh/NGA8hRa/1lTI9wc="}, {"x-hubspot-request-timestamp", "1700000300000"}}, 1700000600001, VERIFY_STALE},
	{"stdwh-1", "standard-webhooks and svix library tests", STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "POST https://www.example.com/webhook_uri",
	 "{\"test\": 2432232314}", 1,
	 {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"}, {"webhook-timestamp", "1614265330"}, {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}, 1614265331000, VERIFIED},
	{"stdwh-2", "standard-webhooks / svix docs and tests", STANDARD, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "POST https://www.example.com/webhook_uri",
	 "{\"email\":\"test@example.com\",\"username\":\"test_user\"}", 1,
	 {{"webhook-id", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"}, {"webhook-timestamp", "1649367553"}, {"webhook-signature", "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="}}, 1649367554000, VERIFIED},
	{"stdwh-a-x-1048576", "svix csharp tests", STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "POST https://www.example.com/webhook_uri",
	 "a", 1048576,
	 {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"}, {"webhook-timestamp", "1614265330"}, {"webhook-signature", "v1,txpEUxqWZJ5nteTnymUVa+7C4NHpBeXJ6CsBAW0c3/A="}}, 1614265331000, VERIFIED},
	{"stdwh-a-x-262144", "svix csharp tests", STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "POST https://www.example.com/webhook_uri",
	 "a", 262144,
	 {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"}, {"webhook-timestamp", "1614265330"}, {"webhook-signature", "v1,Mw4Pe2WgApuT7NSqnSq0PQPV9gbLdggCl9B865x5Xh0="}}, 1614265331000, VERIFIED},
	{"stdwh-empty-signature", "computed with Python hmac", STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "POST https://www.example.com/webhook_uri",
	 "{\"test\": 2432232314}", 1,
	 {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"}, {"webhook-timestamp", "1614265330"}, {"webhook-signature", "v1,"}}, 1614265331000, VERIFY_MALFORMED},
	{"stdwh-too-old", "computed with Python hmac", STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "POST https://www.example.com/webhook_uri",
	 "{\"test\": 2432232314}", 1,
	 {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"}, {"webhook-timestamp", "1614265330"}, {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}, 1614265631000, VERIFY_STALE},
	{"stdwh-too-new", "computed with Python hmac", STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "POST https://www.example.com/webhook_uri",
	 "{\"test\": 2432232314}", 1,
	 {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"}, {"webhook-timestamp", "1614265330"}, {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}, 1614265029000, VERIFY_STALE},
	{"stdwh-ed25519", "standard-webhooks unmerged branch, commit 5fb2ce93 libraries/go/webhook_asymmetric_test.go", STANDARD_V1A, "whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g=", "POST https://www.example.com/webhook_uri",
	 "{\"test\": 2432232314}", 1,
	 {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"}, {"webhook-timestamp", "1614265330"}, {"webhook-signature", "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="}}, 1614265331000, VERIFIED},
	{"github-like", "GitHub docs, Validating webhook deliveries, \"Testing the webhook payload validation\"", GITHUB, "It's a Secret to Everybody", "POST https://www.example.com/webhook_uri",
	 "Hello, World!", 1,
	 {{"x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}}, 1700000000000, VERIFIED},
	{"stripe-like", "computed with Python hmac", STRIPE, "whsec_test_secret", "POST https://www.example.com/webhook_uri",
	 "{\"test\": 2432232314}", 1,
	 {{"stripe-signature", "t=1614265330,v1=10c96c6fd3f320fcfc264cdc4f476c15060ede8e8a08404cea2ddf3b72544a9c"}}, 1614265331000, VERIFIED},
	{"pipedrive-basic", "hookdeck/webhook-samples pipedrive", BASIC, "username:password", "POST https://www.example.com/webhook_uri",
	 "", 1,
	 {{"authorization", "Basic dXNlcm5hbWU6cGFzc3dvcmQ="}}, 1700000000000, VERIFIED},
	{"hubspot-v3-url-signed-as-sent", "computed with Python hmac", HUBSPOT_V3, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "POST https://www.example.com/hook%2Fin\077q=a%20b%3Ac",
	 "[{\"eventId\":1}]", 1,
	 {{"x-hubspot-signature-v3", "zlgYJ3wE7cDilyY4KmGNqrOF4Zlg+cJhk/slWn9occw="}, {"x-hubspot-request-timestamp", "1700000300000"}}, 1700000301000, VERIFIED},
	{"hubspot-v3-url-signed-decoded", "computed with Python hmac", HUBSPOT_V3, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "POST https://www.example.com/hook%2Fin\077q=a%20b%3Ac",
	 "[{\"eventId\":1}]", 1,
	 {{"x-hubspot-signature-v3", "wbbeT67M9DygBKdOtymG5ttjnSQdVFWh1TddF0gGzpM="}, {"x-hubspot-request-timestamp", "1700000300000"}}, 1700000301000, VERIFIED},
	{"hubspot-v3-time-is-not-a-number", "computed with Python hmac", HUBSPOT_V3, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "POST https://www.example.com/hook/in\077q=a%20b:c",
	 "[{\"eventId\":1}]", 1,
	 {{"x-hubspot-signature-v3", "74XKd+oQ/uWFIiZnZgbX3haLgZxHl5DkeWndQuSOjR8="}, {"x-hubspot-request-timestamp", "NaN"}}, 1700000301000, VERIFY_MALFORMED},
	{"espocrm", "computed with Python hmac, as EspoCRM 9 documents it", ESPOCRM, "3c5e7a", "POST https://x.example/",
	 "[{\"id\":\"64f1c0ffee\",\"stage\":\"Proposal\"}]", 1,
	 {{"signature", "NjRhYWJiOjY3NWExZjkwOTRlNGZjOWYzODE0ZmQzMmQwZjNlYTQ5ZWUwYjRlZWRlMzAzZDQxNDgyMmFkNWM2NzA5ZWRlNWI="}}, 1700000000000, VERIFIED},
	{"espocrm-before-9", "computed with Python hmac, as EspoCRM 7 and 8 document it", ESPOCRM, "3c5e7a", "POST https://x.example/",
	 "[{\"id\":\"64f1c0ffee\",\"stage\":\"Proposal\"}]", 1,
	 {{"x-signature", "NjRhYWJiOmdaH5CU5PyfOBT9MtDz6knuC07t4wPUFIIq1cZwnt5b"}}, 1700000000000, VERIFIED},
	{"close", "computed with Python hmac", CLOSE, "6aa62c3ca4bbe4a3e8b1d7b2ef1dd9b9a1c1c94e2a1d4bd2f2a0ff7b9c0d1e2f", "POST https://x.example/",
	 "{\"event\":{}}", 1,
	 {{"close-sig-hash", "b0ec481feb509380164a6a49ca675af278b0f5a5ae4a377f9373e1ae53363bdb"}, {"close-sig-timestamp", "1700000300"}}, 1700000301000, VERIFIED},
	{"close-key-taken-as-text", "computed with Python hmac", CLOSE, "6aa62c3ca4bbe4a3e8b1d7b2ef1dd9b9a1c1c94e2a1d4bd2f2a0ff7b9c0d1e2f", "POST https://x.example/",
	 "{\"event\":{}}", 1,
	 {{"close-sig-hash", "f4e8400758251f572dcf86f3cf693eb69d61c4c5f5c977e3daec34f73f877e15"}, {"close-sig-timestamp", "1700000300"}}, 1700000301000, VERIFY_WRONG},
	{"sha512", "computed with Python hmac", SHA512, "s", "POST https://x.example/",
	 "{\"event\":{}}", 1,
	 {{"x-sig", "d422af1e5ef1ea9ec5b0a6130d13f80c944b25d2d656433aa65b36e6a844b1d69edfbd4be70e3ac08d490c3716217d5d025668541523c5fa3fca06ff5baa4b25"}}, 1700000301000, VERIFIED},
	{"basic-rfc-7617", "RFC 7617, 2.1", BASIC, "test:123\302\243", "POST https://x.example/",
	 "", 1,
	 {{"authorization", "Basic dGVzdDoxMjPCow=="}}, 1700000000000, VERIFIED},
	{"stdwh-several-signatures", "standard-webhooks and svix library tests, a further signature of an unknown version before it", STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "POST https://x.example/",
	 "{\"test\": 2432232314}", 1,
	 {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"}, {"webhook-timestamp", "1614265330"}, {"webhook-signature", "v2,AAAA v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}, 1614265331000, VERIFIED},
	{"stdwh-unknown-version", "computed with Python hmac", STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "POST https://x.example/",
	 "{\"test\": 2432232314}", 1,
	 {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"}, {"webhook-timestamp", "1614265330"}, {"webhook-signature", "v3,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}, 1614265331000, VERIFY_MISSING},
};

/* What is sent, and may be changed. */
struct sent {
	char *headers[HEADERS_MAX][2];
	size_t header_count;
	const char *query;
	struct buffer url, body;
	struct delivery delivery;
};

static struct text find_header(const void *context, const char *name, size_t nth)
{
	const struct sent *sent = context;

	for (size_t i = 0; i < sent->header_count; i++)
		if (strcmp(sent->headers[i][0], name) == 0 && nth-- == 0)
			return text_of(sent->headers[i][1]);
	return (struct text){0};
}

static struct text find_query(const void *context, const char *name, size_t nth)
{
	const struct sent *sent = context;

	return strcmp(name, "code") == 0 && nth == 0 ? text_of(sent->query) : (struct text){0};
}

static void prepare(struct sent *sent, int index)
{
	const char *space = strchr(vectors[index].request, ' ');

	*sent = (struct sent){0};
	for (; sent->header_count < HEADERS_MAX && vectors[index].headers[sent->header_count].name != NULL; sent->header_count++) {
		sent->headers[sent->header_count][0] = strdup(vectors[index].headers[sent->header_count].name);
		sent->headers[sent->header_count][1] = strdup(vectors[index].headers[sent->header_count].value);
	}
	for (int i = 0; i < vectors[index].repeated; i++)
		buffer_append_string(&sent->body, vectors[index].body);
	buffer_append_string(&sent->url, space + 1);
	sent->delivery = (struct delivery){
		.method = {vectors[index].request, (size_t)(space - vectors[index].request)},
		.url = buffer_text(&sent->url),
		.body = buffer_text(&sent->body),
		.now_ms = vectors[index].now_ms,
		.header = find_header,
		.query = find_query,
		.context = sent,
	};
}

static void release(struct sent *sent)
{
	for (size_t i = 0; i < HEADERS_MAX; i++) {
		free(sent->headers[i][0]);
		free(sent->headers[i][1]);
	}
	buffer_free(&sent->url);
	buffer_free(&sent->body);
}

static enum verdict judge(const struct source *source, const char *secret, const struct sent *sent)
{
	struct source_secret secrets[] = {{.value = text_of(secret)}};

	return source_verify(source, secrets, 1, &sent->delivery);
}

START_TEST(vector)
{
	struct source *source = source_with(vectors[_i].verifier);
	struct sent sent;
	enum verdict verdict;

	prepare(&sent, _i);
	verdict = judge(source, vectors[_i].secret, &sent);
	ck_assert_msg(verdict == vectors[_i].verdict, "%s (%s): %s", vectors[_i].name, vectors[_i].origin, verdict_code(verdict));
	release(&sent);
	source_free(source);
}
END_TEST

/* Whatever is changed of a delivery that passes: it passes no more. */
START_TEST(nothing_changed_passes)
{
	struct source *source = source_with(vectors[_i].verifier);
	struct sent sent;

	prepare(&sent, _i);
	for (size_t h = 0; h < sent.header_count && vectors[_i].verdict == VERIFIED; h++) {
		char *value = sent.headers[h][1];

		/* A version that no verifier reads, signatures of other versions, and EspoCRM's id before the signature may be anything. */
		if (strstr(sent.headers[h][0], "-version") != NULL || strchr(value, ' ') != strrchr(value, ' ') || strcmp(vectors[_i].verifier, ESPOCRM) == 0)
			continue;
		for (size_t i = 0; value[i] != '\0'; i++) {
			char old = value[i];

			/* The letters of hexadecimal and of schemes may be of either case, and the last bits of base64 are padding. */
			value[i] = old == 'x' ? 'y' : 'x';
			if (strcmp(vectors[_i].verifier, BASIC) == 0 && i < 6)
				value[i] = '#';
			ck_assert_msg(judge(source, vectors[_i].secret, &sent) != VERIFIED, "%s: header %s, byte %zu", vectors[_i].name, sent.headers[h][0], i);
			value[i] = old;
		}
	}
	for (size_t i = 0; i < sent.body.size && vectors[_i].verdict == VERIFIED && strcmp(vectors[_i].verifier, BASIC) != 0; i += 1 + sent.body.size / 50) {
		sent.body.data[i] ^= 1;
		ck_assert_msg(judge(source, vectors[_i].secret, &sent) == VERIFY_WRONG, "%s: byte %zu of the body", vectors[_i].name, i);
		sent.body.data[i] ^= 1;
	}
	release(&sent);
	source_free(source);
}
END_TEST

START_TEST(nothing_missing_passes)
{
	struct source *source = source_with(vectors[_i].verifier);
	struct sent sent;

	prepare(&sent, _i);
	for (size_t h = 0; h < sent.header_count && vectors[_i].verdict == VERIFIED; h++) {
		char first = sent.headers[h][0][0];

		if (strstr(sent.headers[h][0], "-version") != NULL)
			continue;
		sent.headers[h][0][0] = '#';
		ck_assert_int_eq(judge(source, vectors[_i].secret, &sent), VERIFY_MISSING);
		sent.headers[h][0][0] = first;
	}
	ck_assert_int_eq(judge(source, "", &sent), VERIFY_NO_SECRET);
	ck_assert_int_eq(source_verify(source, NULL, 0, &sent.delivery), VERIFY_NO_SECRET);
	ck_assert_int_ne(judge(source, "another secret", &sent), VERIFIED);
	release(&sent);
	source_free(source);
}
END_TEST

/* ── secrets ────────────────────────────────────────────────────────────────────────────────────── */
static int vector_named(const char *name)
{
	for (int i = 0; i < COUNT(vectors); i++)
		if (strcmp(vectors[i].name, name) == 0)
			return i;
	ck_abort_msg("no vector %s", name);
	return -1;
}

/* Around the time of the vector, which is signed with the first of two secrets. */
static const struct {
	int64_t first_until, second_from;
	enum verdict verdict;
} rotations[] = {
	{0, 0, VERIFIED},
	{1614265331001, 1614265331000, VERIFIED},
	{1614265331000, 1614265331000, VERIFY_WRONG},
	{1614265331000, 1614265331001, VERIFY_NO_SECRET},
};

START_TEST(secrets_are_rotated)
{
	int index = vector_named("stdwh-1");
	struct source *source = source_with(STANDARD);
	struct source_secret secrets[2] = {
		{.value = TEXT("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"), .not_before_ms = rotations[_i].second_from},
		{.value = text_of(vectors[index].secret), .not_after_ms = rotations[_i].first_until},
	};
	struct sent sent;

	prepare(&sent, index);
	ck_assert_int_eq(source_verify(source, secrets, 2, &sent.delivery), rotations[_i].verdict);
	release(&sent);
	source_free(source);
}
END_TEST

/* ── credentials and odd headers ────────────────────────────────────────────────────────────────── */
static const struct {
	const char *verifier, *secret;
	struct header headers[HEADERS_MAX];
	const char *query;
	enum verdict verdict;
} credentials[] = {
	{BASIC, "username:password", {{"authorization", "basic dXNlcm5hbWU6cGFzc3dvcmQ="}}, NULL, VERIFIED},
	{BASIC, "username:password", {{"authorization", "Bearer dXNlcm5hbWU6cGFzc3dvcmQ="}}, NULL, VERIFY_MISSING},
	{BASIC, "username:password", {{"authorization", "Basic"}}, NULL, VERIFY_MISSING},
	{BASIC, "username:password", {{"authorization", "Basic ?"}}, NULL, VERIFY_MALFORMED},
	{BASIC, "username:passwort", {{"authorization", "Basic dXNlcm5hbWU6cGFzc3dvcmQ="}}, NULL, VERIFY_WRONG},
	{BASIC, "username:password", {{"authorization", "Basic dXNlcm5hbWU6cGFzc3dvcmQ="}, {"authorization", "Basic dXNlcm5hbWU6cGFzc3dvcmQ="}}, NULL, VERIFIED},
	{BASIC, "username:password", {{"authorization", "Basic dXNlcm5hbWU6cGFzc3dvcmQ="}, {"authorization", "Basic AAAA"}}, NULL, VERIFY_AMBIGUOUS},
	{BASIC_USER, "password", {{"authorization", "Basic Y3JtOnBhc3N3b3Jk"}}, NULL, VERIFIED},
	{BASIC_USER, "password", {{"authorization", "Basic dXNlcm5hbWU6cGFzc3dvcmQ="}}, NULL, VERIFY_WRONG},
	{BASIC_USER, "", {{"authorization", "Basic Y3JtOg=="}}, NULL, VERIFY_NO_SECRET},
	{TOKEN_HEADER, "s3cret", {{"x-api-key", "s3cret"}}, NULL, VERIFIED},
	{TOKEN_HEADER, "s3cret", {{"x-api-key", "s3cre"}}, NULL, VERIFY_WRONG},
	{TOKEN_HEADER, "s3cret", {{"x-api-key", ""}}, NULL, VERIFY_MISSING},
	{TOKEN_HEADER, "s3cret", {{"x-api-key", "s3cret"}, {"x-api-key", "other"}}, NULL, VERIFY_AMBIGUOUS},
	{BEARER, "s3cret", {{"authorization", "Bearer s3cret"}}, NULL, VERIFIED},
	{BEARER, "s3cret", {{"authorization", "Basic s3cret"}}, NULL, VERIFY_MISSING},
	{TOKEN_QUERY, "s3cret", {{NULL, NULL}}, "s3cret", VERIFIED},
	{TOKEN_QUERY, "s3cret", {{NULL, NULL}}, "s3cre", VERIFY_WRONG},
	{TOKEN_QUERY, "s3cret", {{NULL, NULL}}, NULL, VERIFY_MISSING},
};

START_TEST(credential)
{
	struct source *source = source_with(credentials[_i].verifier);
	struct sent sent = {.query = credentials[_i].query};

	for (; credentials[_i].headers[sent.header_count].name != NULL; sent.header_count++) {
		sent.headers[sent.header_count][0] = strdup(credentials[_i].headers[sent.header_count].name);
		sent.headers[sent.header_count][1] = strdup(credentials[_i].headers[sent.header_count].value);
	}
	sent.delivery = (struct delivery){.method = TEXT("POST"), .url = TEXT("https://x.example/"), .body = TEXT("{}"), .now_ms = 1, .header = find_header,
					  .query = find_query, .context = &sent};
	ck_assert_int_eq(judge(source, credentials[_i].secret, &sent), credentials[_i].verdict);
	release(&sent);
	source_free(source);
}
END_TEST

START_TEST(two_signatures_are_refused)
{
	int index = vector_named("hubspot-v3-python-sdk");
	struct source *source = source_with(HUBSPOT_V3);
	struct sent sent;

	prepare(&sent, index);
	sent.headers[2][0] = strdup("x-hubspot-signature-v3");
	sent.headers[2][1] = strdup("AAAA");
	sent.header_count = 3;
	ck_assert_int_eq(judge(source, vectors[index].secret, &sent), VERIFY_AMBIGUOUS);
	release(&sent);
	source_free(source);
}
END_TEST

/* A proxy may have made spaces of the plus signs in base64. */
START_TEST(spaces_for_plus)
{
	int index = vector_named("hubspot-v3-python-sdk");
	struct source *source = source_with(HUBSPOT_V3);
	struct sent sent;

	prepare(&sent, index);
	*strchr(sent.headers[0][1], '+') = ' ';
	ck_assert_int_eq(judge(source, vectors[index].secret, &sent), VERIFIED);
	release(&sent);
	source_free(source);
}
END_TEST

START_TEST(what_is_said_holds_no_secret)
{
	for (int verdict = VERIFIED; verdict <= VERIFY_WRONG; verdict++) {
		ck_assert_ptr_nonnull(strchr(verdict_code((enum verdict)verdict), verdict == VERIFIED ? 'v' : '_'));
		ck_assert_ptr_nonnull(strchr(verdict_message((enum verdict)verdict), '.'));
	}
}
END_TEST

START_TEST(basic_is_asked_for)
{
	struct source *pipedrive = source_with("pipedrive"), *hubspot = source_with("hubspot");

	ck_assert(source_asks_basic(pipedrive));
	ck_assert(!source_asks_basic(hubspot));
	source_free(pipedrive);
	source_free(hubspot);
}
END_TEST

Suite *suite_webhook_verify(void);
Suite *suite_webhook_verify(void)
{
	Suite *suite = suite_create("webhook_verify");
	TCase *cases = tcase_create("webhook_verify");

	tcase_add_loop_test(cases, vector, 0, COUNT(vectors));
	tcase_add_loop_test(cases, nothing_changed_passes, 0, COUNT(vectors));
	tcase_add_loop_test(cases, nothing_missing_passes, 0, COUNT(vectors));
	tcase_add_loop_test(cases, secrets_are_rotated, 0, COUNT(rotations));
	tcase_add_loop_test(cases, credential, 0, COUNT(credentials));
	tcase_add_test(cases, two_signatures_are_refused);
	tcase_add_test(cases, spaces_for_plus);
	tcase_add_test(cases, what_is_said_holds_no_secret);
	tcase_add_test(cases, basic_is_asked_for);
	suite_add_tcase(suite, cases);
	return suite;
}
