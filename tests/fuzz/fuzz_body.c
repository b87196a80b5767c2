/* Bodies of every route that makes one event of them: the first byte chooses the route, the rest is the body. What is sound is an
 * event whole enough for the committer; what is not is refused with a reason, and leaves nothing behind. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingest.h"
#include "json_scan.h"
#include "route.h"

#define CHECK(condition) ((condition) ? (void)0 : abort())

static const struct text *no_header(const struct request *request, const char *name)
{
	(void)request;
	(void)name;
	return NULL;
}

static const struct route *choose(unsigned number)
{
	size_t count = 0;

	for (size_t i = 0; i < routes_count; i++)
		count += routes[i].prepare != NULL;
	number %= (unsigned)count;
	for (size_t i = 0; i < routes_count; i++)
		if (routes[i].prepare != NULL && number-- == 0)
			return &routes[i];
	return NULL;
}

static void check_event(const struct ingest_item *item)
{
	struct json_fault fault;

	CHECK(item->id.size > 0 && item->id.size <= 255 && text_is_clean_utf8(item->id));
	CHECK(item->patch.size == 0 || json_scan_valid(item->patch, NULL, &fault));
	CHECK(text_is_clean_utf8(item->event_id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request request = {.header = no_header};
	struct ingest_item item = {0};
	struct reply reply = {0};
	bool single = false;
	enum err err;

	if (size == 0)
		return 0;
	request.route = choose(data[0]);
	request.body = (struct text){(const char *)data + 1, size - 1};
	if (strchr(request.route->path, '{') != NULL) {
		request.path_params[0] = TEXT("EUR-USD-2017-02-28");
		request.path_param_count = 1;
	}
	err = request.route->prepare(&request, &reply, &item, &single);
	if (err == ERR_OK && single)
		check_event(&item);
	else if (err != ERR_OK)
		CHECK(reply.problems.count > 0 || reply.detail.size > 0);
	ingest_item_free(&item);
	reply_free(&reply);
	return 0;
}
