#include "connection.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "memory.h"
#include "process.h"
#include "stats.h"

enum {
	LINGER_S = 5,     /* a refused body is read away for this long before the connection is cut */
	JOB_GRACE_S = 10  /* on top of two statement timeouts, before a request is answered without its job */
};

static const struct settings *settings_of(const struct connections *connections)
{
	return connections->context->service->settings;
}

struct connection *connection_open(struct connections *connections, int fd, struct peer peer)
{
	struct connection *connection = memory_zeroed(1, sizeof *connection);

	connection->fd = fd;
	connection->peer = peer;
	connection->deadline_ns = process_now_ns() + (uint64_t)settings_of(connections)->header_timeout_s * SECOND_NS;
	connection->next = connections->first;
	connection->link = &connections->first;
	if (connection->next != NULL)
		connection->next->link = &connection->next;
	connections->first = connection;
	connections->count++;
	connection->over_limit = connections->count > connections->limit;
	return connection;
}

void connection_close(struct connections *connections, struct connection *connection)
{
	if (connection == NULL)
		return;
	*connection->link = connection->next;
	if (connection->next != NULL)
		connection->next->link = connection->link;
	connections->count--;
	free(connection);
}

static void add_line(void *to, const char *name, const char *value)
{
	buffer_printf(to, "%s: %s\r\n", name, value);
}

void connection_last_words(struct connections *connections, struct connection *connection)
{
	struct exchange *exchange = connection->exchange;
	struct reply *reply = exchange->answer;
	struct buffer words = {0};

	exchange->must_close = true;
	exchange_account(exchange, reply->body.size);
	connection->lingering = true;
	connection->deadline_ns = process_now_ns() + LINGER_S * SECOND_NS;
	if (!connections->bare) {
		(void)shutdown(connection->fd, SHUT_RDWR);
		return;
	}
	buffer_printf(&words, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\n", reply->status, error_info(reply->err)->title,
		      reply->body.size);
	exchange_headers(exchange, add_line, &words);
	buffer_append_string(&words, "\r\n");
	buffer_append_text(&words, buffer_text(&reply->body));
	(void)send(connection->fd, words.data, words.size, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)shutdown(connection->fd, SHUT_WR);
	buffer_free(&words);
}

/* A client that is too slow with its head, its body or with taking its answer. */
static void cut_slow(struct connections *connections, struct connection *connection)
{
	struct exchange *exchange = connection->exchange;

	stats_count(connections->context->service->stats, COUNTER_TIMEOUTS, 1);
	if (exchange == NULL || exchange->answered || exchange->stage == EXCHANGE_SEND) {
		(void)shutdown(connection->fd, SHUT_RDWR);
		connection->deadline_ns = 0;
		return;
	}
	/* A refusal that waited for the rest of the body is told now. */
	if (exchange->stage != EXCHANGE_READY)
		exchange_refuse(exchange, ERR_REQUEST_TIMEOUT, "the %s did not arrive in time", exchange->headed ? "body" : "head");
	connection_last_words(connections, connection);
}

static void answer_without_job(struct connections *connections, struct exchange *exchange, enum err err, const char *sentence)
{
	exchange_refuse(exchange, err, "%s", sentence);
	connections->resume(exchange);
}

void connections_check(struct connections *connections, uint64_t now_ns)
{
	uint64_t grace_ns = (uint64_t)settings_of(connections)->statement_timeout_ms * 2 * (SECOND_NS / 1000) + JOB_GRACE_S * SECOND_NS;

	for (struct connection *connection = connections->first; connection != NULL; connection = connection->next) {
		struct exchange *exchange = connection->exchange;

		if (exchange != NULL && exchange->suspended) {
			/* An answer that is sent while it is made has limits of its own. */
			if (exchange->stage == EXCHANGE_WORK && exchange->job_out && exchange->job.request.answer == NULL &&
			    now_ns > exchange->complete_ns + grace_ns)
				answer_without_job(connections, exchange, ERR_DATABASE_TIMEOUT, "the database did not answer in time");
		} else if (connection->deadline_ns != 0 && now_ns > connection->deadline_ns) {
			cut_slow(connections, connection);
		}
	}
}

void connections_end_idle(struct connections *connections)
{
	for (struct connection *connection = connections->first; connection != NULL; connection = connection->next)
		if (connection->exchange == NULL)
			(void)shutdown(connection->fd, SHUT_RD);
}

void connections_end_all(struct connections *connections)
{
	for (struct connection *connection = connections->first; connection != NULL; connection = connection->next) {
		struct exchange *exchange = connection->exchange;

		if (exchange != NULL && exchange->stage == EXCHANGE_SEND) {
			exchange_abandon(exchange);
			(void)shutdown(connection->fd, SHUT_RDWR);
			connections->resume(exchange);
		} else if (exchange != NULL && exchange->suspended) {
			answer_without_job(connections, exchange, ERR_SHUTTING_DOWN, "the service is shutting down; try again");
		} else {
			(void)shutdown(connection->fd, SHUT_RDWR);
		}
	}
}
