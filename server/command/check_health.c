/* plumbline check-health: asks the admin listener of the service that these settings start, so that containers and scripts
 * need no HTTP client of their own. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "command.h"

enum { WAIT_S = 2, ANSWER_MAX = 4096 };

static int connect_to(const struct addrinfo *at)
{
	struct timeval wait = {.tv_sec = WAIT_S};
	int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait); /* of connect as well */
	if (connect(fd, at->ai_addr, at->ai_addrlen) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A service that listens on every address is asked on the loopback ones. */
static int reach(const char *address)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char host[256], service[8];
	uint16_t port;
	int fd = -1;

	if (!settings_split_address(address, host, &port))
		return -1;
	snprintf(service, sizeof service, "%u", (unsigned)port);
	if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
		host[0] = '\0';
	if (getaddrinfo(host[0] != '\0' ? host : NULL, service, &hints, &found) != 0)
		return -1;
	for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next)
		fd = connect_to(at);
	freeaddrinfo(found);
	return fd;
}

/* Sends the request and reads the answer to its end, or what fits. */
static void ask(int fd, const char *path, char *answer)
{
	char request[128];
	int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
	size_t held = 0;
	ssize_t got = send(fd, request, (size_t)size, MSG_NOSIGNAL);

	while (got > 0 && held < ANSWER_MAX - 1) {
		got = recv(fd, answer + held, ANSWER_MAX - 1 - held, 0);
		held += got > 0 ? (size_t)got : 0;
	}
	answer[held] = '\0';
}

static int tell(const struct settings *settings, const char *path)
{
	char answer[ANSWER_MAX] = "";
	const char *body;
	int fd = reach(settings->admin_listen);

	if (fd < 0) {
		fprintf(stderr, "plumbline: nothing answers on %s: %s\n", settings->admin_listen, strerror(errno));
		return EXIT_FAILED;
	}
	ask(fd, path, answer);
	close(fd);
	body = strstr(answer, "\r\n\r\n");
	if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || body == NULL) {
		fprintf(stderr, "plumbline: no answer from %s within %d s\n", settings->admin_listen, WAIT_S);
		return EXIT_FAILED;
	}
	fputs(body + 4, stdout);
	return fflush(stdout) == 0 && strncmp(answer + 9, "200 ", 4) == 0 ? EXIT_OK : EXIT_FAILED;
}

static int run(const struct settings *settings, int argc, char **argv, const struct buffer *faults)
{
	bool ready = argc == 2 && strcmp(argv[1], "--ready") == 0;

	(void)faults;
	if (!ready && command_no_arguments(&command_check_health, argc, argv) != EXIT_OK)
		return EXIT_USAGE;
	if (settings->admin_listen[0] == '\0')
		return command_usage_error(&command_check_health, "admin-listen is off: there is no listener to ask");
	return tell(settings, ready ? "/readyz" : "/healthz");
}

const struct command command_check_health = {
	.name = "check-health",
	.usage = "[--ready]",
	.summary = "Asks the running service whether it is well; exit code 1 when it is not.",
	.details = "  --ready   whether it is ready for requests, database and schema included",
	.run = run,
};
