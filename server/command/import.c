/* plumbline import: files through the very handlers of the bulk routes, on a database connection of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../route.h"
#include "arguments.h"
#include "database.h"
#include "import_file.h"

enum { ORG, KIND, FORMAT, SOURCE, OCCURRED_AT, DRY_RUN, ATOMIC, ARGUMENT_COUNT };

enum { EXIT_REJECTED = 3 };

/* An import at work. */
struct task {
	const struct settings *settings;
	const struct argument *arguments;
	struct db *db;
	struct principal who;
};

static bool is_bulk(const struct route *route)
{
	return route->method == METHOD_POST && route->body == BODY_STREAM && strncmp(route->path, "/v1/", 4) == 0;
}

/* The bulk route of a kind: "accounts". */
static const struct route *find_route(struct text kind)
{
	for (size_t i = 0; i < routes_count; i++)
		if (is_bulk(&routes[i]) && text_equal_string(kind, routes[i].path + 4))
			return &routes[i];
	return NULL;
}

static int refuse_kind(const char *path, struct text kind)
{
	struct buffer known = {0};
	int code;

	for (size_t i = 0; i < routes_count; i++)
		if (is_bulk(&routes[i]))
			buffer_printf(&known, "%s%s", known.size > 0 ? ", " : "", routes[i].path + 4);
	code = command_usage_error(&command_import, "%s: what does it hold? \"%.*s\" is no kind; say --kind with one of %s", path,
				   (int)kind.size, kind.data, known.data);
	buffer_free(&known);
	return code;
}

static const struct text *no_header(const struct request *request, const char *name)
{
	(void)request;
	(void)name;
	return NULL;
}

static void add_query(struct request *request, const char *name, const char *value)
{
	if (value != NULL)
		request->query[request->query_count++] = (struct param){text_of(name), text_of(value)};
}

static struct request make_request(const struct task *task, const struct route *route, enum media media)
{
	const struct argument *given = task->arguments;
	struct request request = {.route = route, .method = METHOD_POST, .media = media, .who = task->who, .db = task->db, .header = no_header};

	add_query(&request, "occurred_at", given[OCCURRED_AT].value);
	add_query(&request, "dry_run", given[DRY_RUN].value != NULL ? "true" : NULL);
	add_query(&request, "atomic", given[ATOMIC].value != NULL ? "true" : NULL);
	return request;
}

static const char *member_string(const json_t *object, const char *name)
{
	const char *string = json_string_value(json_object_get(object, name));

	return string != NULL ? string : "";
}

static void print_reject(const char *path, const json_t *error)
{
	json_int_t line = json_integer_value(json_object_get(error, "line"));
	const char *id = member_string(error, "id"), *pointer = member_string(error, "pointer");

	if (line > 0)
		fprintf(stderr, "%s:%" JSON_INTEGER_FORMAT ": ", path, line);
	else
		fprintf(stderr, "%s: item %" JSON_INTEGER_FORMAT ": ", path, json_integer_value(json_object_get(error, "index")));
	if (id[0] != '\0')
		fprintf(stderr, "%s: ", id);
	fprintf(stderr, "%s%s%s: %s\n", pointer, pointer[0] != '\0' ? " " : "", member_string(error, "code"), member_string(error, "message"));
}

/* Prints the counts; the rejects go to standard error. */
static int print_counts(const struct task *task, const char *path, struct text body)
{
	static const char *const names[] = {"accepted", "duplicate", "stale", "unchanged", "rejected", "quarantined"};
	const char *code, *message;
	json_t *answer = json_parse_strict(body, &code, &message), *errors, *error;
	json_int_t omitted;
	size_t i;
	int result;

	if (answer == NULL)
		return EXIT_FAILED;
	errors = json_object_get(answer, "errors");
	json_array_foreach(errors, i, error)
		print_reject(path, error);
	omitted = json_integer_value(json_object_get(answer, "errors_omitted"));
	if (omitted > 0)
		fprintf(stderr, "%s: and %" JSON_INTEGER_FORMAT " further problems\n", path, omitted);
	printf("%s:%s", path, task->arguments[DRY_RUN].value != NULL ? " (dry run, nothing stored)" : "");
	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (i < 5 || json_object_get(answer, names[i]) != NULL)
			printf("%s %" JSON_INTEGER_FORMAT " %s", i > 0 ? "," : "", json_integer_value(json_object_get(answer, names[i])), names[i]);
	printf("\n");
	result = json_integer_value(json_object_get(answer, "rejected")) > 0 ? EXIT_REJECTED : EXIT_OK;
	json_decref(answer);
	return result;
}

static int print_failure(const char *path, enum err err, const struct reply *reply)
{
	for (size_t i = 0; i < reply->problems.count; i++) {
		const struct problem *problem = &reply->problems.items[i];

		fprintf(stderr, "%s: %s%s%s: %s\n", path, problem->pointer, problem->pointer[0] != '\0' ? " " : "", problem->code, problem->message);
	}
	fprintf(stderr, "plumbline: %s: %s%s%s\n", path, error_info(err)->title, reply->detail.size > 0 ? ": " : "",
		reply->detail.size > 0 ? reply->detail.data : "");
	return err == ERR_VALIDATION_FAILED ? EXIT_REJECTED : EXIT_FAILED;
}

