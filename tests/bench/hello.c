/* The floor for reads: a bare libmicrohttpd that answers every request with the same body.
 * Usage: hello PORT BODY_BYTES. Same loop as the service (external epoll), nothing else. */
#include <microhttpd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

static struct MHD_Response *response;

static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *data, size_t *size, void **state)
{
	static int seen;

	(void)cls, (void)url, (void)method, (void)version, (void)data, (void)size;
	if (*state == NULL) {
		*state = &seen;
		return MHD_YES;
	}
	return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

int main(int argc, char **argv)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct MHD_Daemon *daemon;
	size_t size;
	char *body;
	int loop;

	if (argc != 3) {
		fprintf(stderr, "usage: hello PORT BODY_BYTES\n");
		return 2;
	}
	size = (size_t)strtoul(argv[2], NULL, 10);
	body = malloc(size + 1);
	if (body == NULL)
		return 1;
	memset(body, 'x', size);
	response = MHD_create_response_from_buffer(size, body, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, "Content-Type", "application/json");
	daemon = MHD_start_daemon(MHD_USE_EPOLL, (uint16_t)atoi(argv[1]), NULL, NULL, answer, NULL, MHD_OPTION_CONNECTION_LIMIT, 2000u,
				  MHD_OPTION_END);
	if (daemon == NULL)
		return 1;
	loop = epoll_create1(0);
	if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, &event) != 0)
		return 1;
	for (;;) {
		MHD_UNSIGNED_LONG_LONG timeout_ms;
		int wait_ms = -1;

		if (MHD_get_timeout(daemon, &timeout_ms) == MHD_YES)
			wait_ms = timeout_ms > 1000 ? 1000 : (int)timeout_ms;
		epoll_wait(loop, &event, 1, wait_ms);
		MHD_run(daemon);
	}
}
