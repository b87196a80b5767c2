/* plumbline key: API keys are made, listed, replaced and revoked. A key is printed once and never stored. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../auth.h"
#include "arguments.h"
#include "database.h"

enum { ORG, SCOPE, READ_SCOPE, REP, TEAM, SOURCE, EXPIRES, LABEL, GRACE, ARGUMENT_COUNT };

static const char actor[] = "cli";

/* A command at work. */
struct task {
	struct db *db;
	char org_id[16];
	const struct argument *arguments;
	const char *key_id; /* of the key spoken of; NULL with create and list */
};

/* The parts of a new key. */
struct fresh {
	char key_id[AUTH_KEY_ID_MAX + 1];
	char key[AUTH_KEY_MAX];
	char digest[2 * AUTH_DIGEST_BYTES + 1];
};

static bool make_fresh(const struct task *task, struct fresh *fresh)
{
	unsigned char digest[AUTH_DIGEST_BYTES];

	if (!auth_key_make((int)strtol(task->org_id, NULL, 10), fresh->key_id, fresh->key, digest))
		return false;
	sodium_bin2hex(fresh->digest, sizeof fresh->digest, digest, sizeof digest);
	return true;
}

static int finish(enum err err, const struct buffer *detail, const struct fresh *fresh)
{
	if (err != ERR_OK)
		return command_failed(err, detail);
	puts(fresh->key);
	fprintf(stderr, "key %s made; it is shown this once only\n", fresh->key_id);
	return EXIT_OK;
}

/* "read,ingest" → a list. */
static void split_scopes(const char *words, struct db_array *scopes)
{
	while (*words != '\0') {
		size_t size = strcspn(words, ", ");

		if (size > 0)
			db_array_add(scopes, (struct text){words, size});
		words += size + (words[size] != '\0');
	}
}

static int create(const struct task *task)
{
	const struct argument *given = task->arguments;
	struct db_array scopes = {0};
	struct buffer detail = {0};
	struct fresh fresh;
	int code;

	if (given[SCOPE].value == NULL)
		return command_usage_error(&command_key, "create needs --scope: ingest, read, strategy or admin");
	if (!make_fresh(task, &fresh))
		return command_failed(ERR_INTERNAL, NULL);
	split_scopes(given[SCOPE].value, &scopes);
	code = finish(db_run(task->db, STATEMENT_key_create,
			     (struct db_param[]){{.text = text_of(task->org_id)},
						 {.text = text_of(fresh.key_id)},
						 {.text = text_of(fresh.digest)},
						 {.text = text_of(given[LABEL].value)},
						 db_array_param(&scopes),
						 {.text = text_of(given[READ_SCOPE].value)},
						 {.text = text_of(given[SOURCE].value)},
						 {.text = text_of(given[REP].value)},
						 {.text = text_of(given[TEAM].value)},
						 {.text = text_of(given[EXPIRES].value)},
						 {.text = text_of(actor)}},
			     11, DB_NONE, NULL, NULL, &detail),
		      &detail, &fresh);
	db_array_free(&scopes);
	buffer_free(&detail);
	sodium_memzero(&fresh, sizeof fresh);
	return code;
}

static int list(const struct task *task)
{
	static const char *const headings[] = {"KEY", "LABEL", "SCOPES", "READS", "BOUND TO", "MADE", "ENDS", "LAST USED", "STATE"};
	struct db_param param = {.text = text_of(task->org_id)};
	struct db_result *rows = NULL;
	struct buffer detail = {0};
	int code = command_failed(db_run(task->db, STATEMENT_key_list, &param, 1, DB_MANY, &rows, NULL, &detail), &detail);

	if (code == EXIT_OK)
		command_print_table(rows, headings, sizeof headings / sizeof *headings);
	db_result_free(rows);
	buffer_free(&detail);
	return code;
}

static int revoke(const struct task *task)
{
	struct buffer detail = {0};
	struct db_param params[] = {{.text = text_of(task->org_id)}, {.text = text_of(task->key_id)}, {.text = text_of(actor)}};
	int code = command_failed(db_run(task->db, STATEMENT_key_revoke, params, 3, DB_NONE, NULL, NULL, &detail), &detail);

	if (code == EXIT_OK)
		fprintf(stderr, "key %s revoked; servers notice within %d s\n", task->key_id, AUTH_CACHE_S);
	buffer_free(&detail);
	return code;
}

