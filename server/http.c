#include "http_internal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "connection.h"
#include "http_socket.h"
#include "http_tls.h"
#include "log.h"
#include "memory.h"
#include "process.h"
#include "stats.h"

enum {
	TICK_MS = 250,      /* between two looks at the deadlines */
	RESERVE_MIN = 64,   /* connections above the limit that are accepted to be told 503 */
	LAST_TAKEN_S = 1,   /* before no more are accepted, for those that have connected already */
	LAST_ANSWERS_S = 2  /* after the time to drain is up, for the last answers to leave */
};

/* ── the list of exchanges other threads want looked at ── */

static void knock(struct http *http)
{
	uint64_t one = 1;

	while (write(http->event_fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

static void wake(struct exchange *exchange, bool done)
{
	struct http *http = http_of(exchange->context);
	bool first;

	pthread_mutex_lock(&http->mutex);
	first = http->list == NULL;
	exchange->woken_done = exchange->woken_done || done;
	if (!exchange->listed) {
		exchange->listed = true;
		exchange->list_next = http->list;
		http->list = exchange;
	}
	pthread_mutex_unlock(&http->mutex);
	/* From here on the exchange may be gone. */
	if (first)
		knock(http);
}

static void resume(struct exchange *exchange)
{
	struct http *http = http_of(exchange->context);
	struct connection *connection = http_connection_of(exchange->connection);

	if (!exchange->suspended || exchange->gone)
		return;
	/* Time during which we did not read is not the client's. */
	if (connection != NULL && connection->deadline_ns != 0)
		connection->deadline_ns += process_now_ns() - exchange->suspended_ns;
	exchange->suspended = false;
	http->suspended--;
	MHD_resume_connection(exchange->connection);
}

/* The next exchange of the list, NULL when there is none. One at a time: others may list it again while it is looked at. */
static struct exchange *next_listed(struct http *http, bool *done)
{
	struct exchange *exchange;

	pthread_mutex_lock(&http->mutex);
	exchange = http->list;
	if (exchange != NULL) {
		http->list = exchange->list_next;
		exchange->listed = false;
		*done = exchange->woken_done;
		exchange->woken_done = false;
	}
	pthread_mutex_unlock(&http->mutex);
	return exchange;
}

/* Frees an exchange whose connection is done with it, unless the pool or the list still holds it: then it comes by again. */
static void release(struct http *http, struct exchange *exchange)
{
	bool listed;

	exchange->gone = true;
	pthread_mutex_lock(&http->mutex);
	listed = exchange->listed;
	pthread_mutex_unlock(&http->mutex);
	if (!listed && !exchange->job_out)
		exchange_free(exchange);
}

static void look_at_list(struct http *http)
{
	struct exchange *exchange;
	bool done;

	while ((exchange = next_listed(http, &done)) != NULL) {
		if (done)
			exchange_returned(exchange);
		if (exchange->gone)
			release(http, exchange);
		else
			resume(exchange);
	}
}

/* ── requests ── */

/* The request line is there. What is returned becomes the request's own pointer in the calls to come. */
static void *on_request_line(void *cls, const char *target, struct MHD_Connection *handle)
{
	struct http *http = cls;
	struct connection *connection = http_connection_of(handle);
	struct exchange *exchange = exchange_new(&http->context);

	exchange->connection = handle;
	exchange->raw_target_at = target;
	exchange->raw_target = target != NULL ? memory_string(target) : NULL;
	if (connection != NULL) {
		connection->exchange = exchange;
		connection->deadline_ns = exchange->start_ns + (uint64_t)http->config.service->settings->header_timeout_s * SECOND_NS;
	}
	return exchange;
}

struct field_list {
	struct param items[FIELDS_MAX];
	size_t count; /* of all, also of those that had no place */
};

static enum MHD_Result add_field(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value,
				 size_t value_size)
{
	struct field_list *list = cls;

	(void)kind;
	if (list->count < FIELDS_MAX)
		list->items[list->count] = (struct param){{name, name_size}, {value != NULL ? value : "", value_size}};
	list->count++;
	return MHD_YES;
}

static void examine(struct http *http, struct connection *connection, struct exchange *exchange, const char *method,
		    const char *version)
{
	const union MHD_ConnectionInfo *size =
	    MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct field_list list;
	struct http_head head = {.method = method, .target = exchange->raw_target, .target_at = exchange->raw_target_at, .version = version};

	list.count = 0;
	(void)MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, add_field, &list);
	head.fields = list.items;
	head.count = list.count < FIELDS_MAX ? list.count : FIELDS_MAX;
	head.more_fields = list.count > FIELDS_MAX;
	head.size = size != NULL ? size->header_size : 0;
	/* Only of this version is it known that it parses in place and leaves everything where it was. */
	head.in_place = strncmp(MHD_get_version(), "0.9.75", 6) == 0;
	exchange->job.client = connection->peer;
	exchange_head(exchange, &head, connection->over_limit);
	connection->deadline_ns = process_now_ns() + (uint64_t)http->config.service->settings->body_timeout_s * SECOND_NS;
}

/* After the head of a request that is refused: where its body goes. */
static enum MHD_Result refuse_early(struct http *http, struct connection *connection, struct exchange *exchange)
{
	/* A client that waits for "100 Continue" has not sent anything; one whose framing is in doubt is not read further. */
	if (exchange->must_close || exchange->expects_continue) {
		exchange->must_close = true;
		return http_send_answer(connection, exchange);
	}
	if (exchange->declared > DISCARD_MAX) {
		if (!http->connections.bare) {
			exchange->must_close = true;
			return http_send_answer(connection, exchange);
		}
		connection_last_words(&http->connections, connection);
	}
	return MHD_YES;
}

static enum MHD_Result on_body(struct http *http, struct connection *connection, struct exchange *exchange, const char *data,
			       size_t *size)
{
	size_t taken = exchange_body(exchange, data, *size);

	*size = exchange->stage == EXCHANGE_READY ? 0 : *size - taken;
	if (connection->lingering)
		return MHD_YES;
	if (exchange->stage == EXCHANGE_READY && exchange->received > DISCARD_MAX && exchange->declared - exchange->received > DISCARD_MAX)
		connection_last_words(&http->connections, connection);
	else if (*size > 0)
		http_suspend(http, exchange);
	http_earn_time(http, connection, taken, BODY_RATE);
	return MHD_YES;
}

static enum MHD_Result on_complete(struct http *http, struct connection *connection, struct exchange *exchange)
{
	if (connection->lingering)
		return MHD_NO;
	if (exchange->complete_ns == 0)
		exchange->complete_ns = process_now_ns();
	exchange_complete(exchange);
	if (exchange->stage == EXCHANGE_READY)
		return http_send_answer(connection, exchange);
	if (exchange->stage == EXCHANGE_SEND)
		return http_send_stream(connection, exchange);
	connection->deadline_ns = 0;
	http_suspend(http, exchange);
	return MHD_YES;
}

/* Called once for the head, for each piece of the body, and once more when all is there (again after each resume). */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *handle, const char *url, const char *method,
				  const char *version, const char *data, size_t *size, void **context)
{
	struct http *http = cls;
	struct exchange *exchange = *context;
	struct connection *connection = http_connection_of(handle);

	(void)url; /* decoded by the library, which cuts it at an encoded U+0000: the raw target is what counts */
	if (exchange == NULL || connection == NULL)
		return MHD_NO;
	if (!exchange->headed) {
		examine(http, connection, exchange, method, version);
		/* Without a body the answer waits for the next call: given now, the library would close the connection. */
		if (exchange->stage == EXCHANGE_READY && (exchange->has_body || exchange->must_close))
			return refuse_early(http, connection, exchange);
		return MHD_YES;
	}
	if (*size > 0)
		return on_body(http, connection, exchange, data, size);
	return on_complete(http, connection, exchange);
}

static void on_request_end(void *cls, struct MHD_Connection *handle, void **context, enum MHD_RequestTerminationCode how)
{
	struct http *http = cls;
	struct exchange *exchange = *context;
	struct connection *connection = http_connection_of(handle);
	const struct settings *settings = http->config.service->settings;

	*context = NULL;
	if (connection != NULL) {
		connection->exchange = NULL;
		connection->deadline_ns =
		    process_now_ns() + (uint64_t)(settings->idle_timeout_s + settings->header_timeout_s) * SECOND_NS;
	}
	if (exchange == NULL)
		return;
	if (exchange->stage == EXCHANGE_SEND)
		exchange_sent(exchange, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	else if (!exchange->answered && exchange->headed)
		exchange_gone(exchange);
	exchange_abandon(exchange);
	release(http, exchange);
}

/* ── connections ── */

static void on_connection(void *cls, struct MHD_Connection *handle, void **socket_context, enum MHD_ConnectionNotificationCode code)
{
	struct http *http = cls;
	const union MHD_ConnectionInfo *info;
	int fd;

	if (code != MHD_CONNECTION_NOTIFY_STARTED) {
		connection_close(&http->connections, *socket_context);
		*socket_context = NULL;
		return;
	}
	info = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CONNECTION_FD);
	fd = info != NULL ? info->connect_fd : -1;
	info = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	*socket_context = connection_open(&http->connections, fd, peer_of_socket(info != NULL ? info->client_addr : NULL));
	if (!http->config.quiet)
		stats_count(http->config.service->stats, COUNTER_CONNECTIONS, 1);
}

static void show_gauges(struct http *http)
{
	struct stats *stats = http->config.service->stats;

	if (http->config.quiet)
		return;
	stats_gauge(stats, GAUGE_CONNECTIONS, (double)http->connections.count);
	stats_gauge(stats, GAUGE_CONNECTIONS_LIMIT, (double)http->config.connections);
	stats_gauge(stats, GAUGE_REQUESTS_IN_FLIGHT, (double)http->context.in_flight);
	stats_gauge(stats, GAUGE_BODY_BYTES, (double)http->context.body_bytes);
	stats_gauge(stats, GAUGE_QUEUE_LIMIT, (double)http->config.service->settings->queue);
	if (http->config.pool == NULL)
		return;
	stats_gauge(stats, GAUGE_QUEUE_WORK, (double)worker_queue_depth(http->config.pool));
	stats_gauge(stats, GAUGE_QUEUE_COMMIT, (double)commit_queue_depth(http->config.pool));
}

/* ── draining ── */

/* Whether someone has connected whom the library has not accepted yet: closing the socket would reset them, with the request
 * they may have sent. It accepts a few a round. */
static bool someone_waits(struct http *http)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_LISTEN_FD);
	struct pollfd listening = {.fd = info != NULL ? info->listen_fd : -1, .events = POLLIN};

	return poll(&listening, 1, 0) > 0;
}

