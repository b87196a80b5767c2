#include "json_scan.h"

#include <stdint.h>
#include <string.h>

/* Recursion is bounded by JSON_DEPTH_MAX. */
struct scan {
	const char *start, *at, *end;
	size_t values;
	const char *message; /* NULL: no fault so far */
	bool too_deep;
};

/* The absent text reads as the empty one. */
static struct scan scan_of(struct text text)
{
	const char *start = text.data != NULL ? text.data : "";

	return (struct scan){.start = start, .at = start, .end = start + text.size};
}

static bool fail(struct scan *scan, const char *message)
{
	if (scan->message == NULL)
		scan->message = message;
	return false;
}

static void skip_space(struct scan *scan)
{
	while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
		scan->at++;
}

static bool take(struct scan *scan, char wanted)
{
	if (scan->at == scan->end || *scan->at != wanted)
		return false;
	scan->at++;
	return true;
}

static bool is_digit(const struct scan *scan)
{
	return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static bool scan_word(struct scan *scan, const char *word)
{
	size_t size = strlen(word);

	if ((size_t)(scan->end - scan->at) < size || memcmp(scan->at, word, size) != 0)
		return fail(scan, "a value was expected: null, true, false, a number, or a text in double quotes");
	scan->at += size;
	return true;
}

static bool scan_digits(struct scan *scan)
{
	if (!is_digit(scan))
		return fail(scan, "a digit was expected");
	while (is_digit(scan))
		scan->at++;
	return true;
}

static bool scan_number(struct scan *scan)
{
	take(scan, '-');
	if (take(scan, '0')) {
		if (is_digit(scan))
			return fail(scan, "a number does not begin with 0 and another digit");
	} else if (!scan_digits(scan)) {
		return false;
	}
	if (take(scan, '.') && !scan_digits(scan))
		return false;
	if (take(scan, 'e') || take(scan, 'E')) {
		if (!take(scan, '-'))
			take(scan, '+');
		return scan_digits(scan);
	}
	return true;
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

/* Behind a backslash. */
static bool scan_escape(struct scan *scan)
{
	if (scan->at == scan->end)
		return fail(scan, "a text does not end");
	if (take(scan, 'u')) {
		for (int i = 0; i < 4; i++, scan->at++)
			if (scan->at == scan->end || hex_value(*scan->at) < 0)
				return fail(scan, "\\u needs four hexadecimal digits");
		return true;
	}
	if (*scan->at == '\0' || strchr("\"\\/bfnrt", *scan->at) == NULL)
		return fail(scan, "there is no such escape");
	scan->at++;
	return true;
}

/* Over the bytes of a text that stand for themselves, eight at a time: what is neither a quote nor a backslash nor below 0x20. The
 * borrow of a subtraction may stop it too early, never too late. */
static void skip_plain(struct scan *scan)
{
	const uint64_t ones = UINT64_MAX / 255, tops = ones << 7;

	while (scan->end - scan->at >= 8) {
		uint64_t bytes, quotes, slashes;

		memcpy(&bytes, scan->at, 8);
		quotes = bytes ^ ones * '"';
		slashes = bytes ^ ones * '\\';
		if ((((bytes - ones * 0x20) & ~bytes) | ((quotes - ones) & ~quotes) | ((slashes - ones) & ~slashes)) & tops)
			return;
		scan->at += 8;
	}
}

static bool scan_string(struct scan *scan)
{
	if (!take(scan, '"'))
		return fail(scan, "a text in double quotes was expected");
	skip_plain(scan);
	while (scan->at < scan->end) {
		unsigned char byte = (unsigned char)*scan->at;

		if (byte < 0x20)
			return fail(scan, "a control character in a text must be escaped");
		scan->at++;
		if (byte == '"')
			return true;
		if (byte == '\\') {
			if (!scan_escape(scan))
				return false;
			skip_plain(scan);
		}
	}
	return fail(scan, "a text does not end");
}

static bool scan_value(struct scan *scan, unsigned depth);

/* "name": value */
static bool scan_member(struct scan *scan, unsigned depth)
{
	skip_space(scan);
	if (!scan_string(scan))
		return false;
	skip_space(scan);
	if (!take(scan, ':'))
		return fail(scan, "a colon is missing");
	return scan_value(scan, depth);
}

static bool scan_group(struct scan *scan, unsigned depth, char close)
{
	skip_space(scan);
	if (take(scan, close))
		return true;
	do {
		if (close == '}' ? !scan_member(scan, depth) : !scan_value(scan, depth))
			return false;
		skip_space(scan);
	} while (take(scan, ','));
	if (!take(scan, close))
		return fail(scan, close == '}' ? "a comma or } is missing" : "a comma or ] is missing");
	return true;
}

static bool scan_value(struct scan *scan, unsigned depth)
{
	skip_space(scan);
	scan->values++;
	if (scan->at == scan->end)
		return fail(scan, "a value is missing at the end");
	switch (*scan->at) {
	case '{':
	case '[':
		if (depth == JSON_DEPTH_MAX) {
			scan->too_deep = true;
			return fail(scan, "it is nested too deeply");
		}
		return scan_group(scan, depth + 1, *scan->at++ == '{' ? '}' : ']');
	case '"':
		return scan_string(scan);
	case 't':
		return scan_word(scan, "true");
	case 'f':
		return scan_word(scan, "false");
	case 'n':
		return scan_word(scan, "null");
	default:
		if (*scan->at == '-' || is_digit(scan))
			return scan_number(scan);
		return fail(scan, "a value was expected: an object, an array, a text, a number, true, false or null");
	}
}

bool json_scan_valid(struct text text, size_t *values, struct json_fault *fault)
{
	struct scan scan = scan_of(text);

	if (text.size >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0) {
		fail(&scan, "it begins with a byte order mark");
	} else if (scan_value(&scan, 0)) {
		skip_space(&scan);
		if (scan.at != scan.end)
			fail(&scan, "there is something behind the end of the value");
		else if (!text_is_clean_utf8(text))
			fail(&scan, "it is not valid UTF-8");
	}
	if (scan.message != NULL) {
		*fault = (struct json_fault){(size_t)(scan.at - scan.start), scan.message, scan.too_deep};
		return false;
	}
	if (values != NULL)
		*values = scan.values;
	return true;
}

void json_scan_position(struct text text, size_t offset, size_t *line, size_t *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < offset && i < text.size; i++) {
		*column += 1;
		if (text.data[i] == '\n') {
			*line += 1;
			*column = 1;
		}
	}
}

bool json_walk_open(struct text text, struct json_walk *walk)
{
	struct scan scan = scan_of(text);

	skip_space(&scan);
	if (scan.at == scan.end || (*scan.at != '[' && *scan.at != '{'))
		return false;
	*walk = (struct json_walk){.at = scan.at + 1, .end = scan.end, .is_object = *scan.at == '{'};
	return true;
}

enum json_step json_walk_next(struct json_walk *walk, struct text *name, struct text *value)
{
	struct scan scan = {.at = walk->at, .end = walk->end};
	char close = walk->is_object ? '}' : ']';
	const char *start;

	skip_space(&scan);
	if (take(&scan, close))
		return JSON_STEP_END;
	if (walk->started && !take(&scan, ','))
		return JSON_STEP_BROKEN;
	skip_space(&scan);
	if (walk->is_object) {
		start = scan.at;
		if (!scan_string(&scan))
			return JSON_STEP_BROKEN;
		if (name != NULL)
			*name = (struct text){start, (size_t)(scan.at - start)};
		skip_space(&scan);
		if (!take(&scan, ':'))
			return JSON_STEP_BROKEN;
		skip_space(&scan);
	}
	start = scan.at;
	if (!scan_value(&scan, 1))
		return JSON_STEP_BROKEN;
	*value = (struct text){start, (size_t)(scan.at - start)};
	walk->at = scan.at;
	walk->started = true;
	return JSON_STEP_VALUE;
}

static bool name_is(struct text raw, const char *name)
{
	struct buffer decoded = {0};
	bool same;

	if (memchr(raw.data, '\\', raw.size) == NULL)
		return text_equal_string((struct text){raw.data + 1, raw.size - 2}, name);
	same = json_string_decode(raw, &decoded) && text_equal_string(buffer_text(&decoded), name);
	buffer_free(&decoded);
	return same;
}

struct text json_member(struct text object, const char *name)
{
	struct json_walk walk;
	struct text raw_name, value;

	if (!json_walk_open(object, &walk) || !walk.is_object)
		return (struct text){0};
	while (json_walk_next(&walk, &raw_name, &value) == JSON_STEP_VALUE)
		if (name_is(raw_name, name))
			return value;
	return (struct text){0};
}

static void append_utf8(struct buffer *out, unsigned code)
{
	char bytes[4];
	size_t size;

	if (code < 0x80) {
		bytes[0] = (char)code;
		size = 1;
	} else if (code < 0x800) {
		bytes[0] = (char)(0xC0 | code >> 6);
		size = 2;
	} else if (code < 0x10000) {
		bytes[0] = (char)(0xE0 | code >> 12);
		size = 3;
	} else {
		bytes[0] = (char)(0xF0 | code >> 18);
		size = 4;
	}
	for (size_t i = 1; i < size; i++)
		bytes[i] = (char)(0x80 | ((code >> 6 * (size - 1 - i)) & 0x3F));
	buffer_append(out, bytes, size);
}

/* The four digits of \uXXXX, checked by scan_string before. */
static unsigned code_unit(const char *digits)
{
	unsigned code = 0;

	for (int i = 0; i < 4; i++)
		code = code << 4 | (unsigned)hex_value(digits[i]);
	return code;
}

/* at stands behind \u. Returns how many characters were taken, 0 when the escape stands for no character. */
static size_t decode_unicode(const char *at, const char *end, struct buffer *out)
{
	unsigned high = code_unit(at), low;

	if (high == 0 || (high >= 0xDC00 && high <= 0xDFFF))
		return 0;
	if (high < 0xD800 || high > 0xDBFF) {
		append_utf8(out, high);
		return 4;
	}
	if (end - at < 10 || at[4] != '\\' || at[5] != 'u')
		return 0;
	low = code_unit(at + 6);
	if (low < 0xDC00 || low > 0xDFFF)
		return 0;
	append_utf8(out, 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
	return 10;
}

bool json_string_decode(struct text raw, struct buffer *out)
{
	static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
	struct scan scan = scan_of(raw);
	const char *at, *end;

	if (!scan_string(&scan) || scan.at != scan.end)
		return false;
	end = scan.end - 1;
	for (at = raw.data + 1; at < end;) {
		const char *letter;

		if (*at != '\\') {
			const char *escape = memchr(at, '\\', (size_t)(end - at));
			size_t plain = (size_t)((escape != NULL ? escape : end) - at);

			buffer_append(out, at, plain);
			at += plain;
			continue;
		}
		if (at[1] == 'u') {
			size_t taken = decode_unicode(at + 2, end, out);

			if (taken == 0)
				return false;
			at += 2 + taken;
			continue;
		}
		letter = strchr(letters, at[1]);
		buffer_append(out, letter != NULL ? &meanings[letter - letters] : &at[1], 1);
		at += 2;
	}
	return true;
}

bool json_next_number(struct text text, size_t *at, struct text *number)
{
	struct scan scan = scan_of(text);

	scan.at += *at;
	while (scan.at < scan.end) {
		const char *start = scan.at;

		if (*start == '"') {
			if (!scan_string(&scan))
				break;
		} else if (*start == '-' || is_digit(&scan)) {
			while (scan.at < scan.end && strchr("+-.0123456789eE", *scan.at) != NULL && *scan.at != '\0')
				scan.at++;
			*number = (struct text){start, (size_t)(scan.at - start)};
			*at = (size_t)(scan.at - scan.start);
			return true;
		} else {
			scan.at++;
		}
	}
	*at = text.size;
	return false;
}

void json_pointer_append(struct buffer *out, struct text name)
{
	buffer_append(out, "/", 1);
	for (size_t i = 0; i < name.size; i++) {
		if (name.data[i] == '~')
			buffer_append_string(out, "~0");
		else if (name.data[i] == '/')
			buffer_append_string(out, "~1");
		else
			buffer_append(out, &name.data[i], 1);
	}
}

/* The step of a pointer to a member or an element. */
static void append_step(struct buffer *out, bool is_object, struct text raw_name, size_t index)
{
	struct buffer name = {0};

	if (!is_object)
		buffer_printf(out, "/%zu", index);
	else if (json_string_decode(raw_name, &name))
		json_pointer_append(out, buffer_text(&name));
	else
		json_pointer_append(out, (struct text){raw_name.data + 1, raw_name.size - 2});
	buffer_free(&name);
}

void json_pointer_at(struct text text, size_t offset, struct buffer *out)
{
	const char *target = text.data + offset;
	struct text here = text, name = {0}, value;
	struct json_walk walk;

	while (json_walk_open(here, &walk)) {
		size_t index = 0;

		for (;; index++) {
			if (json_walk_next(&walk, &name, &value) != JSON_STEP_VALUE)
				return;
			if (target >= value.data && target < value.data + value.size)
				break;
		}
		append_step(out, walk.is_object, name, index);
		here = value;
	}
}