static int run_file(const struct task *task, const struct route *route, enum media media, const char *path)
{
	struct import_file *file = import_file_open(path);
	struct request request = make_request(task, route, media);
	struct reply reply = {0};
	struct buffer body = {0};
	int code = EXIT_FAILED;
	enum err err = ERR_OK;
	bool sound;

	if (file == NULL)
		return EXIT_FAILED;
	if (media == MEDIA_JSON) {
		sound = import_file_read(file, (size_t)task->settings->body_max, &body);
		request.body = buffer_text(&body);
	} else {
		sound = true;
		request.stream = import_file_stream(file);
	}
	if (sound)
		err = route->run(&request, &reply);
	if (!import_file_close(file))
		sound = false;
	if (err != ERR_OK)
		code = print_failure(path, err, &reply);
	else if (sound)
		code = print_counts(task, path, buffer_text(&reply.body));
	reply_free(&reply);
	buffer_free(&body);
	return code;
}

/* What a file holds is said by the options, else by its name. */
static int import(const struct task *task, const char *path)
{
	const struct argument *given = task->arguments;
	struct import_name name = import_read_name(path);
	struct text kind = given[KIND].value != NULL ? text_of(given[KIND].value) : name.stem;
	enum media media = given[FORMAT].value != NULL ? import_media_by_word(given[FORMAT].value) : name.media;
	const struct route *route = find_route(kind);

	if (route == NULL)
		return refuse_kind(path, kind);
	if (media == MEDIA_NONE)
		return command_usage_error(&command_import, "%s: in which format is it? Say --format csv, ndjson or json", path);
	return run_file(task, route, media, path);
}

static int import_all(struct task *task, const struct positionals *files)
{
	char org_id[16];
	int worst = command_find_org(task->db, task->arguments[ORG].value, org_id);

	if (worst != EXIT_OK)
		return worst;
	task->who.org_id = (int)strtol(org_id, NULL, 10);
	for (size_t i = 0; i < files->count; i++) {
		int code = import(task, files->items[i]);

		if (code == EXIT_FAILED || code == EXIT_USAGE)
			return code; /* what follows may rest on what is missing */
		worst = code > worst ? code : worst;
	}
	return worst;
}

static int check_arguments(const struct argument *given, const struct positionals *files)
{
	const char *source = given[SOURCE].value;

	if (files->count == 0)
		return command_usage_error(&command_import, "which file?");
	if (source != NULL && (strlen(source) == 0 || strlen(source) >= sizeof((struct principal *)NULL)->source))
		return command_usage_error(&command_import, "--source is a name of 1 to 63 characters");
	if (given[OCCURRED_AT].value != NULL && !value_is_datetime(text_of(given[OCCURRED_AT].value)))
		return command_usage_error(&command_import, "--occurred-at is a time like 2027-01-31T09:30:00Z");
	return EXIT_OK;
}

static int run(const struct settings *settings, int argc, char **argv, const struct buffer *faults)
{
	struct argument arguments[ARGUMENT_COUNT] = {
	    [ORG] = {.name = "--org"},       [KIND] = {.name = "--kind"},
	    [FORMAT] = {.name = "--format"}, [SOURCE] = {.name = "--source"},
	    [OCCURRED_AT] = {.name = "--occurred-at"},
	    [DRY_RUN] = {.name = "--dry-run", .is_flag = true},
	    [ATOMIC] = {.name = "--atomic", .is_flag = true},
	};
	struct task task = {.settings = settings, .arguments = arguments, .who = {.scopes = SCOPE_INGEST, .source = "import"}};
	struct positionals files;
	int code = arguments_read(&command_import, argc, argv, arguments, ARGUMENT_COUNT, &files);

	(void)faults;
	if (code == EXIT_OK)
		code = check_arguments(arguments, &files);
	if (code != EXIT_OK)
		return code;
	if (arguments[SOURCE].value != NULL)
		snprintf(task.who.source, sizeof task.who.source, "%s", arguments[SOURCE].value);
	task.db = command_db(settings);
	code = import_all(&task, &files);
	db_close(task.db);
	return code;
}

const struct command command_import = {
    .name = "import",
    .usage = "[--org SLUG] [--kind KIND] [--source NAME] [--dry-run] FILE…",
    .summary = "Reads objects from CSV, NDJSON or JSON files, as the bulk routes of the API do.",
    .details = "  --org SLUG          the organisation (default: default)\n"
	       "  --kind KIND         what the files hold: reps, teams, accounts, products, stages, opportunities, activities,\n"
	       "                      fx-rates (default: the file's name, like accounts.csv)\n"
	       "  --format FORMAT     csv, ndjson (also: jsonl) or json, an array (default: the file's ending); gzip is recognised\n"
	       "  --source NAME       the source the events belong to (default: import)\n"
	       "  --occurred-at TIME  when it happened, for records that do not say (default: now)\n"
	       "  --dry-run           check everything and count, store nothing\n"
	       "  --atomic            a file with a bad record is not stored at all (16 MiB at most)\n"
	       "\n"
	       "FILE - is standard input. CSV: the header row names the attributes; attributes of your own go into columns\n"
	       "attributes.NAME; an empty cell says nothing. Files are read one after the other, good records are stored although\n"
	       "others are bad; what was rejected is printed with its line. Records with event_id or occurred_at can be imported\n"
	       "again without harm: they are duplicates then.\n"
	       "\n"
	       "Exit status: 0 all stored, 1 a file or the database failed, 2 wrong use, 3 some records were rejected.\n",
    .needs_database = true,
    .run = run,
};
