/* Signature headers: the first byte chooses the preset, the first line is the signature, the second the time, the third id or
 * credential, the rest the body. Nobody who does not know the secret gets through. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "webhook/source.h"

#define CHECK(condition) ((condition) ? (void)0 : abort())

enum { LINES = 3 };

static struct source *sources[16];

static struct text find_line(const void *context, const char *name, size_t nth)
{
	const struct text *lines = context;
	size_t line = strstr(name, "timestamp") != NULL ? 1 : strstr(name, "sig") != NULL ? 0 : 2;

	return nth == 0 ? lines[line] : (struct text){0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
	struct source_secret secrets[] = {{.value = {secret, sizeof secret - 1}}, {.value = TEXT("")}};
	struct text lines[LINES] = {0}, rest = {(const char *)data + 1, size - 1};
	struct problems problems = {0};
	struct delivery delivery = {.method = TEXT("POST"), .url = TEXT("https://x.example/%2Fhook%"), .now_ms = 1614265331000, .header = find_line, .query = find_line,
				    .context = lines};
	enum verdict verdict;
	size_t preset;

	if (size == 0)
		return 0;
	preset = data[0] % presets_count;
	for (size_t i = 0; i < LINES; i++) {
		const char *end = rest.size > 0 ? memchr(rest.data, '\n', rest.size) : NULL;

		lines[i] = (struct text){rest.data, end != NULL ? (size_t)(end - rest.data) : rest.size};
		rest = end != NULL ? (struct text){end + 1, rest.size - lines[i].size - 1} : (struct text){0};
	}
	delivery.body = rest.data != NULL ? rest : TEXT("");
	if (sources[preset] == NULL)
		sources[preset] = source_compile(presets[preset].document, &problems);
	verdict = source_verify(sources[preset], secrets, 2, &delivery);
	/* The secret itself in a header, and the one signature that is published, are right. */
	if (verdict == VERIFIED)
		CHECK(memmem(data, size, secret, sizeof secret - 1) != NULL || memmem(data, size, "g0hM9SsE", 8) != NULL || memmem(data, size, "d2hzZWNf", 8) != NULL);
	CHECK(source_verify(sources[preset], secrets + 1, 1, &delivery) == VERIFY_NO_SECRET);
	CHECK(verdict_code(verdict)[0] != '\0' && verdict_message(verdict)[0] != '\0');
	return 0;
}
