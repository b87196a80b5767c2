/* Secrets at rest: what is stored does not show them, and only opens for whom it was made. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "seal.h"

Suite *suite_seal(void);

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct buffer seal(const char *key, int org_id, const char *source, struct text secret)
{
	struct buffer kept = {0};

	secret_seal(key, org_id, source, secret, &kept);
	return kept;
}

/* The secret, or NULL when it does not open. Free it. */
static char *opened(const char *key, int org_id, const char *source, struct text kept)
{
	struct buffer secret = {0};

	buffer_append_string(&secret, "");
	if (secret_open(key, org_id, source, kept, &secret))
		return secret.data;
	ck_assert_uint_eq(secret.size, 0);
	buffer_free(&secret);
	return NULL;
}

START_TEST(with_a_key)
{
	struct buffer kept = seal(KEY, 7, "hubspot", TEXT("whsec_abc")), again = seal(KEY, 7, "hubspot", TEXT("whsec_abc"));
	char *secret = opened(KEY, 7, "hubspot", buffer_text(&kept));

	ck_assert_str_eq(secret, "whsec_abc");
	ck_assert_ptr_null(strstr(kept.data, "whsec"));
	ck_assert_str_ne(kept.data, again.data); /* equal secrets do not look equal */
	ck_assert_ptr_null(opened(OTHER, 7, "hubspot", buffer_text(&kept)));
	ck_assert_ptr_null(opened("", 7, "hubspot", buffer_text(&kept)));
	ck_assert_ptr_null(opened(KEY, 8, "hubspot", buffer_text(&kept)));
	ck_assert_ptr_null(opened(KEY, 7, "pipedrive", buffer_text(&kept)));
	free(secret);
	buffer_free(&kept);
	buffer_free(&again);
}
END_TEST

START_TEST(changed)
{
	struct buffer kept = seal(KEY, 7, "hubspot", TEXT("whsec_abc"));

	for (size_t i = strlen("sealed:"); i < kept.size; i++) {
		char was = kept.data[i];

		kept.data[i] = was == 'A' ? 'B' : 'A';
		ck_assert_ptr_null(opened(KEY, 7, "hubspot", buffer_text(&kept)));
		kept.data[i] = was;
	}
	for (size_t size = 0; size < kept.size; size++)
		ck_assert_ptr_null(opened(KEY, 7, "hubspot", (struct text){kept.data, size}));
	buffer_free(&kept);
}
END_TEST

START_TEST(without_a_key)
{
	struct buffer kept = seal("", 7, "hubspot", TEXT("secret"));
	char *secret = opened("", 7, "hubspot", buffer_text(&kept)), *later = opened(KEY, 7, "hubspot", buffer_text(&kept));

	ck_assert_str_eq(kept.data, "plain:secret");
	ck_assert_str_eq(secret, "secret");
	ck_assert_str_eq(later, "secret"); /* a key that is set later does not lock out what is there */
	ck_assert_ptr_null(opened("", 7, "hubspot", TEXT("")));
	ck_assert_ptr_null(opened("", 7, "hubspot", TEXT("secret")));
	free(secret);
	free(later);
	buffer_free(&kept);
}
END_TEST

Suite *suite_seal(void)
{
	Suite *suite = suite_create("seal");
	TCase *tests = tcase_create("seal");

	tcase_add_test(tests, with_a_key);
	tcase_add_test(tests, changed);
	tcase_add_test(tests, without_a_key);
	suite_add_tcase(suite, tests);
	return suite;
}