static void start_draining(struct http *http, uint64_t now)
{
	MHD_socket fd = MHD_quiesce_daemon(http->daemon);

	if (fd != MHD_INVALID_SOCKET)
		close(fd);
	http->context.draining = true;
	http->drain_deadline_ns = now + (uint64_t)http->config.service->settings->drain_timeout_s * SECOND_NS;
	connections_end_idle(&http->connections);
}

/* True when there is nothing left to wait for. */
static bool drain(struct http *http, uint64_t now)
{
	if (!http->context.draining) {
		if (http->close_deadline_ns == 0)
			http->close_deadline_ns = now + LAST_TAKEN_S * SECOND_NS;
		if (now < http->close_deadline_ns && someone_waits(http))
			return false;
		start_draining(http, now);
	}
	if (http->connections.count == 0)
		return true;
	if (now <= http->drain_deadline_ns)
		return false;
	if (!http->drained)
		connections_end_all(&http->connections);
	http->drained = true;
	return http->suspended == 0 && now > http->drain_deadline_ns + LAST_ANSWERS_S * SECOND_NS;
}

/* ── the loop ── */

static int wait_ms(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG library_ms;

	if (MHD_get_timeout(http->daemon, &library_ms) == MHD_YES && library_ms < TICK_MS)
		return (int)library_ms;
	return TICK_MS;
}

