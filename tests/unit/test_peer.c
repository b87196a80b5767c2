#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "peer.h"

static const char *show(struct peer peer)
{
	static char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, peer.bytes, text, sizeof text);
	return text;
}

static const struct {
	const char *text, *peer; /* NULL: none */
} addresses[] = {
	{"192.0.2.1", "::ffff:192.0.2.1"}, {" 192.0.2.1\t", "::ffff:192.0.2.1"}, {"192.0.2.1:4711", "::ffff:192.0.2.1"},
	{"2001:db8::1", "2001:db8::1"}, {"[2001:db8::1]:443", "2001:db8::1"}, {"[2001:db8::1]", "2001:db8::1"},
	{"::ffff:192.0.2.1", "::ffff:192.0.2.1"}, {"", NULL}, {"unknown", NULL}, {"192.0.2", NULL}, {"192.0.2.256", NULL}, {"[", NULL}, {"[]", NULL},
	{"192.0.2.1 192.0.2.2", NULL}, {"2001:db8::1::", NULL}, {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", NULL},
};

START_TEST(address)
{
	struct peer peer;
	bool read = peer_parse(text_of(addresses[_i].text), &peer);

	ck_assert_int_eq(read, addresses[_i].peer != NULL);
	if (read)
		ck_assert_str_eq(show(peer), addresses[_i].peer);
}
END_TEST

static const struct {
	const char *list, *peer;
	bool held;
} sets[] = {
	{"10.0.0.0/8", "10.255.0.1", true}, {"10.0.0.0/8", "11.0.0.1", false}, {"10.0.0.0/9", "10.127.9.9", true}, {"10.0.0.0/9", "10.128.0.0", false},
	{"127.0.0.1, 192.0.2.7", "192.0.2.7", true}, {"127.0.0.1", "127.0.0.2", false}, {"0.0.0.0/0", "203.0.113.9", true}, {"0.0.0.0/0", "2001:db8::1", false},
	{"fd00::/8", "fdab::1", true}, {"fd00::/8", "fe80::1", false}, {"::/0", "fe80::1", true}, {"2001:db8::/33", "2001:db8:7fff::1", true},
	{"2001:db8::/33", "2001:db8:8000::1", false}, {"", "127.0.0.1", false}, {"  ", "127.0.0.1", false},
};

START_TEST(networks)
{
	struct peers peers;
	struct peer peer;

	ck_assert(peers_parse(sets[_i].list, &peers) && peer_parse(text_of(sets[_i].peer), &peer));
	ck_assert_int_eq(peers_hold(&peers, &peer), sets[_i].held);
}
END_TEST

static const char *const no_lists[] = {"x", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "fd00::/129", "127.0.0.1,", ",127.0.0.1", "127.0.0.1,,::1", "10.0.0.0/0008"};

START_TEST(no_networks)
{
	struct peers peers;

	ck_assert(!peers_parse(no_lists[_i], &peers));
}
END_TEST

START_TEST(too_many_networks)
{
	char list[PEERS_MAX * 4 + 8] = "::1";
	struct peers peers;

	for (size_t i = 1; i < PEERS_MAX; i++)
		strcat(list, ",::1");
	ck_assert(peers_parse(list, &peers) && peers.count == PEERS_MAX);
	strcat(list, ",::1");
	ck_assert(!peers_parse(list, &peers));
}
END_TEST

/* From 10.0.0.0/8, which is trusted, and from elsewhere. */
static const struct {
	const char *from, *forwarded, *client;
} lines[] = {
	{"10.0.0.1", "", "::ffff:10.0.0.1"},
	{"10.0.0.1", "198.51.100.7", "::ffff:198.51.100.7"},
	{"10.0.0.1", "1.1.1.1, 198.51.100.7", "::ffff:198.51.100.7"},
	{"10.0.0.1", "1.1.1.1, 198.51.100.7, 10.2.3.4", "::ffff:198.51.100.7"},
	{"10.0.0.1", "10.9.9.9,10.8.8.8", "::ffff:10.9.9.9"},
	{"10.0.0.1", "[2001:db8::5]:99", "2001:db8::5"},
	{"10.0.0.1", "198.51.100.7, unknown", "::ffff:10.0.0.1"},
	{"10.0.0.1", ",", "::ffff:10.0.0.1"},
	{"203.0.113.1", "198.51.100.7", "::ffff:203.0.113.1"},
};

START_TEST(behind_proxies)
{
	struct peers trusted;
	struct peer from;

	ck_assert(peers_parse("10.0.0.0/8", &trusted) && peer_parse(text_of(lines[_i].from), &from));
	ck_assert_str_eq(show(peer_behind(&trusted, from, text_of(lines[_i].forwarded))), lines[_i].client);
}
END_TEST

START_TEST(of_sockets)
{
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xC0000201)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

	ck_assert_str_eq(show(peer_of_socket((const struct sockaddr *)&four)), "::ffff:192.0.2.1");
	ck_assert_str_eq(show(peer_of_socket((const struct sockaddr *)&six)), "::1");
	ck_assert_str_eq(show(peer_of_socket(NULL)), "::");
}
END_TEST

START_TEST(sites)
{
	struct peer four, six;

	ck_assert(peer_parse(TEXT("192.0.2.1"), &four) && peer_parse(TEXT("2001:db8:1:2:3:4:5:6"), &six));
	ck_assert_str_eq(show(peer_site(four)), "::ffff:192.0.2.1");
	ck_assert_str_eq(show(peer_site(six)), "2001:db8:1:2::");
}
END_TEST

Suite *suite_peer(void);
Suite *suite_peer(void)
{
	Suite *suite = suite_create("peer");
	TCase *text = tcase_create("text"), *set = tcase_create("sets");

	tcase_add_loop_test(text, address, 0, sizeof addresses / sizeof *addresses);
	tcase_add_test(text, of_sockets);
	tcase_add_test(text, sites);
	tcase_add_loop_test(set, networks, 0, sizeof sets / sizeof *sets);
	tcase_add_loop_test(set, no_networks, 0, sizeof no_lists / sizeof *no_lists);
	tcase_add_test(set, too_many_networks);
	tcase_add_loop_test(set, behind_proxies, 0, sizeof lines / sizeof *lines);
	suite_add_tcase(suite, text);
	suite_add_tcase(suite, set);
	return suite;
}
