/* The guard: one broken head a row, and what the library leaves in its buffer. */
#include <check.h>
#include <string.h>

#include "http_guard.h"

Suite *suite_http_guard(void);

enum { FIELDS = 4 };

static const struct {
	const char *method, *target, *version;
	const char *fields[FIELDS]; /* "Name: value" */
	enum err err;
} cases[] = {
	{"GET", "/", "HTTP/1.1", {"Host: x"}, ERR_OK},
	{"GET", "/", "HTTP/1.0", {NULL}, ERR_OK},
	{"GET", "/?a=b&c", "HTTP/1.1", {"Host: [::1]:80"}, ERR_OK},
	{"GET", "/ä", "HTTP/1.1", {"Host: x"}, ERR_OK},
	{"GET", "http://x/", "HTTP/1.1", {"Host: "}, ERR_OK},
	{"POST", "/", "HTTP/1.1", {"Host: x", "Content-Length: 0"}, ERR_OK},
	{"POST", "/", "HTTP/1.1", {"Host: x", "Content-Length: 123456789012345678"}, ERR_OK},
	{"POST", "/", "HTTP/1.1", {"Host: x", "Transfer-Encoding: Chunked"}, ERR_OK},
	{"POST", "/", "HTTP/1.1", {"Host: x", "Expect: 100-Continue"}, ERR_OK},
	{"GET", "/", "HTTP/1.1", {"Host: x", "X: \t\x80\xff"}, ERR_OK},
	{"GET", "/", "HTTP/1.1", {"Host: x", "Accept: a", "Accept: b"}, ERR_OK},
	{"GET", NULL, "HTTP/1.1", {"Host: x"}, ERR_INVALID_REQUEST},
	{"GET", "", "HTTP/1.1", {"Host: x"}, ERR_INVALID_REQUEST},
	{"GET", "/", "HTTP/1.2", {"Host: x"}, ERR_INVALID_REQUEST},
	{"GET", "/", "", {"Host: x"}, ERR_INVALID_REQUEST},
	{"G@T", "/", "HTTP/1.1", {"Host: x"}, ERR_INVALID_REQUEST},
	{"", "/", "HTTP/1.1", {"Host: x"}, ERR_INVALID_REQUEST},
	{"GET", "/a b", "HTTP/1.1", {"Host: x"}, ERR_INVALID_REQUEST},
	{"GET", "/a#b", "HTTP/1.1", {"Host: x"}, ERR_INVALID_REQUEST},
	{"GET", "/a\x7f", "HTTP/1.1", {"Host: x"}, ERR_INVALID_REQUEST},
	{"GET", "/", "HTTP/1.1", {NULL}, ERR_INVALID_REQUEST},
	{"GET", "/", "HTTP/1.1", {"Host: x", "host: x"}, ERR_INVALID_REQUEST},
	{"GET", "/", "HTTP/1.1", {"Host: x y"}, ERR_INVALID_REQUEST},
	{"GET", "/", "HTTP/1.1", {"Host: x", ": y"}, ERR_INVALID_REQUEST},
	{"GET", "/", "HTTP/1.1", {"Host: x", "A B: y"}, ERR_INVALID_REQUEST},
	{"GET", "/", "HTTP/1.1", {"Host: x", "A : y"}, ERR_INVALID_REQUEST},
	{"GET", "/", "HTTP/1.1", {"Host: x", "A: \x01"}, ERR_INVALID_REQUEST},
	{"GET", "/", "HTTP/1.1", {"Host: x", "A: \x7f"}, ERR_INVALID_REQUEST},
	{"POST", "/", "HTTP/1.1", {"Host: x", "Content-Length: 1", "Content-Length: 1"}, ERR_INVALID_REQUEST},
	{"POST", "/", "HTTP/1.1", {"Host: x", "Content-Length: 1", "Transfer-Encoding: chunked"}, ERR_INVALID_REQUEST},
	{"POST", "/", "HTTP/1.1", {"Host: x", "Content-Length: 1,1"}, ERR_INVALID_REQUEST},
	{"POST", "/", "HTTP/1.1", {"Host: x", "Content-Length: "}, ERR_INVALID_REQUEST},
	{"POST", "/", "HTTP/1.1", {"Host: x", "Content-Length: 1234567890123456789"}, ERR_INVALID_REQUEST},
	{"POST", "/", "HTTP/1.1", {"Host: x", "Transfer-Encoding: identity"}, ERR_INVALID_REQUEST},
	{"POST", "/", "HTTP/1.1", {"Host: x", "Transfer-Encoding: gzip, chunked"}, ERR_INVALID_REQUEST},
	{"POST", "/", "HTTP/1.1", {"Host: x", "Transfer-Encoding: "}, ERR_INVALID_REQUEST},
	{"POST", "/", "HTTP/1.0", {"Transfer-Encoding: chunked"}, ERR_INVALID_REQUEST},
	{"POST", "/", "HTTP/1.1", {"Host: x", "Expect: 200-ok"}, ERR_INVALID_REQUEST},
	{"GET", "/", "HTTP/1.1", {"Host: x", "Authorization: a", "AUTHORIZATION: b"}, ERR_INVALID_REQUEST},
};

static struct param split(const char *line)
{
	const char *colon = strstr(line, ": ");

