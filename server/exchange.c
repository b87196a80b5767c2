#include "exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "export.h"
#include "gzip.h"
#include "intake.h"
#include "memory.h"
#include "process.h"
#include "stats.h"

struct exchange *exchange_new(struct exchange_context *context)
{
	struct exchange *exchange = memory_take(sizeof *exchange);

	memset(exchange, 0, offsetof(struct exchange, fields));
	exchange->context = context;
	exchange->answer = &exchange->job.reply;
	exchange->start_ns = process_now_ns();
	exchange->shortages = memory_shortages();
	exchange->job.owner = exchange;
	exchange->job.done = exchange_done;
	exchange->job.request.service = context->service;
	exchange->job.request.header = exchange_field;
	exchange->job.request.header_at = exchange_field_at;
	exchange->job.request.http = exchange;
	context->in_flight++;
	return exchange;
}

static void release_body(struct exchange *exchange)
{
	exchange->context->body_bytes -= exchange->reserved;
	exchange->reserved = 0;
	buffer_free(&exchange->body);
}

void exchange_free(struct exchange *exchange)
{
	if (exchange == NULL)
		return;
	exchange_abandon(exchange);
	exchange->context->in_flight--;
	release_body(exchange);
	body_stream_free(exchange->job.request.stream);
	answer_stream_free(exchange->job.request.answer);
	ingest_item_free(&exchange->job.item);
	intake_free(exchange->job.intake);
	buffer_free(&exchange->job.unpacked);
	reply_free(&exchange->job.reply);
	reply_free(&exchange->late);
	free(exchange->memory);
	free(exchange->raw_target);
	free(exchange);
}

/* Counts memory about to be used by a body; false when all bodies together would hold too much. */
static bool reserve(struct exchange *exchange, size_t bytes)
{
	struct exchange_context *context = exchange->context;

	if (bytes > (size_t)context->service->settings->memory_max - context->body_bytes)
		return false;
	context->body_bytes += bytes;
	exchange->reserved += bytes;
	return true;
}

/* The answer is in job.reply; ends it here, on the loop. */
static void ready(struct exchange *exchange, enum err err)
{
	exchange->job.reply.err = err;
	exchange_finish(exchange, &exchange->job.reply);
	exchange->answer = &exchange->job.reply;
	exchange->stage = EXCHANGE_READY;
	release_body(exchange);
}

void exchange_refuse(struct exchange *exchange, enum err err, const char *format, ...)
{
	struct reply *reply = exchange->job_out ? &exchange->late : &exchange->job.reply;
	char sentence[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof sentence, format, arguments);
	va_end(arguments);
	if (!exchange->headed)
		exchange_make_id(exchange);
	reply_free(reply);
	reply->err = reply_error(reply, err, "%s", sentence);
	exchange_abandon(exchange);
	exchange_finish(exchange, reply);
	exchange->answer = reply;
	exchange->stage = EXCHANGE_READY;
	if (!exchange->job_out)
		release_body(exchange);
}

/* ── streams ── */

/* There is room in the body's stream, or something in the answer's. */
static void stream_moved(void *owner)
{
	struct exchange *exchange = owner;

	exchange->context->wake(exchange, false);
}

static void submit(struct exchange *exchange)
{
	struct exchange_context *context = exchange->context;
	struct job *job = &exchange->job;
	bool taken;

	exchange->job_out = true;
	taken = job->single ? commit_submit(context->pool, job) : worker_submit(context->pool, job);
	if (taken)
		return;
	exchange->job_out = false;
	stats_count(context->service->stats, COUNTER_REFUSED_QUEUE, 1);
	exchange_refuse(exchange, ERR_OVERLOADED, "too many requests are waiting; try again in a moment");
}

static void stream_wait(struct exchange *exchange)
{
	struct exchange_context *context = exchange->context;

	if (context->waiting == NULL)
		context->waiting_end = &context->waiting;
	exchange->waiting_next = NULL;
	*context->waiting_end = exchange;
	context->waiting_end = &exchange->waiting_next;
	exchange->stream_waiting = true;
}

static void stream_leave(struct exchange *exchange)
{
	struct exchange_context *context = exchange->context;
	struct exchange **link = &context->waiting;

	if (!exchange->stream_waiting)
		return;
	while (*link != exchange)
		link = &(*link)->waiting_next;
	*link = exchange->waiting_next;
	if (context->waiting_end == &exchange->waiting_next)
		context->waiting_end = link;
	exchange->stream_waiting = false;
}

