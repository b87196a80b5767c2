#include "http_socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory.h"
#include "settings.h"

enum { BACKLOG = 4096, FILE_SIZE_MAX = 1 << 20 };

static int listen_on(const struct addrinfo *at)
{
	int yes = 1;
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_storage bound = {0};
	socklen_t size = sizeof bound;
	uint16_t port = 0;

	if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0)
		return 0;
	if (bound.ss_family == AF_INET)
		memcpy(&port, (char *)&bound + offsetof(struct sockaddr_in, sin_port), sizeof port);
	else
		memcpy(&port, (char *)&bound + offsetof(struct sockaddr_in6, sin6_port), sizeof port);
	return ntohs(port);
}

int http_listen(const char *address, uint16_t *port, struct buffer *fault)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char host[256], service[8];
	int fd = -1, error;

	if (!settings_split_address(address, host, port)) {
		buffer_printf(fault, "%s is not an address\n", address);
		return -1;
	}
	snprintf(service, sizeof service, "%u", (unsigned)*port);
	error = getaddrinfo(host[0] != '\0' ? host : NULL, service, &hints, &found);
	if (error != 0) {
		buffer_printf(fault, "cannot find %s: %s\n", address, gai_strerror(error));
		return -1;
	}
	errno = 0;
	for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next)
		fd = listen_on(at);
	if (fd < 0)
		buffer_printf(fault, "cannot listen on %s: %s\n", address, strerror(errno));
	else
		*port = bound_port(fd);
	freeaddrinfo(found);
	return fd;
}

void http_reset(int fd)
{
	/* Takes the socket off its connection, which sends a reset; closing it, once the library does, would have sent an end. */
	(void)connect(fd, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr));
}

char *http_read_file(const char *path, struct buffer *fault)
{
	FILE *file = fopen(path, "re");
	char *content = file != NULL ? memory_take(FILE_SIZE_MAX) : NULL;
	size_t size = content != NULL ? fread(content, 1, FILE_SIZE_MAX, file) : 0;

	if (size == 0 || size == FILE_SIZE_MAX || ferror(file)) {
		buffer_printf(fault, "cannot read %s: %s\n", path, errno != 0 ? strerror(errno) : "it is empty or too large");
		free(content);
		content = NULL;
	} else {
		content[size] = '\0';
	}
	if (file != NULL)
		fclose(file);
	return content;
}
