#include "address.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

enum kind { KIND_PUBLIC, KIND_LOOPBACK, KIND_PRIVATE, KIND_NEVER };

struct range4 {
	uint8_t network[4];
	unsigned bits;
	enum kind kind;
};

/* The special-purpose address registries (RFC 6890 and its successors). */
static const struct range4 ranges4[] = {
	{{0, 0, 0, 0}, 8, KIND_NEVER},
	{{10, 0, 0, 0}, 8, KIND_PRIVATE},
	{{100, 100, 100, 200}, 32, KIND_NEVER}, /* metadata of Alibaba Cloud */
	{{100, 64, 0, 0}, 10, KIND_PRIVATE},
	{{127, 0, 0, 0}, 8, KIND_LOOPBACK},
	{{168, 63, 129, 16}, 32, KIND_NEVER},   /* the host of Azure */
	{{169, 254, 0, 0}, 16, KIND_NEVER},     /* link-local; metadata of most clouds */
	{{172, 16, 0, 0}, 12, KIND_PRIVATE},
	{{192, 0, 0, 0}, 24, KIND_NEVER},
	{{192, 0, 2, 0}, 24, KIND_NEVER},
	{{192, 88, 99, 0}, 24, KIND_NEVER},
	{{192, 168, 0, 0}, 16, KIND_PRIVATE},
	{{198, 18, 0, 0}, 15, KIND_NEVER},
	{{198, 51, 100, 0}, 24, KIND_NEVER},
	{{203, 0, 113, 0}, 24, KIND_NEVER},
	{{224, 0, 0, 0}, 3, KIND_NEVER},        /* multicast, reserved, broadcast */
};

struct range6 {
	uint8_t network[16];
	unsigned bits;
	enum kind kind;
};

/* Beyond these only 2000::/3 is public. */
static const struct range6 ranges6[] = {
	{{[15] = 1}, 128, KIND_LOOPBACK},
	{{0xfd, 0x00, 0x0e, 0xc2}, 32, KIND_NEVER}, /* metadata of AWS */
	{{0xfc}, 7, KIND_PRIVATE},
	{{0x20, 0x01}, 23, KIND_NEVER},             /* protocol assignments, Teredo among them */
	{{0x20, 0x01, 0x0d, 0xb8}, 32, KIND_NEVER},
	{{0x20, 0x02}, 16, KIND_NEVER},             /* 6to4 */
	{{0x3f, 0xff}, 20, KIND_NEVER},
};

static bool is_in(const uint8_t *address, const uint8_t *network, unsigned bits)
{
	unsigned rest = bits % 8;

	if (memcmp(address, network, bits / 8) != 0)
		return false;
	return rest == 0 || (address[bits / 8] ^ network[bits / 8]) >> (8 - rest) == 0;
}

static enum kind kind_of4(const uint8_t *address)
{
	for (size_t i = 0; i < sizeof ranges4 / sizeof *ranges4; i++)
		if (is_in(address, ranges4[i].network, ranges4[i].bits))
			return ranges4[i].kind;
	return KIND_PUBLIC;
}

static enum kind kind_of6(const uint8_t *address)
{
	static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff}, translated[16] = {0x00, 0x64, 0xff, 0x9b};

	/* An IPv4 address in the clothes of IPv6 is what it is. */
	if (is_in(address, mapped, 96) || is_in(address, translated, 96))
		return kind_of4(address + 12);
	for (size_t i = 0; i < sizeof ranges6 / sizeof *ranges6; i++)
		if (is_in(address, ranges6[i].network, ranges6[i].bits))
			return ranges6[i].kind;
	return address[0] >> 5 == 1 ? KIND_PUBLIC : KIND_NEVER;
}

bool address_allowed(const struct sockaddr *address, enum address_rule rule)
{
	enum kind kind = KIND_NEVER;

	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof in);
		kind = kind_of4((const uint8_t *)&in.sin_addr.s_addr);
	} else if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in;

		memcpy(&in, address, sizeof in);
		kind = kind_of6(in.sin6_addr.s6_addr);
	}
	switch (rule) {
	case ADDRESS_PUBLIC:
		return kind == KIND_PUBLIC;
	case ADDRESS_PRIVATE:
		return kind != KIND_NEVER;
	case ADDRESS_LOOPBACK:
		return kind == KIND_LOOPBACK;
	}
	return false;
}
