/* The end of a request: what is sent and what is noted about it. */
#include <stdio.h>
#include <string.h>

#include "exchange.h"
#include "gzip.h"
#include "log.h"
#include "negotiate.h"
#include "process.h"
#include "shared.h"
#include "stats.h"

static bool is_not_modified(const struct exchange *exchange, const struct reply *reply)
{
	const struct request *request = &exchange->job.request;
	const struct text *header;

	if ((request->method != METHOD_GET && request->method != METHOD_HEAD) || reply->status != 200)
		return false;
	header = exchange_field(request, "if-none-match");
	return header != NULL && etag_matches(*header, reply->etag);
}

static bool takes_gzip(const struct exchange *exchange, size_t size)
{
	return exchange->accepts_gzip && size >= GZIP_MIN_SIZE;
}

void exchange_finish(struct exchange *exchange, struct reply *reply)
{
	struct buffer packed = {0};

	if (reply->err != ERR_OK)
		reply_render_error(reply, reply->err, exchange->job.request.request_id);
	if (reply->status == 0)
		reply->status = 200;
	if (reply->content_type == NULL)
		reply->content_type = "application/json";
	if (is_not_modified(exchange, reply)) {
		reply->status = 304;
		reply_drop_body(reply);
	}
	if (reply->fixed_is_gzip && !exchange->accepts_gzip)
		reply_unpack(reply);
	if (reply->shared != NULL) {
		reply->fixed = shared_plain(reply->shared);
		if (takes_gzip(exchange, reply->fixed.size)) {
			struct text smaller = shared_gzip(reply->shared);

			reply->fixed_is_gzip = smaller.size > 0;
			reply->fixed = smaller.size > 0 ? smaller : reply->fixed;
		}
	}
	if (reply->fixed.size > 0) {
		exchange->gzipped = reply->fixed_is_gzip;
		return;
	}
	/* The committer never gets here with a body worth it: what is compressed are reads, on their worker. */
	if (takes_gzip(exchange, reply->body.size) && gzip_compress(buffer_text(&reply->body), &packed)) {
		buffer_free(&reply->body);
		reply->body = packed;
		exchange->gzipped = true;
	} else {
		buffer_free(&packed);
	}
}

/* Takes the lines "Name: value\r\n" apart. */
static void add_lines(struct buffer *lines, void (*add)(void *to, const char *name, const char *value), void *to)
{
	char *line = lines->data;

	while (line != NULL && *line != '\0') {
		char *colon = strstr(line, ": "), *end = strstr(line, "\r\n");

		if (colon == NULL || end == NULL || colon > end)
			return;
		*colon = *end = '\0';
		add(to, line, colon + 2);
		*colon = ':';
		*end = '\r';
		line = end + 2;
	}
}

static void add_vary(const struct exchange *exchange, void (*add)(void *to, const char *name, const char *value), void *to)
{
	const struct settings *settings = exchange->context->service->settings;
	const struct route *route = exchange->job.request.route;
	bool formats = route != NULL && (route->formats & (route->formats - 1)) != 0;
	char value[64];
	int size = snprintf(value, sizeof value, "%s%s%s", formats ? "Accept, " : "", settings->gzip ? "Accept-Encoding, " : "",
			    settings->cors_origins[0] != '\0' ? "Origin, " : "");

	if (size <= 2)
		return;
	value[size - 2] = '\0'; /* the last comma */
	add(to, "Vary", value);
}

