#include "negotiate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "route.h"

static struct text trim(struct text text)
{
	while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
		text = (struct text){text.data + 1, text.size - 1};
	while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
		text.size--;
	return text;
}

static struct text next_piece(struct text *rest, char separator)
{
	const char *end = rest->size > 0 ? memchr(rest->data, separator, rest->size) : NULL;
	struct text piece = {rest->data, end != NULL ? (size_t)(end - rest->data) : rest->size};
	size_t taken = piece.size + (end != NULL);

	*rest = (struct text){rest->data + taken, rest->size - taken};
	return trim(piece);
}

static bool same_word(struct text a, const char *b)
{
	return a.size == strlen(b) && strncasecmp(a.data, b, a.size) == 0;
}

enum media negotiate_media(struct text content_type)
{
	static const struct {
		const char *name;
		enum media media;
	} types[] = {
		{"application/json", MEDIA_JSON},          {"application/merge-patch+json", MEDIA_MERGE_PATCH},
		{"application/x-ndjson", MEDIA_NDJSON},    {"application/ndjson", MEDIA_NDJSON},
		{"application/jsonl", MEDIA_NDJSON},       {"application/x-jsonlines", MEDIA_NDJSON},
		{"text/csv", MEDIA_CSV},
		{"application/cloudevents+json", MEDIA_CLOUD_EVENT}, {"application/cloudevents-batch+json", MEDIA_CLOUD_EVENTS},
	};
	struct text type;

	if (content_type.data == NULL)
		return MEDIA_NONE;
	type = next_piece(&content_type, ';');
	while (content_type.size > 0) {
		struct text value = next_piece(&content_type, ';');
		struct text name = next_piece(&value, '=');

		if (same_word(name, "charset") && !same_word(value, "utf-8") && !same_word(value, "\"utf-8\"") &&
		    !same_word(value, "utf8") && !same_word(value, "us-ascii"))
			return MEDIA_OTHER;
	}
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (same_word(type, types[i].name))
			return types[i].media;
	return MEDIA_OTHER;
}

static const struct {
	const char *word, *type, *range;
	unsigned bit;
} formats[] = {
	[FORMAT_JSON] = {"json", "application/json", "application/*", FORMAT_BIT_JSON},
	[FORMAT_CSV] = {"csv", "text/csv", "text/*", FORMAT_BIT_CSV},
	[FORMAT_NDJSON] = {"ndjson", "application/x-ndjson", "application/*", FORMAT_BIT_NDJSON},
};

enum { FORMAT_COUNT = sizeof formats / sizeof *formats };

bool negotiate_format_word(struct text word, enum format *format)
{
	for (int i = 0; i < FORMAT_COUNT; i++) {
		if (text_equal_string(word, formats[i].word)) {
			*format = (enum format)i;
			return true;
		}
	}
	return false;
}

/* The weight of one element: "…;q=0.5" in thousandths. Consumes the parameters. */
static int weight(struct text *parameters)
{
	int thousandths = 1000;

	while (parameters->size > 0) {
		struct text value = next_piece(parameters, ';');
		struct text name = next_piece(&value, '=');
		char digits[8];

		if (!same_word(name, "q"))
			continue;
		if (value.size == 0 || value.size >= sizeof digits)
			return 0;
		memcpy(digits, value.data, value.size);
		digits[value.size] = '\0';
		thousandths = (int)(strtod(digits, NULL) * 1000 + 0.5);
	}
	return thousandths < 0 ? 0 : thousandths > 1000 ? 1000 : thousandths;
}

/* How well a media range names a format: 3 exactly, 2 by its main type, 1 by * / *, 0 not at all. */
static int specificity(struct text range, int format)
{
	if (same_word(range, formats[format].type) || (format == FORMAT_NDJSON && same_word(range, "application/ndjson")) ||
	    (format == FORMAT_JSON && same_word(range, "application/problem+json")))
		return 3;
	if (same_word(range, formats[format].range))
		return 2;
	return same_word(range, "*/*") || same_word(range, "*") ? 1 : 0;
}

bool negotiate_format(struct text accept, unsigned offered, enum format *format)
{
	int best_weight[FORMAT_COUNT] = {0}, best_rank[FORMAT_COUNT] = {0};
	int chosen = -1;

	while (accept.size > 0) {
		struct text element = next_piece(&accept, ',');
		struct text range = next_piece(&element, ';');
		int q = weight(&element);

		for (int i = 0; i < FORMAT_COUNT; i++) {
			int rank = specificity(range, i);

			if (rank > best_rank[i]) {
				best_rank[i] = rank;
				best_weight[i] = q;
			}
		}
		if (accept.size == 0)
			break;
	}
	for (int i = 0; i < FORMAT_COUNT; i++) {
		if (!(offered & formats[i].bit))
			continue;
		if (accept.data == NULL)
			best_weight[i] = 1000;
		if (best_weight[i] > 0 && (chosen < 0 || best_weight[i] > best_weight[chosen]))
			chosen = i;
	}
	if (chosen >= 0)
		*format = (enum format)chosen;
	return chosen >= 0;
}

bool negotiate_gzip(struct text accept_encoding)
{
	int named = -1, any = 0;

	while (accept_encoding.size > 0) {
		struct text element = next_piece(&accept_encoding, ',');
		struct text coding = next_piece(&element, ';');
		int q = weight(&element);

		if (same_word(coding, "gzip") || same_word(coding, "x-gzip"))
			named = q;
		else if (same_word(coding, "*"))
			any = q;
	}
	return named >= 0 ? named > 0 : any > 0;
}

bool negotiate_origin(const char *origins, struct text origin)
{
	struct text rest = text_of(origins);

	if (origin.data == NULL)
		return false;
	while (rest.size > 0) {
		struct text allowed = next_piece(&rest, ',');

		if (allowed.size > 0 && (text_equal_string(allowed, "*") || text_equal(allowed, origin)))
			return true;
	}
	return false;
}

bool negotiate_request_id(struct text id)
{
	for (size_t i = 0; i < id.size; i++) {
		char c = id.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
			return false;
	}
	return id.size > 0 && id.size <= 128;
}

bool negotiate_traceparent(struct text traceparent)
{
	static const char form[] = "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
	bool trace = false, span = false;

	if (traceparent.size != sizeof form - 1)
		return false;
	for (size_t i = 0; i < traceparent.size; i++) {
		char c = traceparent.data[i];

		if (form[i] != 'x') {
			if (c != form[i])
				return false;
			continue;
		}
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		trace = trace || (i < 35 && c != '0');
		span = span || (i > 35 && i < 52 && c != '0');
	}
	return trace && span;
}