static void clear_knocks(struct http *http)
{
	uint64_t knocks;

	while (read(http->event_fd, &knocks, sizeof knocks) < 0 && errno == EINTR)
		;
}

bool http_run(struct http *http)
{
	struct pollfd fds[2] = {{.fd = http->epoll_fd, .events = POLLIN}, {.fd = http->event_fd, .events = POLLIN}};
	bool sound = true;

	while (sound) {
		uint64_t now;

		if (poll(fds, 2, wait_ms(http)) < 0 && errno != EINTR)
			sound = false;
		if (fds[1].revents != 0)
			clear_knocks(http);
		look_at_list(http);
		if (MHD_run(http->daemon) != MHD_YES)
			sound = false;
		now = process_now_ns();
		if (now >= http->next_tick_ns) {
			connections_check(&http->connections, now);
			show_gauges(http);
			if (http->context.draining)
				connections_end_idle(&http->connections);
			http->next_tick_ns = now + TICK_MS * (SECOND_NS / 1000);
		}
		if (atomic_load(&http->drain_wanted) && drain(http, now))
			break;
	}
	if (!sound)
		log_say(LOG_ERROR, "loop_broke", "%s: %s", http->config.name, strerror(errno));
	/* The library aborts the process when it is stopped with a connection suspended. */
	do {
		connections_end_all(&http->connections);
		(void)MHD_run(http->daemon);
	} while (http->suspended > 0);
	MHD_stop_daemon(http->daemon);
	http->daemon = NULL;
	return sound;
}

