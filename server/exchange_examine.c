/* What a request is and whether it may go on, judged by its head alone. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "exchange.h"
#include "memory.h"
#include "negotiate.h"
#include "stats.h"

const struct text *exchange_field_at(const struct request *request, const char *name, size_t nth)
{
	const struct exchange *exchange = request->http;

	for (size_t i = 0; i < exchange->field_count; i++)
		if (text_equal_string(exchange->fields[i].name, name) && nth-- == 0)
			return &exchange->fields[i].value;
	return NULL;
}

const struct text *exchange_field(const struct request *request, const char *name)
{
	return exchange_field_at(request, name, 0);
}

static struct text field(const struct exchange *exchange, const char *name)
{
	const struct text *value = exchange_field(&exchange->job.request, name);

	return value != NULL ? *value : (struct text){0};
}

/* Copies bytes to *to and moves it on. */
static struct text keep(char **to, struct text text)
{
	struct text kept = {*to, text.size};

	if (text.size > 0)
		memcpy(*to, text.data, text.size);
	*to += text.size;
	return kept;
}

/* The library's buffer ends with the connection, which may be over before a worker is done: so all of the head is copied,
 * field names in lower case. Returns room for the decoded target (twice its size) behind it. */
static char *copy_head(struct exchange *exchange, const struct http_head *head)
{
	struct text target = text_of(head->target != NULL ? head->target : ""), method = text_of(head->method);
	size_t size = method.size + 3 * target.size + 1;
	char *to;

	/* Of a head that will be refused for its size only the start is of interest, for the log. */
	target.size = target.size < TARGET_MAX ? target.size : TARGET_MAX;
	method.size = method.size < 32 ? method.size : 32;
	exchange->field_count = head->count;
	for (size_t i = 0; i < exchange->field_count; i++)
		size += head->fields[i].name.size + head->fields[i].value.size;
	exchange->memory = to = memory_take(size);
	exchange->method = keep(&to, method);
	exchange->job.request.target = keep(&to, target);
	for (size_t i = 0; i < exchange->field_count; i++) {
		char *name = to;

		exchange->fields[i].name = keep(&to, head->fields[i].name);
		for (; name < to; name++)
			if (*name >= 'A' && *name <= 'Z')
				*name = (char)(*name - 'A' + 'a');
		exchange->fields[i].value = keep(&to, head->fields[i].value);
	}
	return to;
}

