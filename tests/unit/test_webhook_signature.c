/* Signatures of outgoing webhooks, by the published vector of Standard Webhooks. */
#include <check.h>
#include <string.h>

#include "webhook_signature.h"

Suite *suite_webhook_signature(void);

#define SECRET TEXT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
#define ID TEXT("msg_p5jXN8AQM9LWM0D4loKWxJek")
#define BODY TEXT("{\"test\": 2432232314}")
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

START_TEST(as_published)
{
	struct buffer signatures = {0};

	ck_assert(webhook_sign(SECRET, ID, 1614265330, BODY, &signatures));
	ck_assert_str_eq(signatures.data, SIGNATURE);
	ck_assert(webhook_sign(SECRET, ID, 1614265330, BODY, &signatures));
	ck_assert_str_eq(signatures.data, SIGNATURE " " SIGNATURE);
	buffer_free(&signatures);
}
END_TEST

static const struct {
	const char *secret;
	bool is_one;
} secrets[] = {
    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true},
    {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false}, /* 23 bytes */
    {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", true}, /* 64 */
    {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false}, /* 65 */
    {"whsec_", false},
    {"", false},
    {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false},
    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS?", false},
    {"WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false},
};

START_TEST(what_is_a_secret)
{
	struct buffer signatures = {0};

	ck_assert(webhook_secret_is_one(text_of(secrets[_i].secret)) == secrets[_i].is_one);
	ck_assert(webhook_sign(text_of(secrets[_i].secret), ID, 1, BODY, &signatures) == secrets[_i].is_one);
	ck_assert((signatures.size > 0) == secrets[_i].is_one);
	buffer_free(&signatures);
}
END_TEST

START_TEST(made_ones)
{
	struct buffer one = {0}, other = {0};

	webhook_secret_make(&one);
	webhook_secret_make(&other);
	ck_assert(webhook_secret_is_one(buffer_text(&one)));
	ck_assert_uint_eq(one.size, 6 + 44);
	ck_assert_str_ne(one.data, other.data);
	buffer_free(&one);
	buffer_free(&other);
}
END_TEST

Suite *suite_webhook_signature(void)
{
	Suite *suite = suite_create("webhook_signature");
	TCase *all = tcase_create("all");

	tcase_add_test(all, as_published);
	tcase_add_loop_test(all, what_is_a_secret, 0, (int)(sizeof secrets / sizeof *secrets));
	tcase_add_test(all, made_ones);
	suite_add_tcase(suite, all);
	return suite;
}