static void add_cors(const struct exchange *exchange, void (*add)(void *to, const char *name, const char *value), void *to)
{
	const struct request *request = &exchange->job.request;
	const struct text *origin = exchange_field(request, "origin");
	struct buffer value = {0};

	if (origin == NULL || !negotiate_origin(exchange->context->service->settings->cors_origins, *origin))
		return;
	buffer_append_text(&value, *origin);
	add(to, "Access-Control-Allow-Origin", value.data);
	buffer_free(&value);
	if (request->method != METHOD_OPTIONS) {
		add(to, "Access-Control-Expose-Headers",
		    "ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id");
		return;
	}
	add(to, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
	add(to, "Access-Control-Allow-Headers",
	    "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, X-Request-Id, Traceparent");
	add(to, "Access-Control-Max-Age", "600");
}

/* What a browser kept while somebody was signed in must be asked about before it is shown to the next. */
static const char *cache_control(const struct exchange *exchange, const struct reply *reply)
{
	if (reply->cache_control != NULL)
		return reply->cache_control;
	if (reply->no_store)
		return "no-store";
	return exchange->job.credential.is_session ? "private, no-cache" : "private";
}

void exchange_headers(struct exchange *exchange, void (*add)(void *to, const char *name, const char *value), void *to)
{
	struct reply *reply = exchange->answer;
	/* While the job is out, gzipped is the pool's and speaks of its reply, not of this one. */
	bool gzipped = reply == &exchange->job.reply && exchange->gzipped;

	if (reply->status != 204 && reply->status != 304)
		add(to, "Content-Type", reply->content_type);
	if (reply->etag[0] != '\0') {
		char etag[sizeof reply->etag + 8];

		snprintf(etag, sizeof etag, "\"%s%s\"", reply->etag, gzipped ? "-gzip" : "");
		add(to, "ETag", etag);
	}
	if (gzipped)
		add(to, "Content-Encoding", "gzip");
	add_vary(exchange, add, to);
	add(to, "Cache-Control", cache_control(exchange, reply));
	add(to, "X-Content-Type-Options", "nosniff");
	if (exchange->job.request.request_id[0] != '\0')
		add(to, "X-Request-Id", exchange->job.request.request_id);
	add_cors(exchange, add, to);
	add_lines(&reply->headers, add, to);
	if (exchange->must_close || exchange->context->draining)
		add(to, "Connection", "close");
}

void exchange_account(struct exchange *exchange, size_t body_bytes)
{
	const struct request *request = &exchange->job.request;
	const struct reply *reply = exchange->answer;
	double seconds = (double)(process_now_ns() - exchange->start_ns) / 1e9;
	enum log_level level = exchange->context->quiet && reply->status < 500 ? LOG_DEBUG : LOG_INFO;
	struct log_line line;

	if (exchange->answered)
		return;
	exchange->answered = true;
	stats_request(exchange->context->service->stats, request->route, request->method, reply->status, seconds, exchange->received,
		      body_bytes);
	stats_error(exchange->context->service->stats, reply->err);
	log_begin(&line, level, "request");
	if (!line.wanted)
		return;
	log_string(&line, "id", request->request_id);
	log_text(&line, "trace", (struct text){request->traceparent[0] != '\0' ? request->traceparent + 3 : "",
					       request->traceparent[0] != '\0' ? 32 : 0});
	log_text(&line, "method", exchange->method);
	log_string(&line, "route", request->route != NULL ? request->route->path : "none");
	if ((!exchange->job_out || exchange->stage == EXCHANGE_SEND) && request->who.org_id != 0) {
		log_int(&line, "org", request->who.org_id);
		if (request->who.key_id[0] != '\0')
			log_string(&line, "key", request->who.key_id);
		else
			log_string(&line, "source", request->who.source);
	}
	log_int(&line, "status", reply->status);
	log_decimal(&line, "ms", seconds * 1000);
	log_int(&line, "bytes", (int64_t)body_bytes);
	if (reply->err != ERR_OK)
		log_string(&line, "code", error_info(reply->err)->code);
	log_end(&line);
}

void exchange_sent(struct exchange *exchange, bool all)
{
	enum err failed = answer_stream_failed(exchange->job.request.answer);

	exchange->answer->err = failed;
	if (all || failed != ERR_OK)
		exchange_account(exchange, exchange->sent);
	else
		exchange_gone(exchange);
	exchange->answered = true;
}

void exchange_gone(const struct exchange *exchange)
{
	const struct request *request = &exchange->job.request;
	struct log_line line;

	log_begin(&line, exchange->context->quiet ? LOG_DEBUG : LOG_INFO, "client_gone");
	log_string(&line, "id", request->request_id);
	log_text(&line, "method", exchange->method);
	log_string(&line, "route", request->route != NULL ? request->route->path : "none");
	log_decimal(&line, "ms", (double)(process_now_ns() - exchange->start_ns) / 1e6);
	log_int(&line, "received", (int64_t)exchange->received);
	log_int(&line, "sent", (int64_t)exchange->sent);
	log_end(&line);
}
