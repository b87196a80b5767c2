/* plumbline source: the systems that send webhooks are added, listed, tested and switched off, through the very handlers of the API. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../route.h"
#include "../service.h"
#include "arguments.h"
#include "database.h"

enum { ORG, PRESET, URL, OVERRIDE, SECRET_FILE, GENERATE, OVERLAP, HEADER, NOW, ARGUMENT_COUNT };

enum { FILE_MAX = 16 * 1024 * 1024 };

/* A command at work. */
struct task {
	struct service service;
	struct db *db;
	struct principal who;
	const struct argument *arguments;
	const struct positionals *given; /* the verb, the name, the file */
};

static const struct text *no_header(const struct request *request, const char *name)
{
	(void)request;
	(void)name;
	return NULL;
}

static const struct route *find_route(const char *operation_id)
{
	for (size_t i = 0; i < routes_count; i++)
		if (strcmp(routes[i].operation_id, operation_id) == 0)
			return &routes[i];
	return NULL;
}

static void say_problems(const struct reply *reply)
{
	for (size_t i = 0; i < reply->problems.count; i++)
		fprintf(stderr, "  %s%s%s\n", reply->problems.items[i].pointer, reply->problems.items[i].pointer[0] != '\0' ? ": " : "",
			reply->problems.items[i].message);
}

/* Runs a route of the API. name: the source in its path, or NULL; answer (may be NULL) takes the body. Returns the exit code. */
static int call(const struct task *task, const char *operation_id, const char *name, struct text body, struct buffer *answer)
{
	const struct route *route = find_route(operation_id);
	struct request request = {.route = route, .method = route->method, .media = MEDIA_JSON, .body = body, .who = task->who,
				  .db = task->db, .header = no_header, .service = &task->service};
	struct reply reply = {0};
	int code;

	if (name != NULL)
		request.path_params[request.path_param_count++] = text_of(name);
	if (strcmp(operation_id, "listSources") == 0)
		request.query[request.query_count++] = (struct param){TEXT("limit"), TEXT("1000")};
	code = command_failed(route->run(&request, &reply), &reply.detail);
	if (code != EXIT_OK)
		say_problems(&reply);
	else if (answer != NULL)
		buffer_append_text(answer, buffer_text(&reply.body));
	reply_free(&reply);
	return code;
}

/* A whole file, "-": standard input; false after having said why. */
static bool read_file(const char *path, struct buffer *to)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char block[8192];
	size_t size;
	bool sound = file != NULL;

	while (sound && (size = fread(block, 1, sizeof block, file)) > 0) {
		buffer_append(to, block, size);
		sound = to->size <= FILE_MAX;
	}
	sound = sound && ferror(file) == 0;
	if (!sound)
		fprintf(stderr, "plumbline source: cannot read %s\n", path);
	if (file != NULL && file != stdin)
		fclose(file);
	return sound;
}

static void append_member(struct buffer *json, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buffer_printf(json, "%s\"%s\":", json->size > 1 ? "," : "", name);
	buffer_append_json_string(json, text_of(value));
}

/* ── verbs ──────────────────────────────────────────────────────────────────────────────────────── */

static const char *member_string(const json_t *object, const char *name)
{
	const char *string = json_string_value(json_object_get(object, name));

	return string != NULL ? string : "-";
}

static void print_sources(const json_t *data)
{
	const json_t *source;
	size_t i;

	printf("%-20s %-12s %-8s %-7s %-11s %-24s %s\n", "SOURCE", "PRESET", "STATE", "SECRETS", "QUARANTINED", "LAST DELIVERY", "WEBHOOK");
	json_array_foreach(data, i, source) {
		const json_t *secrets = json_object_get(source, "secrets"), *secret;
		size_t k, held = 0;

		json_array_foreach(secrets, k, secret)
			held += strcmp(member_string(secret, "state"), "ended") != 0;
		printf("%-20s %-12s %-8s %-7zu %-11" JSON_INTEGER_FORMAT " %-24s %s\n", member_string(source, "source"),
		       member_string(source, "preset"), json_is_true(json_object_get(source, "enabled")) ? "enabled" : "disabled", held,
		       json_integer_value(json_object_get(source, "quarantined_open")), member_string(source, "last_delivery_at"),
		       member_string(source, "webhook"));
	}
}

static int list(const struct task *task)
{
	struct buffer answer = {0};
	int code = call(task, "listSources", NULL, (struct text){0}, &answer);

	if (code == EXIT_OK) {
		json_t *document = json_loadb(answer.data, answer.size, 0, NULL);

		print_sources(json_object_get(document, "data"));
		json_decref(document);
	}
	buffer_free(&answer);
	return code;
}

