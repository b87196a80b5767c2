/* Where a request comes from: the address of the client, as far as it can be believed. */
#ifndef PLUMBLINE_PEER_H
#define PLUMBLINE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "text.h"

/* An IPv6 address; one of IPv4 as ::ffff:a.b.c.d. All zero: not known. */
struct peer {
	unsigned char bytes[16];
};

/* A set of networks, such as "127.0.0.1, 10.0.0.0/8, fd00::/8". */
enum { PEERS_MAX = 32 };
struct peer_network {
	struct peer start;
	unsigned bits;
};
struct peers {
	struct peer_network networks[PEERS_MAX];
	size_t count;
};

struct peer peer_of_socket(const struct sockaddr *address); /* NULL allowed */

/* One address, "192.0.2.1", "2001:db8::1", "192.0.2.1:4711" or "[2001:db8::1]:4711"; false when it is none. */
bool peer_parse(struct text text, struct peer *peer);

/* A list of networks separated by commas; "" is the empty set. False when it cannot be read or is too long. */
bool peers_parse(const char *list, struct peers *peers);
bool peers_hold(const struct peers *peers, const struct peer *peer);

/* The client behind trusted proxies. Each proxy adds the address it was called from at the end of X-Forwarded-For; so from there
 * backwards every address a trusted proxy told of is believed, and the first that is no trusted proxy is the client's. Without
 * a trusted proxy on the line the header is only what somebody claims. Takes one field; of several, the last one first. */
struct peer peer_behind(const struct peers *trusted, struct peer peer, struct text forwarded);

/* Addresses of one site count as one: an IPv6 client has a /64 to itself. */
struct peer peer_site(struct peer peer);

#endif
