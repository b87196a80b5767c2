#include "route.h"

#include <string.h>

static const struct text methods[METHOD_COUNT] = {
	[METHOD_GET] = {"GET", 3},       [METHOD_HEAD] = {"HEAD", 4},     [METHOD_POST] = {"POST", 4},
	[METHOD_PUT] = {"PUT", 3},       [METHOD_PATCH] = {"PATCH", 5},   [METHOD_DELETE] = {"DELETE", 6},
	[METHOD_OPTIONS] = {"OPTIONS", 7},
};

const char *method_name(enum method method)
{
	return method < METHOD_COUNT ? methods[method].data : "other";
}

enum method method_by_name(struct text name)
{
	for (int i = 0; i < METHOD_COUNT; i++)
		if (text_equal(name, methods[i]))
			return (enum method)i;
	return METHOD_COUNT;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

long percent_decode(struct text raw, bool plus, char *to)
{
	size_t size = 0;

	for (size_t i = 0; i < raw.size; i++) {
		unsigned char byte = (unsigned char)raw.data[i];

		if (byte == '%') {
			int high, low;

			if (raw.size - i < 3)
				return -1;
			high = hex_value(raw.data[i + 1]);
			low = hex_value(raw.data[i + 2]);
			if (high < 0 || low < 0)
				return -1;
			byte = (unsigned char)(high * 16 + low);
			i += 2;
		} else if (byte == '+' && plus) {
			byte = ' ';
		}
		if (byte < 0x20 || byte == 0x7F)
			return -1;
		to[size++] = (char)byte;
	}
	return text_is_clean_utf8((struct text){to, size}) ? (long)size : -1;
}

/* Takes the next piece up to the separator from *rest. */
static struct text next_piece(struct text *rest, char separator)
{
	const char *end = memchr(rest->data, separator, rest->size);
	struct text piece = {rest->data, end != NULL ? (size_t)(end - rest->data) : rest->size};
	size_t taken = piece.size + (end != NULL);

	*rest = (struct text){rest->data + taken, rest->size - taken};
	return piece;
}

/* Decodes one name or value behind what `to` already holds. */
static bool decode_into(struct text raw, char **to, struct text *out)
{
	long size = percent_decode(raw, true, *to);

	if (size < 0)
		return false;
	*out = (struct text){*to, (size_t)size};
	*to += size;
	return true;
}

bool query_parse(struct text raw, char *to, struct param *items, size_t *count, struct problems *problems)
{
	size_t before = problems->count;

	*count = 0;
	while (raw.size > 0) {
		struct text value = next_piece(&raw, '&');
		struct text name = next_piece(&value, '=');
		struct param *item = &items[*count];

		if (name.size == 0 && value.size == 0)
			continue;
		if (*count == QUERY_PARAMS_MAX) {
			problems_add(problems, "", "too_many", "there are more than %d query parameters", QUERY_PARAMS_MAX);
			break;
		}
		if (!decode_into(name, &to, &item->name)) {
			problems_add(problems, "", "invalid_text", "the name of query parameter %zu does not decode to text",
				     *count + 1);
			break;
		}
		if (!decode_into(value, &to, &item->value)) {
			struct buffer named = {0};

			buffer_append_text(&named, item->name);
			problems_add(problems, named.data, "invalid_text", "the value does not decode to text");
			buffer_free(&named);
			break;
		}
		(*count)++;
	}
	return problems->count == before;
}

/* What one row makes of a path. */
struct fit {
	bool matches;
	uint64_t literal; /* a bit a segment, the leftmost highest: literal segments weigh more the further left they stand */
	struct text params[PATH_PARAMS_MAX];
	size_t param_count;
};

static struct fit fit_path(const char *pattern, struct text path)
{
	struct fit fit = {0};
	size_t at = 0;
	int segment = 0;

	while (*pattern != '\0' && at < path.size) {
		if (*pattern == '{') {
			size_t start = at;

			while (at < path.size && path.data[at] != '/')
				at++;
			if (at == start || fit.param_count == PATH_PARAMS_MAX)
				return fit;
			fit.params[fit.param_count++] = (struct text){path.data + start, at - start};
			pattern = strchr(pattern, '}') + 1;
			continue;
		}
		if (*pattern != path.data[at])
			return fit;
		if (*pattern == '/' && pattern[1] != '{' && segment < 63)
			fit.literal |= UINT64_C(1) << (63 - segment);
		segment += *pattern == '/';
		pattern++;
		at++;
	}
	fit.matches = *pattern == '\0' && at == path.size;
	return fit;
}

/* Escapes, control characters and UTF-8 of the whole path, without keeping the decoded bytes. */
static bool path_is_sound(struct text path)
{
	char decoded[4096]; /* the longest id, 200 characters of 4 bytes, all of them escaped, takes 2,400 */

	if (path.size == 0 || path.data[0] != '/')
		return false;
	path = (struct text){path.data + 1, path.size - 1};
	while (path.size > 0) {
		struct text segment = next_piece(&path, '/');

		if (segment.size > sizeof decoded || percent_decode(segment, false, decoded) < 0)
			return false;
	}
	return true;
}

/* The literal start of a pattern: tells most rows apart before anything is noted. */
static bool starts_alike(const char *pattern, struct text path)
{
	size_t i = 0;

	for (; pattern[i] != '\0' && pattern[i] != '{'; i++)
		if (i == path.size || pattern[i] != path.data[i])
			return false;
	return pattern[i] == '{' || i == path.size;
}

struct route_match route_find_in(const struct route *table, size_t count, enum method method, struct text raw_path)
{
	enum method wanted = method == METHOD_HEAD ? METHOD_GET : method;
	struct route_match match = {.err = ERR_NOT_FOUND};
	uint64_t best = 0;

	if (!path_is_sound(raw_path)) {
		match.err = ERR_INVALID_PATH;
		return match;
	}
	for (size_t i = 0; i < count; i++) {
		struct fit fit;

		if (!starts_alike(table[i].path, raw_path))
			continue;
		fit = fit_path(table[i].path, raw_path);
		if (!fit.matches)
			continue;
		match.allow |= 1u << table[i].method;
		if (table[i].method != wanted || (match.route != NULL && fit.literal <= best))
			continue;
		best = fit.literal;
		match.route = &table[i];
		match.err = ERR_OK;
		memcpy(match.params, fit.params, sizeof match.params);
		match.param_count = fit.param_count;
	}
	if (match.allow & (1u << METHOD_GET))
		match.allow |= 1u << METHOD_HEAD;
	if (match.allow != 0) {
		match.allow |= 1u << METHOD_OPTIONS;
		if (match.route == NULL)
			match.err = ERR_METHOD_NOT_ALLOWED;
	}
	return match;
}

struct route_match route_find(enum method method, struct text raw_path)
{
	return route_find_in(routes, routes_count, method, raw_path);
}
