/* Request targets: paths find at most one row, query strings decode into clean text that passes or fails its shape. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "resources.h"
#include "route.h"

#define CHECK(condition) ((condition) ? (void)0 : abort())

static void check_query(struct text raw)
{
	struct param params[QUERY_PARAMS_MAX];
	struct problems problems = {0};
	char *memory = malloc(raw.size + 1);
	size_t count = 0;

	if (memory == NULL)
		abort();
	if (query_parse(raw, memory, params, &count, &problems)) {
		CHECK(count <= QUERY_PARAMS_MAX);
		for (size_t i = 0; i < count; i++)
			CHECK(text_is_clean_utf8(params[i].name) && text_is_clean_utf8(params[i].value));
		shape_check_params(&list_params, params, count, &problems);
		shape_check_params(&post_params, params, count, &problems);
	} else {
		CHECK(problems.count > 0);
	}
	problems_free(&problems);
	free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text target = {(const char *)data, size};
	const char *mark = size > 0 ? memchr(data, '?', size) : NULL;
	struct text path = {target.data, mark != NULL ? (size_t)(mark - target.data) : size};
	struct route_match match;

	match = route_find(METHOD_GET, path);
	CHECK((match.route != NULL) == (match.err == ERR_OK));
	CHECK(match.param_count <= PATH_PARAMS_MAX);
	if (mark != NULL)
		check_query((struct text){mark + 1, size - path.size - 1});
	return 0;
}