/* A secret from the file, or one that is made up and printed. */
static int put_secret(const struct task *task, const char *name)
{
	const struct argument *given = task->arguments;
	struct buffer secret = {0}, body = {0}, answer = {0};
	json_t *document = NULL;
	int code = EXIT_OK;

	buffer_append_string(&body, "{");
	if (given[SECRET_FILE].value != NULL) {
		if (!read_file(given[SECRET_FILE].value, &secret))
			code = EXIT_FAILED;
		/* A line feed at the end does not belong to it. */
		while (secret.size > 0 && strchr("\r\n", secret.data[secret.size - 1]) != NULL)
			secret.data[--secret.size] = '\0';
		append_member(&body, "secret", secret.data != NULL ? secret.data : "");
	}
	if (given[OVERLAP].value != NULL)
		buffer_printf(&body, "%s\"overlap_hours\":%s", body.size > 1 ? "," : "", given[OVERLAP].value);
	buffer_append_string(&body, "}");
	if (code == EXIT_OK)
		code = call(task, "rotateSourceSecret", name, buffer_text(&body), &answer);
	if (code == EXIT_OK) {
		document = json_loadb(answer.data, answer.size, 0, NULL);
		if (json_object_get(document, "secret") != NULL) {
			puts(member_string(document, "secret"));
			fprintf(stderr, "secret made; it is shown this once only\n");
		} else {
			fprintf(stderr, "secret %" JSON_INTEGER_FORMAT " kept\n", json_integer_value(json_object_get(document, "number")));
		}
	}
	json_decref(document);
	buffer_free(&answer);
	buffer_free(&body);
	buffer_free(&secret);
	return code;
}

static int add(const struct task *task)
{
	const struct argument *given = task->arguments;
	const char *name = task->given->items[1];
	struct buffer override = {0}, body = {0};
	int code = EXIT_OK;

	buffer_append_string(&body, "{");
	append_member(&body, "source", name);
	append_member(&body, "preset", given[PRESET].value);
	append_member(&body, "url", given[URL].value);
	if (given[OVERRIDE].value != NULL && read_file(given[OVERRIDE].value, &override))
		buffer_printf(&body, ",\"override\":%s", override.data != NULL ? override.data : "null");
	else if (given[OVERRIDE].value != NULL)
		code = EXIT_FAILED;
	buffer_append_string(&body, "}");
	if (code == EXIT_OK)
		code = call(task, "createSource", NULL, buffer_text(&body), NULL);
	if (code == EXIT_OK)
		fprintf(stderr, "source %s added; servers take its deliveries within a second\n", name);
	if (code == EXIT_OK && (given[SECRET_FILE].value != NULL || given[GENERATE].value != NULL))
		code = put_secret(task, name);
	buffer_free(&override);
	buffer_free(&body);
	return code;
}

static int rotate(const struct task *task)
{
	return put_secret(task, task->given->items[1]);
}

static int set_enabled(const struct task *task, bool enabled)
{
	const char *name = task->given->items[1];
	int code = call(task, "patchSource", name, enabled ? TEXT("{\"enabled\":true}") : TEXT("{\"enabled\":false}"), NULL);

	if (code == EXIT_OK)
		fprintf(stderr, "source %s %s; servers notice within a second\n", name, enabled ? "enabled" : "disabled");
	return code;
}

static int enable(const struct task *task)
{
	return set_enabled(task, true);
}

static int disable(const struct task *task)
{
	return set_enabled(task, false);
}

/* "Name: value" lines as the object of the test. */
static void append_headers(struct buffer *body, const char *lines)
{
	const char *separator = "";

	buffer_append_string(body, ",\"headers\":{");
	while (*lines != '\0') {
		size_t size = strcspn(lines, "\n"), name = strcspn(lines, ":\n");

		if (name < size) {
			size_t from = name + 1 + strspn(lines + name + 1, " ");

			buffer_append_string(body, separator);
			buffer_append_json_string(body, (struct text){lines, name});
			buffer_append_string(body, ":");
			buffer_append_json_string(body, (struct text){lines + from, size - from});
			separator = ",";
		}
		lines += size + (lines[size] != '\0');
	}
	buffer_append_string(body, "}");
}

static int test(const struct task *task)
{
	const struct argument *given = task->arguments;
	struct buffer file = {0}, body = {0}, headers = {0}, answer = {0};
	int code = EXIT_FAILED;

	buffer_append_string(&file, "");
	if (read_file(task->given->items[2], &file) && (given[HEADER].value == NULL || read_file(given[HEADER].value, &headers))) {
		buffer_append_string(&body, "{\"body\":");
		buffer_append_json_string(&body, buffer_text(&file));
		if (headers.size > 0)
			append_headers(&body, headers.data);
		append_member(&body, "url", given[URL].value);
		append_member(&body, "now", given[NOW].value);
		buffer_append_string(&body, "}");
		code = call(task, "testSource", task->given->items[1], buffer_text(&body), &answer);
	}
	if (code == EXIT_OK)
		fwrite(answer.data, 1, answer.size, stdout);
	buffer_free(&file);
	buffer_free(&headers);
	buffer_free(&body);
	buffer_free(&answer);
	return code;
}

