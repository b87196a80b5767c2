/* What a listener sends. */
#include "http_internal.h"
#include "http_socket.h"
#include "memory.h"
#include "process.h"
#include "shared.h"

struct connection *http_connection_of(struct MHD_Connection *handle)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

void http_suspend(struct http *http, struct exchange *exchange)
{
	MHD_suspend_connection(exchange->connection);
	exchange->suspended = true;
	exchange->suspended_ns = process_now_ns();
	http->suspended++;
}

static void add_header(void *to, const char *name, const char *value)
{
	if (MHD_add_response_header(to, name, value) == MHD_NO && memory_again())
		(void)MHD_add_response_header(to, name, value);
}

/* Takes the reply's own body out of it. */
static struct MHD_Response *make_response(struct reply *reply)
{
	static char nothing[1];
	struct MHD_Response *response;

	/* The library only reads it, but takes a pointer that may be written through. */
	if (reply->fixed.size > 0 && reply->shared != NULL) {
		response = MHD_create_response_from_buffer_with_free_callback_cls(reply->fixed.size, (void *)(uintptr_t)reply->fixed.data, shared_release,
										  reply->shared);
		if (response != NULL)
			reply->shared = NULL; /* the response's now */
		return response;
	}
	if (reply->fixed.size > 0)
		return MHD_create_response_from_buffer(reply->fixed.size, (void *)(uintptr_t)reply->fixed.data, MHD_RESPMEM_PERSISTENT);
	if (reply->body.size == 0)
		return MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
	response = MHD_create_response_from_buffer(reply->body.size, reply->body.data, MHD_RESPMEM_MUST_FREE);
	if (response != NULL)
		reply->body = (struct buffer){0};
	return response;
}

enum MHD_Result http_send_answer(struct connection *connection, struct exchange *exchange)
{
	struct reply *reply = exchange->answer;
	size_t size = reply_body(reply).size;
	struct MHD_Response *response;
	enum MHD_Result result;

	exchange_account(exchange, exchange->job.request.method == METHOD_HEAD ? 0 : size);
	do
		response = make_response(reply);
	while (response == NULL && memory_again());
	if (response == NULL)
		return MHD_NO;
	exchange_headers(exchange, add_header, response);
	result = MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	connection->deadline_ns = process_now_ns() +
				  (uint64_t)http_of(exchange->context)->config.service->settings->body_timeout_s * SECOND_NS +
				  size * (SECOND_NS / SEND_RATE);
	return result;
}

void http_earn_time(struct http *http, struct connection *connection, size_t bytes, size_t rate)
{
	uint64_t latest = process_now_ns() + (uint64_t)http->config.service->settings->body_timeout_s * SECOND_NS;

	connection->deadline_ns += bytes * (SECOND_NS / rate);
	if (connection->deadline_ns > latest)
		connection->deadline_ns = latest;
}

/* The library has room for more of an answer that is made while it is sent. */
static ssize_t on_room(void *cls, uint64_t position, char *to, size_t size)
{
	struct exchange *exchange = cls;
	struct connection *connection = http_connection_of(exchange->connection);
	long got = answer_stream_read(exchange->job.request.answer, to, size);

	(void)position;
	if (got > 0) {
		exchange->sent += (uint64_t)got;
		http_earn_time(http_of(exchange->context), connection, (size_t)got, SEND_RATE);
		return got;
	}
	if (got == ANSWER_NOTHING) {
		http_suspend(http_of(exchange->context), exchange);
		return 0;
	}
	if (got == ANSWER_ENDED)
		return MHD_CONTENT_READER_END_OF_STREAM;
	/* Without chunks the end of the connection is the end of the body: only a reset tells that something is missing. */
	if (exchange->http_1_0)
		http_reset(connection->fd);
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

enum MHD_Result http_send_stream(struct connection *connection, struct exchange *exchange)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	do
		response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, LIBRARY_MEMORY, on_room, exchange, NULL);
	while (response == NULL && memory_again());
	if (response == NULL)
		return MHD_NO;
	exchange_headers(exchange, add_header, response);
	result = MHD_queue_response(exchange->connection, (unsigned)exchange->answer->status, response);
	MHD_destroy_response(response);
	connection->deadline_ns =
	    process_now_ns() + (uint64_t)http_of(exchange->context)->config.service->settings->body_timeout_s * SECOND_NS;
	return result;
}