static int rotate(const struct task *task)
{
	const char *grace = task->arguments[GRACE].value != NULL ? task->arguments[GRACE].value : "0";
	struct buffer detail = {0};
	struct fresh fresh;
	int code;

	if (grace[strspn(grace, "0123456789")] != '\0' || strlen(grace) > 5)
		return command_usage_error(&command_key, "--grace takes a number of hours");
	if (!make_fresh(task, &fresh))
		return command_failed(ERR_INTERNAL, NULL);
	code = finish(db_run(task->db, STATEMENT_key_rotate,
			     (struct db_param[]){{.text = text_of(task->org_id)},
						 {.text = text_of(task->key_id)},
						 {.text = text_of(fresh.key_id)},
						 {.text = text_of(fresh.digest)},
						 {.text = text_of(grace)},
						 {.text = text_of(actor)}},
			     6, DB_NONE, NULL, NULL, &detail),
		      &detail, &fresh);
	buffer_free(&detail);
	sodium_memzero(&fresh, sizeof fresh);
	return code;
}

/* What the word after "key" does and which options go with it. */
static const struct verb {
	const char *word;
	bool needs_id;
	unsigned allowed; /* bits of the arguments */
	int (*run)(const struct task *task);
} verbs[] = {
	{"create", false,
	 1u << ORG | 1u << SCOPE | 1u << READ_SCOPE | 1u << REP | 1u << TEAM | 1u << SOURCE | 1u << EXPIRES | 1u << LABEL, create},
	{"list", false, 1u << ORG, list},
	{"revoke", true, 1u << ORG, revoke},
	{"rotate", true, 1u << ORG | 1u << GRACE, rotate},
};

static const struct verb *verb_of(const struct positionals *positionals)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (positionals->count > 0 && strcmp(positionals->items[0], verbs[i].word) == 0)
			return &verbs[i];
	return NULL;
}

static int run(const struct settings *settings, int argc, char **argv, const struct buffer *faults)
{
	struct argument arguments[ARGUMENT_COUNT] = {
	    [ORG] = {.name = "--org"},       [SCOPE] = {.name = "--scope"},     [READ_SCOPE] = {.name = "--read-scope"},
	    [REP] = {.name = "--rep"},       [TEAM] = {.name = "--team"},       [SOURCE] = {.name = "--source"},
	    [EXPIRES] = {.name = "--expires"}, [LABEL] = {.name = "--label"},   [GRACE] = {.name = "--grace"},
	};
	struct task task = {.arguments = arguments};
	struct positionals positionals;
	const struct verb *verb;
	int code = arguments_read(&command_key, argc, argv, arguments, ARGUMENT_COUNT, &positionals);

	(void)faults;
	if (code != EXIT_OK)
		return code;
	verb = verb_of(&positionals);
	if (verb == NULL)
		return command_usage_error(&command_key, "say what to do: create, list, revoke or rotate");
	if (positionals.count != (verb->needs_id ? 2u : 1u))
		return command_usage_error(&command_key, "%s takes %s", verb->word, verb->needs_id ? "the id of one key" : "options only");
	for (int i = 0; i < ARGUMENT_COUNT; i++)
		if (arguments[i].value != NULL && (verb->allowed & (1u << i)) == 0)
			return command_usage_error(&command_key, "%s does not take %s", verb->word, arguments[i].name);
	task.key_id = verb->needs_id ? positionals.items[1] : NULL;
	task.db = command_db(settings);
	code = command_find_org(task.db, arguments[ORG].value, task.org_id);
	if (code == EXIT_OK)
		code = verb->run(&task);
	db_close(task.db);
	return code;
}

const struct command command_key = {
    .name = "key",
    .usage = "create --scope SCOPE[,SCOPE…] [options] | list | revoke ID | rotate ID [--grace HOURS]",
    .summary = "Makes, lists, revokes and replaces API keys. A new key is printed once, on standard output.",
    .details = "  --org SLUG           organisation (default: default)\n"
	       "  --scope SCOPES       ingest, read, strategy, admin; several separated by commas\n"
	       "  --read-scope SCOPE   rows the key may read: all (default), team, self\n"
	       "  --rep ID             the rep the key belongs to (read scope self)\n"
	       "  --team ID            the team the key belongs to (read scope team)\n"
	       "  --source NAME        the system whose events this key writes (default: api)\n"
	       "  --expires WHEN       a date (its first moment in UTC) or a time with offset\n"
	       "  --label TEXT         for the list\n"
	       "  --grace HOURS        rotate: how long the old key goes on working (default: 0)",
    .needs_database = true,
    .run = run,
};
