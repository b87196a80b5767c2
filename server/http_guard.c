#include "http_guard.h"

#include <string.h>
#include <strings.h>

static bool is_name(struct text text, const char *name)
{
	return text.size == strlen(name) && strncasecmp(text.data, name, text.size) == 0;
}

static bool is_token(struct text text)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr(marks, c) == NULL))
			return false;
	}
	return text.size > 0;
}

/* Visible characters, spaces and tabs; bytes of other charsets are let pass as RFC 9110 says. */
static bool is_field_value(struct text text)
{
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if ((c < 0x20 && c != '\t') || c == 0x7F)
			return false;
	}
	return true;
}

static bool is_digits(struct text text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return text.size > 0 && text.size <= 18;
}

static bool is_host(struct text text)
{
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c <= ' ' || c >= 0x7F || strchr("/?#@,\\\"<>^`{|}", c) != NULL)
			return false;
	}
	return true;
}

/* Fields that decide what a request is: to have two of one is to have two requests in one. */
static const char *const single_fields[] = {
	"Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Content-Encoding", "Authorization", "Expect",
	"Idempotency-Key", "Origin",
};

static bool has_repeated(const struct http_head *head)
{
	for (size_t s = 0; s < sizeof single_fields / sizeof *single_fields; s++) {
		int seen = 0;

		for (size_t i = 0; i < head->count; i++)
			seen += is_name(head->fields[i].name, single_fields[s]);
		if (seen > 1)
			return true;
	}
	return false;
}

static struct text field(const struct http_head *head, const char *name)
{
	for (size_t i = 0; i < head->count; i++)
		if (is_name(head->fields[i].name, name))
			return head->fields[i].value;
	return (struct text){0};
}

/* From `at` come blanks, then the two NULs that were CR LF, then `next`. */
static bool line_ends(const char *at, const char *next)
{
	while (at < next && (*at == ' ' || *at == '\t'))
		at++;
	return next - at == 2 && at[0] == '\0' && at[1] == '\0';
}

/* Nothing but the known separators lies between the parts: so there was no bare line feed, no U+0000 that cut a line short,
 * no folded or skipped line. The parts lie in one buffer in this order, and all of it up to head->size is ours to read. */
static bool lies_as_it_came(const struct http_head *head)
{
	const char *end = head->method + head->size;
	const char *at = head->method + strlen(head->method) + 1;

	if (head->target_at != at || head->version != at + strlen(head->target) + 1)
		return false;
	at = head->version + strlen(head->version);
	for (size_t i = 0; i < head->count; i++) {
		struct text name = head->fields[i].name, value = head->fields[i].value;

		if (name.data < at || name.data >= end || !line_ends(at, name.data) || value.data < name.data + name.size + 1 ||
		    value.data > end)
			return false;
		for (const char *c = name.data + name.size + 1; c < value.data; c++)
			if (*c != ' ' && *c != '\t')
				return false;
		at = value.data + value.size;
	}
	/* The empty line is two more NULs. */
	return at + 4 <= end && line_ends(at, end - 2) && end[-1] == '\0' && end[-2] == '\0';
}

static const char *check_fields(const struct http_head *head)
{
	for (size_t i = 0; i < head->count; i++) {
		if (!is_token(head->fields[i].name))
			return "a header field has a name that is none";
		if (!is_field_value(head->fields[i].value))
			return "a header field has a control character in its value";
	}
	if (has_repeated(head))
		return "a header field that may stand once stands twice";
	return NULL;
}

static const char *check_framing(const struct http_head *head, bool http_1_0)
{
	struct text length = field(head, "Content-Length"), coding = field(head, "Transfer-Encoding");
	struct text expect = field(head, "Expect"), host = field(head, "Host");

	if (host.data == NULL && !http_1_0)
		return "the Host header field is missing";
	if (host.data != NULL && !is_host(host))
		return "the Host header field is not a host";
	if (length.data != NULL && !is_digits(length))
		return "the Content-Length header field is not a number";
	if (coding.data != NULL && length.data != NULL)
		return "Content-Length and Transfer-Encoding stand together";
	if (coding.data != NULL && http_1_0)
		return "HTTP/1.0 has no Transfer-Encoding";
	if (coding.data != NULL && !is_name(coding, "chunked"))
		return "the only Transfer-Encoding taken is chunked";
	if (expect.data != NULL && !is_name(expect, "100-continue"))
		return "the only expectation met is 100-continue";
	return NULL;
}

static bool is_target(const char *target)
{
	for (const char *c = target; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7F || *c == '#')
			return false;
	return target[0] != '\0';
}

enum err http_guard(const struct http_head *head, const char **reason)
{
	bool http_1_0 = strcmp(head->version, "HTTP/1.0") == 0;

	*reason = NULL;
	if (head->target != NULL && strlen(head->target) > TARGET_MAX) {
		*reason = "the request target is longer than 8 KiB";
		return ERR_URI_TOO_LONG;
	}
	if (head->size > HEAD_MAX || head->more_fields) {
		*reason = "the head is larger than 16 KiB or has more than 100 fields";
		return ERR_HEADERS_TOO_LARGE;
	}
	if (head->target == NULL || (!http_1_0 && strcmp(head->version, "HTTP/1.1") != 0))
		*reason = "the request line is not that of HTTP/1.1";
	else if (head->in_place && !lies_as_it_came(head))
		*reason = "the head holds bare line feeds, folded lines or U+0000";
	else if (!is_token(text_of(head->method)))
		*reason = "the method is not a token";
	else if (!is_target(head->target))
		*reason = "the request target holds a character that has to be escaped";
	else
		*reason = check_fields(head);
	if (*reason == NULL)
		*reason = check_framing(head, http_1_0);
	return *reason != NULL ? ERR_INVALID_REQUEST : ERR_OK;
}
