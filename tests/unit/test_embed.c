/* What sql/embed.py made of the files: the checksums were made of the files, so equal ones mean equal bytes. */
#include <check.h>
#include <jansson.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "gzip.h"
#include "statements.h"

/* What is packed, as a text; the caller frees it. */
static char *unpacked(struct text packed)
{
	struct buffer text = {0};

	ck_assert_int_eq(gzip_expand(packed, SIZE_MAX / 2, &text), ERR_OK);
	return text.data;
}

static void assert_checksum(const char *name, struct text packed, const char *checksum)
{
	char *text = unpacked(packed);
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof digest + 1];

	crypto_hash_sha256(digest, (const unsigned char *)text, strlen(text));
	sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
	ck_assert_msg(strcmp(hex, checksum) == 0, "%s: the text in the binary is not that of the file", name);
	free(text);
}

START_TEST(migrations)
{
	unsigned long last = 0;

	ck_assert_uint_ge(embedded_migrations_count, 1);
	ck_assert_str_eq(embedded_migrations[0].name, "0001-foundation");
	for (size_t i = 0; i < embedded_migrations_count; i++) {
		assert_checksum(embedded_migrations[i].name, embedded_migrations[i].sql, embedded_migrations[i].checksum);
		/* Counted up: two of one number would rest on their names for an order. A number may be missing while its migration is on its way. */
		unsigned long number = strtoul(embedded_migrations[i].name, NULL, 10);

		ck_assert_msg(number > last, "%s does not come after number %lu", embedded_migrations[i].name, last);
		last = number;
	}
}
END_TEST

START_TEST(functions)
{
	static const char start[] = "DROP SCHEMA IF EXISTS pl CASCADE;\nCREATE SCHEMA pl;\n-- 00-base.sql\n";

	assert_checksum("functions", embedded_functions, embedded_functions_checksum);
	char *text = unpacked(embedded_functions);

	ck_assert_int_eq(strncmp(text, start, strlen(start)), 0);
	free(text);
}
END_TEST

/* Also the files with quotes, backslashes and characters beyond ASCII come through as they are. */
START_TEST(statements)
{
	char path[256], file[65536];

	ck_assert_str_eq(statement_table[STATEMENT_NONE].text, "");
	for (int i = STATEMENT_NONE + 1; i < STATEMENT_COUNT; i++) {
		FILE *from;
		size_t size;

		snprintf(path, sizeof path, "sql/statements/%s.sql", statement_table[i].name);
		from = fopen(path, "r");
		ck_assert_msg(from != NULL, "%s cannot be read: unit tests run in the root of the checkout", path);
		size = fread(file, 1, sizeof file - 1, from);
		fclose(from);
		file[size] = '\0';
		ck_assert_str_eq(statement_table[i].text, file);
	}
}
END_TEST

START_TEST(contract)
{
	char *json = unpacked(embedded_openapi_json), *yaml = unpacked(embedded_openapi_yaml);
	json_t *document = json_loads(json, JSON_REJECT_DUPLICATES, NULL);

	ck_assert_ptr_nonnull(document);
	ck_assert_int_eq(strncmp(json_string_value(json_object_get(document, "openapi")), "3.1", 3), 0);
	ck_assert_uint_gt(json_object_size(json_object_get(document, "paths")), 10);
	ck_assert_ptr_nonnull(strstr(yaml, "openapi: "));
	json_decref(document);
	free(json);
	free(yaml);
}
END_TEST

Suite *suite_embed(void);
Suite *suite_embed(void)
{
	Suite *suite = suite_create("embed");
	TCase *cases = tcase_create("embed");

	tcase_add_test(cases, migrations);
	tcase_add_test(cases, functions);
	tcase_add_test(cases, statements);
	tcase_add_test(cases, contract);
	suite_add_tcase(suite, cases);
	return suite;
}
