#include "peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

static bool is_v4(const struct peer *peer)
{
	return memcmp(peer->bytes, mapped, sizeof mapped) == 0;
}

static struct peer peer_of_v4(const void *four)
{
	struct peer peer;

	memcpy(peer.bytes, mapped, sizeof mapped);
	memcpy(peer.bytes + sizeof mapped, four, 4);
	return peer;
}

struct peer peer_of_socket(const struct sockaddr *address)
{
	struct peer peer = {{0}};

	if (address != NULL && address->sa_family == AF_INET)
		return peer_of_v4(&((const struct sockaddr_in *)(const void *)address)->sin_addr);
	if (address != NULL && address->sa_family == AF_INET6)
		memcpy(peer.bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, sizeof peer.bytes);
	return peer;
}

static struct text trimmed(struct text text)
{
	while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
		text = (struct text){text.data + 1, text.size - 1};
	while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
		text.size--;
	return text;
}

/* Without brackets and port. */
static struct text bare_address(struct text text)
{
	const char *end;

	if (text.size > 0 && text.data[0] == '[') {
		end = memchr(text.data, ']', text.size);
		return end != NULL ? (struct text){text.data + 1, (size_t)(end - text.data) - 1} : (struct text){0};
	}
	end = text.size > 0 ? memchr(text.data, ':', text.size) : NULL;
	if (end != NULL && memchr(text.data, '.', (size_t)(end - text.data)) != NULL) /* a port behind an address of IPv4 */
		return (struct text){text.data, (size_t)(end - text.data)};
	return text;
}

bool peer_parse(struct text text, struct peer *peer)
{
	char word[INET6_ADDRSTRLEN];
	unsigned char four[4];

	text = bare_address(trimmed(text));
	if (text.size == 0 || text.size >= sizeof word)
		return false;
	memcpy(word, text.data, text.size);
	word[text.size] = '\0';
	if (inet_pton(AF_INET, word, four) == 1)
		*peer = peer_of_v4(four);
	else if (inet_pton(AF_INET6, word, peer->bytes) != 1)
		return false;
	return true;
}

static bool parse_network(struct text text, struct peer_network *network)
{
	const char *slash = memchr(text.data, '/', text.size);
	struct text address = {text.data, slash != NULL ? (size_t)(slash - text.data) : text.size};
	unsigned long bits = 0;
	unsigned width;

	if (!peer_parse(address, &network->start))
		return false;
	width = is_v4(&network->start) ? 32 : 128;
	network->bits = 128;
	if (slash == NULL)
		return true;
	text = trimmed((struct text){slash + 1, text.size - address.size - 1});
	if (text.size == 0 || text.size > 3)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		bits = bits * 10 + (unsigned long)(text.data[i] - '0');
	}
	network->bits = (unsigned)bits + (128 - width);
	return bits <= width;
}

bool peers_parse(const char *list, struct peers *peers)
{
	struct text rest = trimmed(text_of(list));

	peers->count = 0;
	while (rest.size > 0) {
		const char *comma = memchr(rest.data, ',', rest.size);
		struct text word = {rest.data, comma != NULL ? (size_t)(comma - rest.data) : rest.size};

		if (peers->count == PEERS_MAX || !parse_network(word, &peers->networks[peers->count]))
			return false;
		peers->count++;
		if (comma == NULL)
			break;
		rest = (struct text){comma + 1, rest.size - word.size - 1};
		if (rest.size == 0)
			return false;
	}
	return true;
}

static bool network_holds(const struct peer_network *network, const struct peer *peer)
{
	unsigned whole = network->bits / 8, left = network->bits % 8;
	unsigned mask = left > 0 ? 0xFFu << (8 - left) & 0xFF : 0;

	return memcmp(network->start.bytes, peer->bytes, whole) == 0 &&
	       (left == 0 || ((network->start.bytes[whole] ^ peer->bytes[whole]) & mask) == 0);
}

bool peers_hold(const struct peers *peers, const struct peer *peer)
{
	for (size_t i = 0; i < peers->count; i++)
		if (network_holds(&peers->networks[i], peer))
			return true;
	return false;
}

struct peer peer_behind(const struct peers *trusted, struct peer peer, struct text forwarded)
{
	while (forwarded.size > 0 && peers_hold(trusted, &peer)) {
		const char *comma = memrchr(forwarded.data, ',', forwarded.size);
		size_t start = comma != NULL ? (size_t)(comma - forwarded.data) + 1 : 0;
		struct text last = {forwarded.data + start, forwarded.size - start};
		struct peer told;

		/* What is no address ("unknown", a name) says nothing of who called: then the proxy is all that is known. */
		if (!peer_parse(last, &told))
			break;
		peer = told;
		forwarded.size = comma != NULL ? start - 1 : 0;
	}
	return peer;
}

struct peer peer_site(struct peer peer)
{
	if (!is_v4(&peer))
		memset(peer.bytes + 8, 0, 8);
	return peer;
}