static void stream_submit(struct exchange *exchange)
{
	exchange->context->streams_active++;
	exchange->stream_counted = true;
	submit(exchange);
}

/* The place of a stream that ended goes to the one that waits longest. */
static void stream_uncount(struct exchange *exchange)
{
	struct exchange_context *context = exchange->context;
	struct exchange *next;

	if (!exchange->stream_counted)
		return;
	exchange->stream_counted = false;
	context->streams_active--;
	next = context->waiting;
	if (next == NULL || context->streams_active >= WORKER_STREAMS)
		return;
	stream_leave(next);
	stream_submit(next);
	context->wake(next, false);
}

void exchange_abandon(struct exchange *exchange)
{
	struct body_stream *stream = exchange->job.request.stream;

	stream_leave(exchange);
	if (exchange->job.request.answer != NULL)
		answer_stream_close(exchange->job.request.answer);
	if (stream != NULL && exchange->job_out)
		body_stream_fail(stream, ERR_REQUEST_TIMEOUT);
	if (!exchange->job_out)
		stream_uncount(exchange);
}

static void stream_begin(struct exchange *exchange)
{
	if (!reserve(exchange, BODY_STREAM_SIZE)) {
		exchange_refuse(exchange, ERR_OVERLOADED, "too many bodies are arriving; try again in a moment");
		return;
	}
	exchange->job.request.stream = body_stream_new(exchange->body_is_gzip, stream_moved, exchange);
	exchange->stage = EXCHANGE_STREAM;
}

/* A body that fits the ring is given to a worker when it is complete, like any other. Only what does not fit is read while it
 * arrives, by as many threads as there are for that; others wait for their turn, which costs nothing but the ring. */
static void stream_start(struct exchange *exchange)
{
	struct exchange_context *context = exchange->context;

	if (exchange->job_out || exchange->stream_waiting)
		return;
	if (context->streams_active < WORKER_STREAMS)
		stream_submit(exchange);
	else
		stream_wait(exchange);
}

static void stream_end(struct exchange *exchange)
{
	struct job *job = &exchange->job;

	if (exchange->received == 0) {
		exchange_refuse(exchange, ERR_BODY_REQUIRED, "the body is empty");
		return;
	}
	exchange->stage = EXCHANGE_WORK;
	body_stream_end(job->request.stream);
	if (exchange->job_out || exchange->stream_waiting)
		return;
	job->arrived = true;
	submit(exchange);
}

/* ── the way of a request ── */

void exchange_head(struct exchange *exchange, const struct http_head *head, bool over_limit)
{
	const struct route *route;
	enum err err;

	exchange->headed = true;
	err = exchange_examine(exchange, head, over_limit);
	if (err == ERR_OK && !memory_ready())
		err = reply_error(&exchange->job.reply, ERR_OVERLOADED, MEMORY_IS_SHORT);
	if (err != ERR_OK || exchange->job.reply.status != 0) {
		ready(exchange, err);
		return;
	}
	route = exchange->job.request.route;
	if (route->body == BODY_STREAM && (exchange->job.request.media == MEDIA_NDJSON || exchange->job.request.media == MEDIA_CSV))
		stream_begin(exchange);
	else
		exchange->stage = EXCHANGE_COLLECT;
}

/* What is held stays in step with what arrived, never with what was promised. */
static void collect(struct exchange *exchange, const char *data, size_t size)
{
	struct buffer *body = &exchange->body;
	size_t limit = (size_t)exchange->context->service->settings->body_max;

	if (body->size + size > limit) {
		exchange_refuse(exchange, ERR_BODY_TOO_LARGE, "the body is larger than %zu bytes", limit);
		return;
	}
	if (!reserve(exchange, size)) {
		exchange_refuse(exchange, ERR_OVERLOADED, "too many bodies are arriving; try again in a moment");
		return;
	}
	if (!buffer_grow(body, size)) {
		exchange_refuse(exchange, ERR_OVERLOADED, MEMORY_IS_SHORT);
		return;
	}
	buffer_append(body, data, size);
}

