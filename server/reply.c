#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gzip.h"
#include "request.h"
#include "shared.h"

enum err reply_error(struct reply *reply, enum err err, const char *format, ...)
{
	va_list arguments;

	buffer_clear(&reply->detail);
	va_start(arguments, format);
	buffer_vprintf(&reply->detail, format, arguments);
	va_end(arguments);
	buffer_shorten(&reply->detail, SENTENCE_MAX);
	return err;
}

void reply_header(struct reply *reply, const char *name, const char *value)
{
	for (const char *c = value; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7F)
			return;
	buffer_printf(&reply->headers, "%s: %s\r\n", name, value);
}

static bool has_header(const struct reply *reply, const char *name)
{
	size_t size = strlen(name);
	const char *line = reply->headers.data;

	while (line != NULL && *line != '\0') {
		if (strncasecmp(line, name, size) == 0 && line[size] == ':')
			return true;
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	return false;
}

static void append_member(struct buffer *body, const char *name, struct text value)
{
	buffer_printf(body, ",\"%s\":", name);
	buffer_append_json_string(body, value);
}

static void append_problems(struct buffer *body, const struct problems *problems)
{
	buffer_append_string(body, ",\"errors\":[");
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->items[i];

		buffer_append_string(body, i == 0 ? "{\"pointer\":" : ",{\"pointer\":");
		buffer_append_json_string(body, text_of(problem->pointer));
		append_member(body, "code", text_of(problem->code));
		append_member(body, "message", text_of(problem->message));
		buffer_append_string(body, "}");
	}
	buffer_append_string(body, "]");
}

void reply_render_error(struct reply *reply, enum err err, const char *request_id)
{
	const struct error_info *info = error_info(err);
	struct buffer *body = &reply->body;

	reply->err = err;
	if (reply->status == 0)
		reply->status = info->status;
	reply->content_type = "application/problem+json";
	reply->etag[0] = '\0';
	reply->no_store = true;
	reply->cache_control = NULL;
	reply_drop_body(reply);
	buffer_printf(body, "{\"type\":\"urn:plumbline:problem:%s\"", info->code);
	append_member(body, "title", text_of(info->title));
	buffer_printf(body, ",\"status\":%d", reply->status);
	if (reply->detail.size > 0)
		append_member(body, "detail", buffer_text(&reply->detail));
	append_member(body, "code", text_of(info->code));
	append_member(body, "request_id", text_of(request_id));
	append_problems(body, &reply->problems);
	buffer_append_string(body, "}\n");
	if (reply->status == 401 && !has_header(reply, "WWW-Authenticate"))
		reply_header(reply, "WWW-Authenticate", "Bearer realm=\"plumbline\"");
	if ((reply->status == 503 || reply->status == 429) && !has_header(reply, "Retry-After"))
		reply_header(reply, "Retry-After", "1");
}

struct text reply_body(const struct reply *reply)
{
	if (reply->fixed.size > 0)
		return reply->fixed;
	return reply->shared != NULL ? shared_plain(reply->shared) : buffer_text(&reply->body);
}

void reply_packed(struct reply *reply, struct text packed)
{
	reply->fixed = packed;
	reply->fixed_is_gzip = true;
}

void reply_unpack(struct reply *reply)
{
	struct text packed = reply->fixed;

	reply_drop_body(reply);
	(void)gzip_expand(packed, SIZE_MAX / 2, &reply->body); /* made by us, so it is sound */
}

void reply_drop_body(struct reply *reply)
{
	reply->fixed = (struct text){0};
	reply->fixed_is_gzip = false;
	shared_release(reply->shared);
	reply->shared = NULL;
	buffer_clear(&reply->body);
}

void reply_free(struct reply *reply)
{
	reply_drop_body(reply);
	buffer_free(&reply->body);
	buffer_free(&reply->headers);
	buffer_free(&reply->detail);
	problems_free(&reply->problems);
	*reply = (struct reply){0};
}

static struct text trim(struct text text)
{
	while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
		text.data++;
		text.size--;
	}
	while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
		text.size--;
	return text;
}

/* One member of the list: W/"tag-gzip" → tag. */
static bool tag_is(struct text tag, const char *etag)
{
	static const char suffix[] = "-gzip";
	size_t suffix_size = sizeof suffix - 1;

	if (tag.size > 2 && tag.data[0] == 'W' && tag.data[1] == '/')
		tag = (struct text){tag.data + 2, tag.size - 2};
	if (tag.size < 2 || tag.data[0] != '"' || tag.data[tag.size - 1] != '"')
		return false;
	tag = (struct text){tag.data + 1, tag.size - 2};
	if (text_equal_string(tag, etag))
		return true;
	if (tag.size < suffix_size || memcmp(tag.data + tag.size - suffix_size, suffix, suffix_size) != 0)
		return false;
	tag.size -= suffix_size;
	return text_equal_string(tag, etag);
}

bool etag_matches(struct text header, const char *etag)
{
	if (header.data == NULL || etag[0] == '\0')
		return false;
	header = trim(header);
	if (text_equal_string(header, "*"))
		return true;
	while (header.size > 0) {
		const char *comma = memchr(header.data, ',', header.size);
		size_t size = comma != NULL ? (size_t)(comma - header.data) : header.size;

		if (tag_is(trim((struct text){header.data, size}), etag))
			return true;
		size += comma != NULL;
		header = (struct text){header.data + size, header.size - size};
	}
	return false;
}
