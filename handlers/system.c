#include "system.h"

#include <stdio.h>

#include "embedded.h"
#include "ready.h"
#include "route.h"
#include "service.h"
#include "stats.h"

const struct route admin_routes[] = {
	{.method = METHOD_GET, .path = "/healthz", .run = system_healthz, .on_loop = true},
	{.method = METHOD_GET, .path = "/readyz", .run = system_readyz, .on_loop = true},
	{.method = METHOD_GET, .path = "/metrics", .formats = FORMAT_BIT_OTHER, .run = system_metrics, .on_loop = true},
};

const size_t admin_routes_count = sizeof admin_routes / sizeof *admin_routes;

enum err system_healthz(struct request *request, struct reply *reply)
{
	(void)request;
	buffer_append_string(&reply->body, "{\"status\":\"ok\"}\n");
	reply->no_store = true;
	return ERR_OK;
}

/* Every answer names the state, also those that are no: so this is no problem document. */
enum err system_readyz(struct request *request, struct reply *reply)
{
	enum ready_state state = ready_state(request->service->ready);

	buffer_printf(&reply->body, "{\"status\":\"%s\"}\n", ready_word(state));
	reply->no_store = true;
	if (state != READY_YES) {
		reply->status = 503;
		reply_header(reply, "Retry-After", "1");
	}
	return ERR_OK;
}

enum err system_metrics(struct request *request, struct reply *reply)
{
	stats_render(request->service->stats, &reply->body);
	reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
	reply->no_store = true;
	return ERR_OK;
}

/* The contract changes only with the binary, which its checksum tells. */
static enum err contract(struct reply *reply, struct text document, const char *content_type)
{
	uint64_t hash = UINT64_C(0xCBF29CE484222325); /* FNV-1a */

	for (size_t i = 0; i < document.size; i++)
		hash = (hash ^ (unsigned char)document.data[i]) * UINT64_C(0x100000001B3);
	snprintf(reply->etag, sizeof reply->etag, "%016llx", (unsigned long long)hash);
	reply_packed(reply, document);
	reply->content_type = content_type;
	return ERR_OK;
}

enum err system_openapi_yaml(struct request *request, struct reply *reply)
{
	(void)request;
	return contract(reply, embedded_openapi_yaml, "application/yaml");
}

enum err system_openapi_json(struct request *request, struct reply *reply)
{
	(void)request;
	return contract(reply, embedded_openapi_json, "application/json");
}