size_t exchange_body(struct exchange *exchange, const char *data, size_t size)
{
	if (exchange->stage == EXCHANGE_STREAM) {
		size_t taken = body_stream_write(exchange->job.request.stream, data, size);
		exchange->received += taken;
		if (taken < size)
			stream_start(exchange);
		return taken;
	}
	if (exchange->stage == EXCHANGE_COLLECT)
		collect(exchange, data, size);
	exchange->received += size;
	return size;
}

/* A single event whose writer is known and allowed goes to the committer without touching a worker. */
static enum err prepare(struct exchange *exchange)
{
	struct job *job = &exchange->job;
	const struct route *route = job->request.route;
	enum err err;

	if (!job->authenticated || route->prepare == NULL || job->packed || job->request.body.size > PREPARE_BODY_MAX ||
	    exchange_field(&job->request, "if-match") != NULL) /* asks the database first */
		return ERR_OK;
	err = worker_check(&job->request, &job->reply);
	return err != ERR_OK ? err : route->prepare(&job->request, &job->reply, &job->item, &job->single);
}

static enum err authenticate(struct exchange *exchange)
{
	struct job *job = &exchange->job;
	enum err err;

	if (job->request.route->scope == SCOPE_NONE)
		return ERR_OK;
	err = auth_cached(worker_pool_auth(exchange->context->pool), job->credential, &job->request.who);
	job->authenticated = err == ERR_OK;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* A streamed answer has begun: from here on the reply is the loop's. */
static void begin_sending(struct exchange *exchange)
{
	struct reply *reply = &exchange->job.reply;

	exchange->stage = EXCHANGE_SEND;
	exchange->gzipped = answer_stream_is_gzip(exchange->job.request.answer);
	if (reply->status == 0)
		reply->status = 200;
}

void exchange_complete(struct exchange *exchange)
{
	struct job *job = &exchange->job;
	const struct route *route = job->request.route;
	enum err err;

	if (exchange->stage == EXCHANGE_STREAM)
		stream_end(exchange);
	if (exchange->stage == EXCHANGE_WORK && job->request.answer != NULL && answer_stream_begun(job->request.answer))
		begin_sending(exchange);
	if (exchange->stage != EXCHANGE_COLLECT)
		return;
	if (exchange->body.size == 0 && (route->body == BODY_WHOLE || route->body == BODY_STREAM)) {
		exchange_refuse(exchange, ERR_BODY_REQUIRED, "the body is empty");
		return;
	}
	job->request.body = exchange->body.size > 0 ? buffer_text(&exchange->body) : (struct text){0};
	if (route->on_loop) {
		ready(exchange, route->run(&job->request, &job->reply));
		return;
	}
	job->packed = exchange->body_is_gzip && job->request.body.size > 0;
	err = authenticate(exchange);
	if (err == ERR_OK)
		err = prepare(exchange);
	if (memory_shortages() != exchange->shortages)
		err = reply_error(&job->reply, ERR_OVERLOADED, MEMORY_IS_SHORT);
	if (err != ERR_OK) {
		ready(exchange, err);
		return;
	}
	exchange->stage = EXCHANGE_WORK;
	if (route->watch)
		job->request.answer = answer_stream_new(false, stream_moved, exchange);
	else if (export_wanted(&job->request))
		job->request.answer = answer_stream_new(exchange->accepts_gzip, stream_moved, exchange);
	submit(exchange);
}

void exchange_done(struct job *job)
{
	struct exchange *exchange = job->owner;

	/* From here on the worker belongs to somebody else: what still arrives must not wait for a reader. */
	if (job->request.stream != NULL)
		body_stream_close(job->request.stream);
	if (job->request.answer == NULL || !answer_stream_begun(job->request.answer))
		exchange_finish(exchange, &job->reply);
	exchange->context->wake(exchange, true);
}

void exchange_returned(struct exchange *exchange)
{
	exchange->job_out = false;
	stream_uncount(exchange);
	release_body(exchange);
	/* A refusal in the meantime has answered already, and a stream is sent to its end whether its producer is there or not. */
	if (exchange->stage == EXCHANGE_WORK && exchange->job.request.answer != NULL && answer_stream_begun(exchange->job.request.answer))
		begin_sending(exchange);
	else if (exchange->stage == EXCHANGE_WORK || exchange->stage == EXCHANGE_STREAM)
		exchange->stage = EXCHANGE_READY;
}