/* What the word after "source" does, how many words follow it, and which options go with it. */
static const struct verb {
	const char *word;
	size_t words;
	unsigned allowed; /* bits of the arguments */
	int (*run)(const struct task *task);
} verbs[] = {
	{"list", 0, 1u << ORG, list},
	{"add", 1, 1u << ORG | 1u << PRESET | 1u << URL | 1u << OVERRIDE | 1u << SECRET_FILE | 1u << GENERATE, add},
	{"rotate", 1, 1u << ORG | 1u << SECRET_FILE | 1u << OVERLAP, rotate},
	{"test", 2, 1u << ORG | 1u << HEADER | 1u << URL | 1u << NOW, test},
	{"enable", 1, 1u << ORG, enable},
	{"disable", 1, 1u << ORG, disable},
};

static const struct verb *verb_of(const struct positionals *positionals)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (positionals->count > 0 && strcmp(positionals->items[0], verbs[i].word) == 0)
			return &verbs[i];
	return NULL;
}

static int check_usage(const struct verb *verb, const struct argument *arguments, const struct positionals *positionals)
{
	const char *hours = arguments[OVERLAP].value;

	if (verb == NULL)
		return command_usage_error(&command_source, "say what to do: list, add, rotate, test, enable or disable");
	if (positionals->count != verb->words + 1)
		return command_usage_error(&command_source, "%s takes %s", verb->word,
					   verb->words == 0 ? "options only" : verb->words == 1 ? "the name of one source" : "the name of a source and a file");
	for (int i = 0; i < ARGUMENT_COUNT; i++)
		if (arguments[i].value != NULL && (verb->allowed & (1u << i)) == 0)
			return command_usage_error(&command_source, "%s does not take %s", verb->word, arguments[i].name);
	if (hours != NULL && (hours[0] == '\0' || hours[strspn(hours, "0123456789")] != '\0' || strlen(hours) > 4))
		return command_usage_error(&command_source, "--overlap takes a number of hours");
	return EXIT_OK;
}

static int run(const struct settings *settings, int argc, char **argv, const struct buffer *faults)
{
	struct argument arguments[ARGUMENT_COUNT] = {
	    [ORG] = {.name = "--org"},           [PRESET] = {.name = "--preset"},
	    [URL] = {.name = "--url"},           [OVERRIDE] = {.name = "--override"},
	    [SECRET_FILE] = {.name = "--secret-file"}, [GENERATE] = {.name = "--generate-secret", .is_flag = true},
	    [OVERLAP] = {.name = "--overlap"},   [HEADER] = {.name = "--headers"},
	    [NOW] = {.name = "--now"},
	};
	struct task task = {.service = {.settings = settings}, .arguments = arguments};
	struct positionals positionals;
	char org_id[16];
	int code = arguments_read(&command_source, argc, argv, arguments, ARGUMENT_COUNT, &positionals);

	(void)faults;
	if (code == EXIT_OK)
		code = check_usage(verb_of(&positionals), arguments, &positionals);
	if (code != EXIT_OK)
		return code;
	task.given = &positionals;
	task.db = command_db(settings);
	code = command_find_org(task.db, arguments[ORG].value, org_id);
	if (code == EXIT_OK) {
		task.who.org_id = (int)strtol(org_id, NULL, 10);
		code = verb_of(&positionals)->run(&task);
	}
	db_close(task.db);
	return code;
}

const struct command command_source = {
    .name = "source",
    .usage = "list | add NAME --preset PRESET [options] | rotate NAME [options] | test NAME FILE [options] | enable NAME | disable NAME",
    .summary = "Adds, lists, tests and switches off the systems that send webhooks, and replaces their secrets.",
    .details = "  --org SLUG           organisation (default: default)\n"
	       "  --preset PRESET      add: what it is, such as hubspot\n"
	       "  --url URL            the address that the sender calls, when it is not PLUMBLINE_PUBLIC_URL with the path\n"
	       "  --override FILE      add: JSON, a merge patch to the preset's document\n"
	       "  --secret-file FILE   add, rotate: the secret, as the sender shows it; - reads standard input\n"
	       "  --generate-secret    add: make a secret up; rotate does so without --secret-file. It is printed once\n"
	       "  --overlap HOURS      rotate: how long the secret before it goes on to hold (default: 24)\n"
	       "  --headers FILE       test: the headers that came with the body in FILE, a line each\n"
	       "  --now TIME           test: the time to judge the signature by (default: now)",
    .needs_database = true,
    .run = run,
};
