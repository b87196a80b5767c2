/* plumbline routes: the table of routes as data, for checks of the published contract and for people who look something up. */
#include <stdio.h>
#include <string.h>

#include "../route.h"
#include "command.h"

static const char *const method_words[METHOD_COUNT] = {
    [METHOD_GET] = "GET", [METHOD_HEAD] = "HEAD",     [METHOD_POST] = "POST",       [METHOD_PUT] = "PUT",
    [METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE", [METHOD_OPTIONS] = "OPTIONS",
};

/* A bit of a set and what it is called outside. */
struct bit_name {
	unsigned bit;
	const char *name;
};

static const struct bit_name scope_names[] = {
    {SCOPE_INGEST, "ingest"}, {SCOPE_READ, "read"}, {SCOPE_STRATEGY, "strategy"}, {SCOPE_ADMIN, "admin"}};

static const struct bit_name media_names[] = {{MEDIA_BIT_JSON, "application/json"},
					      {MEDIA_BIT_MERGE_PATCH, "application/merge-patch+json"},
					      {MEDIA_BIT_NDJSON, "application/x-ndjson"},
					      {MEDIA_BIT_CSV, "text/csv"},
					      {MEDIA_BIT_CLOUD_EVENT, "application/cloudevents+json"},
					      {MEDIA_BIT_CLOUD_EVENTS, "application/cloudevents-batch+json"}};

static const struct bit_name format_names[] = {
    {FORMAT_BIT_JSON, "json"}, {FORMAT_BIT_CSV, "csv"}, {FORMAT_BIT_NDJSON, "ndjson"}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void append_set(struct buffer *line, const char *label, unsigned set, const struct bit_name *names, size_t count)
{
	const char *separator = "";

	buffer_printf(line, ",\"%s\":[", label);
	for (size_t i = 0; i < count; i++) {
		if ((set & names[i].bit) == 0)
			continue;
		buffer_printf(line, "%s\"%s\"", separator, names[i].name);
		separator = ",";
	}
	buffer_append_string(line, "]");
}

/* The route's own parameters, and format=, which the machinery takes itself where there is a choice. */
static void append_params(struct buffer *line, const struct route *route, unsigned formats)
{
	size_t count = route->params != NULL ? route->params->count : 0;

	buffer_append_string(line, ",\"params\":[");
	for (size_t i = 0; i < count; i++) {
		buffer_append_string(line, i > 0 ? "," : "");
		buffer_append_json_string(line, text_of(route->params->fields[i].name));
	}
	if ((formats & (formats - 1)) != 0)
		buffer_printf(line, "%s\"format\"", count > 0 ? "," : "");
	buffer_append_string(line, "]");
}

static void append_route(struct buffer *line, const struct route *route)
{
	unsigned formats = route->formats != 0 ? route->formats : (unsigned)FORMAT_BIT_JSON;

	buffer_printf(line, "{\"method\":\"%s\",\"path\":", method_words[route->method]);
	buffer_append_json_string(line, text_of(route->path));
	buffer_append_string(line, ",\"operation_id\":");
	buffer_append_json_string(line, text_of(route->operation_id != NULL ? route->operation_id : ""));
	append_set(line, "scopes", route->scope, scope_names, COUNT(scope_names));
	append_params(line, route, formats);
	if (route->raw)
		buffer_append_string(line, ",\"media\":[\"*/*\"]");
	else
		append_set(line, "media", route->media, media_names, COUNT(media_names));
	append_set(line, "formats", formats, format_names, COUNT(format_names));
	buffer_printf(line, ",\"versioned\":%s,\"live\":%s}\n", route->versioned || route->live ? "true" : "false",
		      route->live ? "true" : "false");
}

static void print_json(void)
{
	struct buffer line = {0};

	for (size_t i = 0; i < routes_count; i++) {
		buffer_clear(&line);
		append_route(&line, &routes[i]);
		fwrite(line.data, 1, line.size, stdout);
	}
	buffer_free(&line);
}

static void print_table(void)
{
	for (size_t i = 0; i < routes_count; i++) {
		const struct route *route = &routes[i];
		const char *scope = "public";

		for (size_t k = 0; k < COUNT(scope_names); k++)
			if (route->scope == scope_names[k].bit)
				scope = scope_names[k].name;
		printf("%-7s %-44s %-10s %s\n", method_words[route->method], route->path, scope,
		       route->operation_id != NULL ? route->operation_id : "");
	}
}

static int run(const struct settings *settings, int argc, char **argv, const struct buffer *faults)
{
	(void)settings;
	(void)faults;
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--json") != 0))
		return command_usage_error(&command_routes, "unknown argument: %s", argv[argc - 1]);
	if (argc == 2)
		print_json();
	else
		print_table();
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

const struct command command_routes = {
    .name = "routes",
    .usage = "[--json]",
    .summary = "Lists the routes of the API.",
    .details = "One line a route: method, path, scope of the key it asks for, operationId in openapi.yaml.\n"
	       "  --json   one JSON object a line, with query parameters, media types and formats as well",
    .run = run,
};