	return (struct param){{line, (size_t)(colon - line)}, text_of(colon + 2)};
}

START_TEST(head_is_judged)
{
	struct param fields[FIELDS];
	struct http_head head = {.method = cases[_i].method, .target = cases[_i].target, .version = cases[_i].version, .fields = fields};
	const char *reason;
	enum err err;

	while (head.count < FIELDS && cases[_i].fields[head.count] != NULL) {
		fields[head.count] = split(cases[_i].fields[head.count]);
		head.count++;
	}
	err = http_guard(&head, &reason);
	ck_assert_msg(err == cases[_i].err, "case %d: %s", _i, reason);
	ck_assert_int_eq(reason != NULL, err != ERR_OK);
}
END_TEST

START_TEST(sizes)
{
	static char target[TARGET_MAX + 2];
	struct param host = split("Host: x");
	struct http_head head = {.method = "GET", .target = target, .version = "HTTP/1.1", .fields = &host, .count = 1};
	const char *reason;

	memset(target, '/', TARGET_MAX);
	ck_assert_int_eq(http_guard(&head, &reason), ERR_OK);
	target[TARGET_MAX] = '/';
	ck_assert_int_eq(http_guard(&head, &reason), ERR_URI_TOO_LONG);
	head.target = "/";
	head.size = HEAD_MAX;
	ck_assert_int_eq(http_guard(&head, &reason), ERR_OK);
	head.size++;
	ck_assert_int_eq(http_guard(&head, &reason), ERR_HEADERS_TOO_LARGE);
	head.size = 100;
	head.more_fields = true;
	ck_assert_int_eq(http_guard(&head, &reason), ERR_HEADERS_TOO_LARGE);
}
END_TEST

/* What lies in the buffer after the library has written NULs over the separators. */
static const struct {
	const char *bytes;
	size_t size;
	bool sound;
} layouts[] = {
#define LAYOUT(bytes, sound) {bytes, sizeof bytes - 1, sound}
	LAYOUT("GET\0/t\0HTTP/1.1\0\0Host\0 x\0\0B\0 y\0\0\0\0", true),
	LAYOUT("GET\0/t\0HTTP/1.1\0\0Host\0x\0\0B\0y\0\0\0\0", true),
	LAYOUT("GET\0/t\0HTTP/1.1\0\0Host\0 x \t\0\0B\0 y\0\0\0\0", true),
	LAYOUT("GET\0/t\0HTTP/1.1\0Host\0 x\0\0B\0 y\0\0\0\0", false),        /* bare LF after the request line */
	LAYOUT("GET\0/t\0HTTP/1.1\0\0Host\0 x\0B\0 y\0\0\0\0", false),        /* after a field */
	LAYOUT("GET\0/t\0HTTP/1.1\0\0Host\0 x\0\0B\0 y\0\0\0", false),        /* after the last, or the empty line */
	LAYOUT("GET\0/t\0HTTP/1.1\0\0Host\0 x\0\0B\0 y\0\0", false),
	LAYOUT("GET\0/t\0HTTP/1.1\0\0Host\0 x\0z\0\0B\0 y\0\0\0\0", false),   /* NUL in a value, its rest cut off */
	LAYOUT("GET\0/t\0HTTP/1.1\0\0Host\0 x\0\0\0B\0 y\0\0\0\0", false),
	LAYOUT("GET\0/t\0x HTTP/1.1\0\0Host\0 x\0\0B\0 y\0\0\0\0", false),    /* NUL in the target */
	LAYOUT("GET\0 /t\0HTTP/1.1\0\0Host\0 x\0\0B\0 y\0\0\0\0", false),     /* two blanks */
	LAYOUT("GET\0/t\0HTTP/1.1\0\0Z\0\0Host\0 x\0\0B\0 y\0\0\0\0", false), /* a line that was skipped */
};

static const char *find(const char *bytes, size_t size, const char *what)
{
	const char *found = memmem(bytes, size, what, strlen(what));

	ck_assert_ptr_nonnull(found);
	return found;
}

START_TEST(layout)
{
	const char *bytes = layouts[_i].bytes;
	size_t size = layouts[_i].size;
	struct param fields[2];
	struct http_head head = {.method = bytes, .target = "/t", .fields = fields, .count = 2, .size = size, .in_place = true};
	const char *reason;

	head.target_at = find(bytes, size, "/t");
	head.version = find(bytes, size, "HTTP/1.1");
	fields[0] = (struct param){{find(bytes, size, "Host"), 4}, {find(bytes, size, "x"), 1}};
	/* an x may also stand in the target's rest */
	if (fields[0].value.data < fields[0].name.data)
		fields[0].value.data = find(fields[0].name.data, 8, "x");
	fields[1] = (struct param){{find(bytes, size, "B"), 1}, {find(bytes, size, "y"), 1}};
	ck_assert_int_eq(http_guard(&head, &reason) == ERR_OK, layouts[_i].sound);
}
END_TEST

Suite *suite_http_guard(void)
{
	Suite *suite = suite_create("http_guard");
	TCase *tcase = tcase_create("http_guard");

	tcase_add_loop_test(tcase, head_is_judged, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tcase, sizes);
	tcase_add_loop_test(tcase, layout, 0, sizeof layouts / sizeof *layouts);
	suite_add_tcase(suite, tcase);
	return suite;
}
