/* Listening sockets and last words. */
#ifndef PLUMBLINE_HTTP_SOCKET_H
#define PLUMBLINE_HTTP_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

/* Listens on host:port without blocking; -1 with a sentence added to fault. *port is the one bound. */
int http_listen(const char *address, uint16_t *port, struct buffer *fault);

/* Ends a connection so that the other side cannot take it for a regular end. */
void http_reset(int fd);

/* A whole file as a string; NULL with a sentence added to fault. malloc'd. */
char *http_read_file(const char *path, struct buffer *fault);

#endif
