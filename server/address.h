/* Which addresses the service may call on somebody's behalf. The one that gives an address to call could otherwise have the service
 * speak to machines that only it can reach. */
#ifndef PLUMBLINE_ADDRESS_H
#define PLUMBLINE_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

enum address_rule {
	ADDRESS_PUBLIC,   /* of the Internet only */
	ADDRESS_PRIVATE,  /* those of private networks and of this machine too; never link-local ones, where clouds keep their credentials */
	ADDRESS_LOOPBACK  /* of this machine only */
};

/* Of a resolved address. Pure; anything but IPv4 and IPv6 is refused. */
bool address_allowed(const struct sockaddr *address, enum address_rule rule);

#endif