/* A number no two requests share: splitmix64 of a counter, keyed by the process. */
static uint64_t next_id(struct exchange_context *context)
{
	uint64_t z = context->id_seed + ++context->id_count * UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

void exchange_make_id(struct exchange *exchange)
{
	char *to = exchange->job.request.request_id;
	uint64_t id = next_id(exchange->context), seed = exchange->context->id_seed;

	for (int i = 0; i < 16; i++, id >>= 4)
		to[i] = "0123456789abcdef"[id & 15];
	for (int i = 16; i < 24; i++, seed >>= 4)
		to[i] = "0123456789abcdef"[seed & 15];
	to[24] = '\0';
}

static void identify(struct exchange *exchange)
{
	struct request *request = &exchange->job.request;
	struct text id = field(exchange, "x-request-id"), trace = field(exchange, "traceparent");

	if (id.data != NULL && negotiate_request_id(id))
		memcpy(request->request_id, id.data, id.size);
	else
		exchange_make_id(exchange);
	if (trace.data != NULL && negotiate_traceparent(trace))
		memcpy(request->traceparent, trace.data, trace.size);
}

/* Behind trusted proxies the client is whom they say they speak for. */
static void note_client(struct exchange *exchange)
{
	const struct request *request = &exchange->job.request;
	size_t count = 0;

	exchange->job.request.https_before_us =
	    peers_hold(&exchange->context->trusted, &exchange->job.client) && text_equal(field(exchange, "x-forwarded-proto"), TEXT("https"));
	while (exchange_field_at(request, "x-forwarded-for", count) != NULL)
		count++;
	while (count-- > 0)
		exchange->job.client = peer_behind(&exchange->context->trusted, exchange->job.client,
						   *exchange_field_at(request, "x-forwarded-for", count));
}

static void note_body(struct exchange *exchange)
{
	struct text length = field(exchange, "content-length");

	exchange->expects_continue = field(exchange, "expect").data != NULL;
	if (field(exchange, "transfer-encoding").data != NULL) {
		exchange->declared = UINT64_MAX;
	} else if (length.data != NULL) {
		/* The guard has seen that these are at most 18 digits; without it the value is not used. */
		for (size_t i = 0; i < length.size && i < 18; i++)
			exchange->declared = exchange->declared * 10 + (uint64_t)(length.data[i] - '0');
	}
	exchange->has_body = exchange->declared > 0;
}

/* "http://host/path" and "/path" ask for the same; what counts is from the third slash on. */
static struct text origin_form(struct text target)
{
	const char *slash;
	size_t skipped;

	if (target.size < 8 || (memcmp(target.data, "http://", 7) != 0 && memcmp(target.data, "https://", 8) != 0))
		return target;
	skipped = target.data[4] == 's' ? 8 : 7;
	slash = memchr(target.data + skipped, '/', target.size - skipped);
	if (slash == NULL)
		return TEXT("/");
	return (struct text){slash, target.size - (size_t)(slash - target.data)};
}

/* "GET, HEAD, OPTIONS" */
static void allow_header(struct reply *reply, unsigned allow)
{
	struct buffer value = {0};

	for (int i = 0; i < METHOD_COUNT; i++)
		if (allow & (1u << i))
			buffer_printf(&value, "%s%s", value.size > 0 ? ", " : "", method_name((enum method)i));
	reply_header(reply, "Allow", buffer_text(&value).data);
	buffer_free(&value);
}

static enum err not_routed(struct exchange *exchange, const struct route_match *match, struct text path)
{
	struct reply *reply = &exchange->job.reply;

	if (match->err == ERR_INVALID_PATH)
		return reply_error(reply, ERR_INVALID_PATH, "the path holds a broken escape, a control character or text that is not UTF-8");
	if (match->err == ERR_NOT_FOUND)
		return reply_error(reply, ERR_NOT_FOUND, "there is no resource at %.*s", (int)text_beginning(path, 200).size, path.data);
	allow_header(reply, match->allow);
	if (exchange->job.request.method == METHOD_OPTIONS) {
		reply->status = 204;
		return ERR_OK;
	}
	return reply_error(reply, ERR_METHOD_NOT_ALLOWED, "%.*s is not among the methods named in Allow",
			   (int)exchange->method.size, exchange->method.data);
}

/* Finds the row, decodes the values of the path into *to. */
static enum err find_route(struct exchange *exchange, struct text path, char **to)
{
	struct request *request = &exchange->job.request;
	struct route_match match;

	if (request->method == METHOD_OPTIONS && text_equal(path, TEXT("*"))) {
		allow_header(&exchange->job.reply, (1u << METHOD_COUNT) - 1);
		exchange->job.reply.status = 204;
		return ERR_OK;
	}
	match = route_find_in(exchange->context->routes, exchange->context->route_count, request->method, path);
	if (match.err != ERR_OK)
		return not_routed(exchange, &match, path);
	request->route = match.route;
	request->path_param_count = match.param_count;
	for (size_t i = 0; i < match.param_count; i++) {
		long size = percent_decode(match.params[i], false, *to);

		if (size < 0)
			return reply_error(&exchange->job.reply, ERR_INVALID_PATH, "the path does not decode");
		request->path_params[i] = (struct text){*to, (size_t)size};
		*to += size;
	}
	return ERR_OK;
}

static unsigned media_bit(enum media media)
{
	switch (media) {
	case MEDIA_JSON:
		return MEDIA_BIT_JSON;
	case MEDIA_MERGE_PATCH:
		return MEDIA_BIT_MERGE_PATCH;
	case MEDIA_NDJSON:
		return MEDIA_BIT_NDJSON;
	case MEDIA_CSV:
		return MEDIA_BIT_CSV;
	case MEDIA_CLOUD_EVENT:
		return MEDIA_BIT_CLOUD_EVENT;
	case MEDIA_CLOUD_EVENTS:
		return MEDIA_BIT_CLOUD_EVENTS;
	case MEDIA_NONE:
	case MEDIA_OTHER:
		break;
	}
	return 0;
}

static enum err wrong_media(struct reply *reply, unsigned media)
{
	return reply_error(reply, ERR_UNSUPPORTED_MEDIA_TYPE, "taken here, in UTF-8:%s%s%s%s%s",
			   media & MEDIA_BIT_JSON ? " application/json" : "",
			   media & MEDIA_BIT_MERGE_PATCH ? " application/merge-patch+json" : "",
			   media & MEDIA_BIT_NDJSON ? " application/x-ndjson" : "", media & MEDIA_BIT_CSV ? " text/csv" : "",
			   media & MEDIA_BIT_CLOUD_EVENTS ? " application/cloudevents+json application/cloudevents-batch+json" : "");
}

static enum err check_media(struct exchange *exchange)
{
	struct request *request = &exchange->job.request;
	struct text coding = field(exchange, "content-encoding");
	unsigned taken = request->route->media;

	request->media = negotiate_media(field(exchange, "content-type"));
	if (request->media == MEDIA_NONE && (taken & MEDIA_BIT_JSON))
		request->media = MEDIA_JSON;
	if (taken != 0 && !(media_bit(request->media) & taken))
		return wrong_media(&exchange->job.reply, taken);
	if (coding.data == NULL || text_equal(coding, TEXT("identity")))
		return ERR_OK;
	exchange->body_is_gzip = text_equal(coding, TEXT("gzip")) || text_equal(coding, TEXT("x-gzip"));
	if (!exchange->body_is_gzip)
		return reply_error(&exchange->job.reply, ERR_UNSUPPORTED_MEDIA_TYPE, "the only Content-Encoding taken is gzip");
	return ERR_OK;
}

static enum err check_body(struct exchange *exchange)
{
	struct request *request = &exchange->job.request;
	struct reply *reply = &exchange->job.reply;
	int64_t limit = exchange->context->service->settings->body_max;
	bool streamed;
	enum err err;

	if (!exchange->has_body)
		return request->route->body == BODY_WHOLE || request->route->body == BODY_STREAM
			   ? reply_error(reply, ERR_BODY_REQUIRED, "the body is empty") : ERR_OK;
	if (request->route->body == BODY_NONE)
		return reply_error(reply, ERR_INVALID_REQUEST, "no body is taken here");
	err = request->route->raw ? ERR_OK : check_media(exchange);
	if (err != ERR_OK)
		return err;
	streamed = request->route->body == BODY_STREAM && (request->media == MEDIA_NDJSON || request->media == MEDIA_CSV);
	if (!streamed && exchange->declared != UINT64_MAX && exchange->declared > (uint64_t)limit)
		return reply_error(reply, ERR_BODY_TOO_LARGE, "the body is larger than %lld bytes", (long long)limit);
	return ERR_OK;
}

/* ?format= wins over Accept; it is taken out of the parameters, since it is the machinery's. */
static enum err check_format(struct exchange *exchange)
{
	struct request *request = &exchange->job.request;
	struct reply *reply = &exchange->job.reply;
	unsigned offered = request->route->formats != 0 ? request->route->formats : (unsigned)FORMAT_BIT_JSON;
	size_t kept = 0;
	struct text word = {0};

	for (size_t i = 0; i < request->query_count; i++) {
		if (offered != FORMAT_BIT_OTHER && text_equal(request->query[i].name, TEXT("format")) && word.data == NULL)
			word = request->query[i].value;
		else
			request->query[kept++] = request->query[i];
	}
	request->query_count = kept;
	if (offered == FORMAT_BIT_OTHER)
		return ERR_OK;
	if (word.data != NULL && !negotiate_format_word(word, &request->format)) {
		problems_add(&reply->problems, "format", "not_one_of", "format is json, csv or ndjson");
		return reply_error(reply, ERR_INVALID_PARAMETER, "format is json, csv or ndjson");
	}
	if (word.data != NULL ? (offered & (1u << request->format)) != 0
			      : negotiate_format(field(exchange, "accept"), offered, &request->format))
		return ERR_OK;
	return reply_error(reply, ERR_NOT_ACCEPTABLE, "offered here:%s%s%s", offered & FORMAT_BIT_JSON ? " application/json" : "",
			   offered & FORMAT_BIT_CSV ? " text/csv" : "", offered & FORMAT_BIT_NDJSON ? " application/x-ndjson" : "");
}

static_assert(FORMAT_BIT_CSV == 1u << FORMAT_CSV && FORMAT_BIT_NDJSON == 1u << FORMAT_NDJSON, "bits follow the enum");

/* The Authorization header when there is one, whatever it holds; else a session's cookie. */
static struct credential credential_of(const struct exchange *exchange)
{
	struct credential credential = {.text = field(exchange, "authorization")};
	const struct text *cookies;

	for (size_t i = 0; credential.text.data == NULL; i++) {
		cookies = exchange_field_at(&exchange->job.request, "cookie", i);
		if (cookies == NULL)
			break;
		credential = (struct credential){.text = auth_cookie_token(*cookies), .is_session = true};
	}
	return credential;
}

/* A browser sends the cookie also where another site made it send the request. SameSite=Strict forbids that; this does not rely on
 * it: other sites cannot add headers of their own, and browsers say where a request comes from. */
static enum err check_same_site(struct exchange *exchange)
{
	struct request *request = &exchange->job.request;
	struct text from = field(exchange, "sec-fetch-site");

	if (from.data != NULL && !text_equal(from, TEXT("same-origin")) && !text_equal(from, TEXT("none")))
		return reply_error(&exchange->job.reply, ERR_CROSS_SITE, "another site made the browser send this");
	if (request->method == METHOD_GET || request->method == METHOD_HEAD ||
	    text_equal(field(exchange, "x-requested-with"), TEXT("plumbline")))
		return ERR_OK;
	return reply_error(&exchange->job.reply, ERR_CROSS_SITE,
			   "with a session, requests other than GET carry the header X-Requested-With: plumbline");
}

static enum err check_credential(struct exchange *exchange)
{
	struct credential *credential = &exchange->job.credential;

	*credential = credential_of(exchange);
	if (!auth_is_sound(*credential))
		return reply_error(&exchange->job.reply, ERR_UNAUTHORIZED, "send the header Authorization: Bearer pl_…");
	return credential->is_session ? check_same_site(exchange) : ERR_OK;
}

static enum err check_request(struct exchange *exchange, char *to)
{
	struct request *request = &exchange->job.request;
	struct reply *reply = &exchange->job.reply;
	struct text target = origin_form(request->target);
	const char *mark = memchr(target.data, '?', target.size);
	struct text path = {target.data, mark != NULL ? (size_t)(mark - target.data) : target.size};
	struct text query = {0};
	enum err err;

	if (mark != NULL)
		query = (struct text){mark + 1, target.size - path.size - 1};
	request->method = method_by_name(exchange->method);
	if (request->method == METHOD_COUNT)
		return reply_error(reply, ERR_NOT_IMPLEMENTED_METHOD, "methods are GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS");
	err = find_route(exchange, path, &to);
	if (err != ERR_OK || reply->status != 0)
		return err;
	err = request->route->scope != SCOPE_NONE ? check_credential(exchange) : ERR_OK;
	if (err == ERR_OK)
		err = check_body(exchange);
	if (err != ERR_OK)
		return err;
	if (!query_parse(query, to, request->query, &request->query_count, &reply->problems) && !request->route->raw)
		return reply_error(reply, ERR_INVALID_PARAMETER, "the query string cannot be read");
	return check_format(exchange);
}

enum err exchange_examine(struct exchange *exchange, const struct http_head *head, bool over_limit)
{
	struct reply *reply = &exchange->job.reply;
	char *to = copy_head(exchange, head);
	const char *reason;
	enum err err = http_guard(head, &reason);

	exchange->http_1_0 = strcmp(head->version, "HTTP/1.0") == 0;
	identify(exchange);
	note_client(exchange);
	if (err != ERR_OK) {
		/* Where this request ends is not known for sure: nothing after it is read. */
		exchange->must_close = true;
		exchange->has_body = false;
		stats_count(exchange->context->service->stats, COUNTER_REFUSED_FRAMING, 1);
		return reply_error(reply, err, "%s", reason);
	}
	note_body(exchange);
	exchange->accepts_gzip = exchange->context->service->settings->gzip && negotiate_gzip(field(exchange, "accept-encoding"));
	if (over_limit) {
		exchange->must_close = true;
		stats_count(exchange->context->service->stats, COUNTER_REFUSED_CONNECTIONS, 1);
		return reply_error(reply, ERR_OVERLOADED, "too many connections are open; try again in a moment");
	}
	err = check_request(exchange, to);
	/* Whoever sends what nobody sends by mistake is not trusted with the rest of the connection either. */
	if (err == ERR_INVALID_PATH || err == ERR_NOT_IMPLEMENTED_METHOD)
		exchange->must_close = true;
	return err;
}