void http_drain(struct http *http)
{
	atomic_store(&http->drain_wanted, true);
	knock(http);
}

void http_reload(struct http *http)
{
	struct buffer fault = {0};

	if (!http->tls)
		log_say(LOG_INFO, "reload", "%s speaks plain HTTP: there is no certificate to read again", http->config.name);
	else if (!http_tls_load(http->config.tls_cert, http->config.tls_key, &fault))
		log_say(LOG_ERROR, "tls_certificate", "the one before is still shown: %s", fault.data);
	buffer_free(&fault);
}

uint16_t http_port(const struct http *http)
{
	return http->port;
}

/* ── start and end ── */

__attribute__((format(printf, 2, 0))) static void library_log(void *cls, const char *format, va_list arguments)
{
	char sentence[512];

	(void)cls;
	vsnprintf(sentence, sizeof sentence, format, arguments);
	sentence[strcspn(sentence, "\r\n")] = '\0';
	log_say(LOG_DEBUG, "http_library", "%s", sentence);
}

/* The raw target is decoded by ourselves, piece by piece: the library shall leave it alone. */
static size_t leave_escaped(void *cls, struct MHD_Connection *handle, char *string)
{
	(void)cls;
	(void)handle;
	return strlen(string);
}

static bool start_library(struct http *http, int fd)
{
	size_t reserve = (size_t)http->config.connections / 8 > RESERVE_MIN ? (size_t)http->config.connections / 8 : RESERVE_MIN;
	unsigned limit = (unsigned)((size_t)http->config.connections + reserve);
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (http->tls ? MHD_USE_TLS : 0u);
	gnutls_certificate_retrieve_function2 *retrieve = http_tls_retrieve;
	char priorities[] = HTTP_TLS_PRIORITIES;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(intptr_t)retrieve},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
		{MHD_OPTION_END, 0, NULL},
	};
	const union MHD_DaemonInfo *info;

	if (!http->tls)
		tls[0] = tls[2];
	http->daemon = MHD_start_daemon(
	    flags, http->port, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, library_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_LIMIT, limit, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)LIBRARY_MEMORY,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)http->config.service->settings->idle_timeout_s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, http, MHD_OPTION_UNESCAPE_CALLBACK,
	    leave_escaped, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_NOTIFY_COMPLETED, on_request_end, http,
	    MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (http->daemon == NULL)
		return false;
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	http->epoll_fd = info != NULL ? info->epoll_fd : -1;
	return http->epoll_fd >= 0;
}

static void set_context(struct http *http)
{
	struct exchange_context *context = &http->context;

	*context = (struct exchange_context){
		.service = http->config.service, .routes = http->config.routes, .route_count = http->config.route_count,
		.pool = http->config.pool, .wake = wake, .quiet = http->config.quiet,
	};
	http->connections = (struct connections){
		.limit = (size_t)http->config.connections, .bare = !http->tls, .context = context, .resume = resume,
	};
	(void)peers_parse(http->config.service->settings->trusted_proxies, &context->trusted); /* the settings have seen to it that it can be read */
	if (getrandom(&context->id_seed, sizeof context->id_seed, 0) < 0)
		context->id_seed = process_now_ns();
}

struct http *http_new(const struct http_config *config, struct buffer *fault)
{
	struct http *http = memory_zeroed(1, sizeof *http);
	int fd = -1;

	http->config = *config;
	http->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&http->mutex, NULL);
	http->tls = config->tls_cert[0] != '\0';
	if (http->tls && !http_tls_load(config->tls_cert, config->tls_key, fault))
		goto out;
	set_context(http);
	fd = http_listen(config->address, &http->port, fault);
	if (fd < 0)
		goto out;
	if (http->event_fd >= 0 && start_library(http, fd))
		return http;
	buffer_printf(fault, "cannot start the listener on %s\n", config->address);
	if (http->daemon == NULL)
		close(fd);
out:
	http_free(http);
	return NULL;
}

void http_free(struct http *http)
{
	if (http == NULL)
		return;
	if (http->daemon != NULL)
		MHD_stop_daemon(http->daemon);
	look_at_list(http);
	if (http->event_fd >= 0)
		close(http->event_fd);
	pthread_mutex_destroy(&http->mutex);
	if (http->tls)
		http_tls_free();
	free(http);
}
