/* Settings: precedence, every kind of fault, nearest names, masking. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings.h"

Suite *suite_settings(void);

enum { ARGUMENTS_MAX = 8 };

static char *copy(const char *word)
{
	char *made = strdup(word);

	ck_assert_ptr_nonnull(made);
	return made;
}

/* Loads from lists of words ended by NULL; returns the faults, to be freed. */
static char *load(struct settings *settings, const char *const *env, const char *const *arguments)
{
	char *argv[ARGUMENTS_MAX + 2] = {copy("command")}, *variables[ARGUMENTS_MAX + 1] = {NULL}, *owned[ARGUMENTS_MAX + 2];
	struct buffer faults = {0};
	int argc = 1;

	for (; arguments[argc - 1] != NULL; argc++)
		argv[argc] = copy(arguments[argc - 1]);
	for (int i = 0; env[i] != NULL; i++)
		variables[i] = copy(env[i]);
	memcpy(owned, argv, sizeof owned); /* argv is rearranged */
	settings_load(settings, &argc, argv, variables, &faults);
	for (int i = 0; i < ARGUMENTS_MAX + 2; i++)
		free(owned[i]);
	for (int i = 0; variables[i] != NULL; i++)
		free(variables[i]);
	buffer_append_string(&faults, "");
	return faults.data;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE ((const char *const[]){NULL})

START_TEST(defaults)
{
	struct settings settings;
	char *faults = load(&settings, NONE, NONE);

	ck_assert_str_eq(faults, "");
	ck_assert_str_eq(settings.listen, "127.0.0.1:8080");
	ck_assert_str_eq(settings.admin_listen, "127.0.0.1:8081");
	ck_assert_str_eq(settings.database_url, "");
	ck_assert_int_eq(settings.workers, 4);
	ck_assert_int_eq(settings.queue, 1024);
	ck_assert_int_eq(settings.body_max, 16 << 20);
	ck_assert_int_eq(settings.rate_limit, 60000);
	ck_assert(settings.prepare);
	ck_assert(!settings.migrate);
	ck_assert_int_eq(settings.log_level, LOG_INFO);
	free(faults);
	settings_free(&settings);
}
END_TEST

START_TEST(precedence)
{
	struct settings settings;
	char *faults = load(&settings, WORDS("PLUMBLINE_WORKERS=7", "PLUMBLINE_QUEUE=70", "PLUMBLINE_LISTEN=1.2.3.4:5"),
			    WORDS("--workers", "9", "--listen=[::1]:6", "--migrate", "--prepare", "off"));

	ck_assert_str_eq(faults, "");
	ck_assert_int_eq(settings.workers, 9);
	ck_assert_int_eq(settings.queue, 70);
	ck_assert_str_eq(settings.listen, "[::1]:6");
	ck_assert(settings.migrate);
	ck_assert(!settings.prepare);
	free(faults);
	settings_free(&settings);
}
END_TEST

START_TEST(rest_of_the_arguments)
{
	char list[] = "list", own[] = "--own", workers[] = "--workers", eight[] = "8", file[] = "file", dashes[] = "--",
	     listen[] = "--listen";
	char *argv[] = {list, own, workers, eight, file, dashes, listen, NULL}, *env[] = {NULL};
	struct settings settings;
	struct buffer faults = {0};
	int argc = 7;

	settings_load(&settings, &argc, argv, env, &faults);
	ck_assert_int_eq(argc, 5);
	ck_assert_str_eq(argv[1], "--own");
	ck_assert_str_eq(argv[2], "file");
	ck_assert_str_eq(argv[3], "--");
	ck_assert_str_eq(argv[4], "--listen");
	ck_assert_ptr_null(argv[5]);
	ck_assert_int_eq(settings.workers, 8);
	ck_assert_uint_eq(faults.size, 0);
	settings_free(&settings);
	buffer_free(&faults);
}
END_TEST

static const struct {
	const char *variable;
	const char *fault; /* part of what is said; NULL: fine */
} cases[] = {
	{"PLUMBLINE_WORKERS=1", NULL},
	{"PLUMBLINE_WORKERS=0", "PLUMBLINE_WORKERS: \"0\" is not a number of threads from 1 to 256"},
	{"PLUMBLINE_WORKERS=257", "from 1 to 256"},
	{"PLUMBLINE_WORKERS=four", "\"four\" is not a number"},
	{"PLUMBLINE_WORKERS=4x", "\"4x\" is not a number"},
	{"PLUMBLINE_WORKERS= 4", "is not a number"},
	{"PLUMBLINE_WORKERS=-4", "is not a number"},
	{"PLUMBLINE_WORKERS=99999999999999999999", "is not a number"},
	{"PLUMBLINE_WORKERS=4K", "is not a number"},
	{"PLUMBLINE_WORKERS=", NULL},
	{"PLUMBLINE_BODY_MAX=64K", NULL},
	{"PLUMBLINE_BODY_MAX=1048576", NULL},
	{"PLUMBLINE_BODY_MAX=64KB", "is not a number of bytes"},
	{"PLUMBLINE_BODY_MAX=9999999999G", "is not a number"},
	{"PLUMBLINE_BODY_MAX=1000", "from 1024"},
	{"PLUMBLINE_PREPARE=on", NULL},
	{"PLUMBLINE_PREPARE=false", NULL},
	{"PLUMBLINE_PREPARE=maybe", "PLUMBLINE_PREPARE: \"maybe\" is neither on nor off"},
	{"PLUMBLINE_LOG_LEVEL=debug", NULL},
	{"PLUMBLINE_LOG_LEVEL=debgu", "did you mean \"debug\"?"},
	{"PLUMBLINE_LOG_LEVEL=loud", "is not error, warn, info or debug\n"},
	{"PLUMBLINE_LISTEN=:8080", NULL},
	{"PLUMBLINE_LISTEN=localhost:8080", NULL},
	{"PLUMBLINE_LISTEN=8080", "is not an address"},
	{"PLUMBLINE_LISTEN=::1:8080", "is not an address"},
	{"PLUMBLINE_LISTEN=127.0.0.1:99999", "is not an address"},
	{"PLUMBLINE_LISTEN=127.0.0.1:http", "is not an address"},
	{"PLUMBLINE_LISTEN=127.0.0.1:8081", "two addresses are needed"},
	{"PLUMBLINE_ADMIN_LISTEN=off", NULL},
	{"PLUMBLINE_LISTEN=off", "is not an address"},
	{"PLUMBLINE_TLS_CERT=/dev/null", "both are needed"},
	{"PLUMBLINE_TLS_KEY=/no/such/file", "cannot read /no/such/file"},
	{"PLUMBLINE_MEMORY_MAX=1M", "smaller than PLUMBLINE_BODY_MAX"},
	/* slips of the pen */
	{"PLUMBLINE_LISTN=1", "PLUMBLINE_LISTN: there is no such setting; did you mean PLUMBLINE_LISTEN?"},
	{"PLUMBLINE_BODYMAX=1", "did you mean PLUMBLINE_BODY_MAX?"},
	{"PLUMBLINE_SOMETHING_ELSE=1", NULL},
	{"PLUMBLINEX=1", NULL},
};

START_TEST(one_variable)
{
	struct settings settings;
	char *faults = load(&settings, WORDS(cases[_i].variable), NONE);

	if (cases[_i].fault == NULL)
		ck_assert_str_eq(faults, "");
	else
		ck_assert_msg(strstr(faults, cases[_i].fault) != NULL, "%s: %s", cases[_i].variable, faults);
	free(faults);
	settings_free(&settings);
}
END_TEST

START_TEST(all_faults_at_once)
{
	struct settings settings;
	char *faults = load(&settings, WORDS("PLUMBLINE_WORKERS=0", "PLUMBLINE_PREPARE=x", "PLUMBLINE_LISTEN=x"),
			    WORDS("--queue=x", "--log-level"));
	int lines = 0;

	for (const char *c = faults; *c != '\0'; c++)
		lines += *c == '\n';
	ck_assert_int_eq(lines, 5);
	ck_assert_ptr_nonnull(strstr(faults, "--queue: \"x\" is not a number"));
	ck_assert_ptr_nonnull(strstr(faults, "--log-level: a value is missing"));
	free(faults);
	settings_free(&settings);
}
END_TEST

/* The same of settings of ours, whose names are looked at for slips of the pen. */
START_TEST(own_secrets_from_files)
{
	static const char key[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";
	char path[] = "/tmp/plumbline-settings-XXXXXX", variable[80];
	struct settings settings;
	int fd = mkstemp(path);
	char *faults;

	ck_assert_int_eq(write(fd, key, sizeof key - 1), (ssize_t)sizeof key - 1);
	close(fd);
	snprintf(variable, sizeof variable, "PLUMBLINE_SECRET_KEY_FILE=%s", path);
	faults = load(&settings, WORDS(variable), NONE);
	ck_assert_str_eq(faults, "");
	ck_assert_uint_eq(strlen(settings.secret_key), 64);
	free(faults);
	settings_free(&settings);
	unlink(path);
	faults = load(&settings, WORDS("PLUMBLINE_DATABASE_READ_URL_FILE="), NONE);
	ck_assert_str_eq(faults, "");
	free(faults);
	settings_free(&settings);
	faults = load(&settings, WORDS("PLUMBLINE_SECRET_KEY_FIL=x"), NONE);
	ck_assert_ptr_nonnull(strstr(faults, "PLUMBLINE_SECRET_KEY_FIL: there is no such setting"));
	free(faults);
	settings_free(&settings);
}
END_TEST

START_TEST(secret_from_a_file)
{
	char path[] = "/tmp/plumbline-settings-XXXXXX", variable[64];
	static const char url[] = "postgresql://u:p@h/d\n";
	struct settings settings;
	int fd = mkstemp(path);
	char *faults;

	ck_assert_int_eq(write(fd, url, sizeof url - 1), (ssize_t)sizeof url - 1);
	close(fd);
	snprintf(variable, sizeof variable, "DATABASE_URL_FILE=%s", path);
	faults = load(&settings, WORDS(variable), NONE);
	ck_assert_str_eq(faults, "");
	ck_assert_str_eq(settings.database_url, "postgresql://u:p@h/d");
	free(faults);
	settings_free(&settings);
	snprintf(variable, sizeof variable, "PLUMBLINE_DATABASE_READ_URL_FILE=%s", path);
	faults = load(&settings, WORDS(variable), NONE);
	ck_assert_str_eq(faults, ""); /* not taken for a misspelt PLUMBLINE_DATABASE_READ_URL */
	ck_assert_str_eq(settings.database_read_url, "postgresql://u:p@h/d");
	free(faults);
	settings_free(&settings);
	unlink(path);
	snprintf(variable, sizeof variable, "DATABASE_URL_FILE=%s", path);
	faults = load(&settings, WORDS(variable), NONE);
	ck_assert_ptr_nonnull(strstr(faults, "DATABASE_URL_FILE: cannot read /tmp/plumbline-settings-"));
	free(faults);
	settings_free(&settings);
}
END_TEST

static const struct {
	const char *url, *masked;
} mask_cases[] = {
	{"postgresql://u:secret@h:5432/d", "postgresql://u:***@h:5432/d"},
	{"postgresql://u@h/d", "postgresql://u@h/d"},
	{"postgresql://u:se@cret@h/d", "postgresql://u:***@h/d"},
	{"postgresql://u:secret@/d?host=/tmp", "postgresql://u:***@/d?host=/tmp"},
	{"postgresql://h/d?user=u&password=secret&sslmode=require", "postgresql://h/d?user=u&password=***&sslmode=require"},
	{"host=h password=secret dbname=d", "host=h password=*** dbname=d"},
	{"password='se cret' host=h", "password=*** host=h"},
	{"host=h password=secret", "host=h password=***"},
	{"", ""},
};

START_TEST(mask)
{
	struct buffer masked = {0};

	settings_mask_url(mask_cases[_i].url, &masked);
	ck_assert_str_eq(buffer_text(&masked).data, mask_cases[_i].masked);
	buffer_free(&masked);
}
END_TEST

START_TEST(printed)
{
	struct settings settings;
	char *faults = load(&settings,
			     WORDS("DATABASE_URL=postgresql://u:hunter2@h/d", "PLUMBLINE_WORKERS=3", "PLUMBLINE_PUBLIC_URL=https://p.example.com/x/",
				   "PLUMBLINE_SECRET_KEY=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
			     NONE);
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	settings_print(&settings, file);
	settings_help(file);
	fclose(file);
	ck_assert_ptr_nonnull(strstr(text, "DATABASE_URL=postgresql://u:***@h/d\n"));
	ck_assert_ptr_nonnull(strstr(text, "PLUMBLINE_WORKERS=3\n"));
	ck_assert_ptr_nonnull(strstr(text, "PLUMBLINE_BODY_MAX=16777216\n"));
	ck_assert_ptr_nonnull(strstr(text, "--body-max, PLUMBLINE_BODY_MAX\n"));
	ck_assert_ptr_nonnull(strstr(text, "PLUMBLINE_SECRET_KEY=***\n"));
	ck_assert_ptr_nonnull(strstr(text, "PLUMBLINE_PUBLIC_URL=https://p.example.com/x\n"));
	ck_assert_ptr_null(strstr(text, "hunter2"));
	ck_assert_ptr_null(strstr(text, "00112233"));
	free(text);
	free(faults);
	settings_free(&settings);
}
END_TEST

START_TEST(nearest_flag)
{
	ck_assert_str_eq(settings_nearest_flag("--lisen"), "listen");
	ck_assert_str_eq(settings_nearest_flag("--worker=3"), "workers");
	ck_assert_ptr_null(settings_nearest_flag("--entirely-different"));
}
END_TEST

Suite *suite_settings(void)
{
	Suite *suite = suite_create("settings");
	TCase *tcase = tcase_create("settings");

	tcase_add_test(tcase, defaults);
	tcase_add_test(tcase, precedence);
	tcase_add_test(tcase, rest_of_the_arguments);
	tcase_add_loop_test(tcase, one_variable, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tcase, all_faults_at_once);
	tcase_add_test(tcase, secret_from_a_file);
	tcase_add_test(tcase, own_secrets_from_files);
	tcase_add_loop_test(tcase, mask, 0, sizeof mask_cases / sizeof *mask_cases);
	tcase_add_test(tcase, printed);
	tcase_add_test(tcase, nearest_flag);
	suite_add_tcase(suite, tcase);
	return suite;
}
