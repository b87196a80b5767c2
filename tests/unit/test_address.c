/* Which addresses may be called: the special ones of the registries, in every clothing. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "address.h"

Suite *suite_address(void);

enum { NEVER = 0, PUBLIC = 1, PRIVATE = 2, LOOPBACK = 6 }; /* bits: public rule, private rule, loopback rule */

static const struct {
	const char *address;
	int allowed;
} cases[] = {
    {"8.8.8.8", PUBLIC | PRIVATE},
    {"1.1.1.1", PUBLIC | PRIVATE},
    {"100.63.255.255", PUBLIC | PRIVATE},
    {"100.128.0.0", PUBLIC | PRIVATE},
    {"172.15.255.255", PUBLIC | PRIVATE},
    {"172.32.0.0", PUBLIC | PRIVATE},
    {"223.255.255.255", PUBLIC | PRIVATE},
    {"0.0.0.0", NEVER},
    {"0.1.2.3", NEVER},
    {"10.0.0.0", PRIVATE},
    {"10.255.255.255", PRIVATE},
    {"100.64.0.1", PRIVATE},
    {"100.127.255.255", PRIVATE},
    {"100.100.100.200", NEVER},
    {"127.0.0.1", LOOPBACK},
    {"127.255.255.255", LOOPBACK},
    {"168.63.129.16", NEVER},
    {"168.63.129.17", PUBLIC | PRIVATE},
    {"169.254.169.254", NEVER},
    {"172.16.0.1", PRIVATE},
    {"172.31.255.255", PRIVATE},
    {"192.0.0.192", NEVER},
    {"192.0.2.1", NEVER},
    {"192.88.99.1", NEVER},
    {"192.168.0.1", PRIVATE},
    {"198.18.0.1", NEVER},
    {"198.19.255.255", NEVER},
    {"198.20.0.0", PUBLIC | PRIVATE},
    {"198.51.100.1", NEVER},
    {"203.0.113.1", NEVER},
    {"224.0.0.1", NEVER},
    {"240.0.0.1", NEVER},
    {"255.255.255.255", NEVER},
    {"2606:4700:4700::1111", PUBLIC | PRIVATE},
    {"2a00:1450::1", PUBLIC | PRIVATE},
    {"::", NEVER},
    {"::1", LOOPBACK},
    {"::2", NEVER},
    {"::7f00:1", NEVER},
    {"::ffff:127.0.0.1", LOOPBACK},
    {"::ffff:10.0.0.1", PRIVATE},
    {"::ffff:169.254.169.254", NEVER},
    {"::ffff:8.8.8.8", PUBLIC | PRIVATE},
    {"64:ff9b::a00:1", PRIVATE},
    {"64:ff9b::a9fe:a9fe", NEVER},
    {"64:ff9b::808:808", PUBLIC | PRIVATE},
    {"100::1", NEVER},
    {"2001::1", NEVER},
    {"2001:db8::1", NEVER},
    {"2001:4860:4860::8888", PUBLIC | PRIVATE},
    {"2002:7f00:1::", NEVER},
    {"3fff::1", NEVER},
    {"fc00::1", PRIVATE},
    {"fdff::1", PRIVATE},
    {"fd00:ec2::254", NEVER},
    {"fe80::1", NEVER},
    {"fec0::1", NEVER},
    {"ff02::1", NEVER},
};

START_TEST(every_range)
{
	const char *text = cases[_i].address;
	struct sockaddr_storage storage = {0};
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	const struct sockaddr *address = (const struct sockaddr *)&storage;

	if (strchr(text, ':') == NULL) {
		ck_assert_int_eq(inet_pton(AF_INET, text, &in.sin_addr), 1);
		memcpy(&storage, &in, sizeof in);
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
		memcpy(&storage, &in6, sizeof in6);
	}
	ck_assert_msg(address_allowed(address, ADDRESS_PUBLIC) == ((cases[_i].allowed & 1) != 0), "%s: public", text);
	ck_assert_msg(address_allowed(address, ADDRESS_PRIVATE) == ((cases[_i].allowed & 2) != 0), "%s: private", text);
	ck_assert_msg(address_allowed(address, ADDRESS_LOOPBACK) == ((cases[_i].allowed & 4) != 0), "%s: loopback", text);
}
END_TEST

START_TEST(other_families)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX};

	for (int rule = ADDRESS_PUBLIC; rule <= ADDRESS_LOOPBACK; rule++)
		ck_assert(!address_allowed((const struct sockaddr *)&local, (enum address_rule)rule));
}
END_TEST

Suite *suite_address(void)
{
	Suite *suite = suite_create("address");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, every_range, 0, (int)(sizeof cases / sizeof *cases));
	tcase_add_test(all, other_families);
	suite_add_tcase(suite, all);
	return suite;
}
