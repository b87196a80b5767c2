/* Documents of sources: up to the first NUL a document, behind it a delivery that is mapped with it. What compiles maps anything
 * without harm, and its override by nothing compiles too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "webhook/source.h"

#define CHECK(condition) ((condition) ? (void)0 : abort())

static struct text find_nothing(const void *context, const char *name, size_t nth)
{
	(void)context;
	return nth == 0 ? text_of(name) : (struct text){0};
}

static bool emit(void *context, const struct mapped *mapped)
{
	size_t *left = context;

	CHECK(mapped->type != MAPPED_EVENT || (mapped->resource != NULL && mapped->id.size > 0));
	CHECK(mapped->type != MAPPED_PROBLEM || (mapped->code != NULL && mapped->pointer != NULL && mapped->message != NULL));
	return (*left)-- > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\0', size) : NULL;
	struct text document = {(const char *)data, end != NULL ? (size_t)(end - data) : size};
	struct delivery delivery = {.method = TEXT("POST"), .url = TEXT("https://x.example/"), .body = TEXT("[{\"id\":1}]"), .header = find_nothing, .query = find_nothing};
	struct problems problems = {0};
	struct buffer copy = {0};
	struct mapped_counts counts;
	struct source *source, *again;
	size_t left = 100;

	if (end != NULL)
		delivery.body = (struct text){(const char *)end + 1, size - document.size - 1};
	source = source_compile(document, &problems);
	CHECK((source == NULL) == (problems.count > 0));
	if (source != NULL) {
		CHECK(source_document(document, (struct text){0}, &copy, &problems));
		again = source_compile(buffer_text(&copy), &problems);
		CHECK(again != NULL);
		source_free(again);
		source_map(source, &delivery, &(struct mapped_sink){.emit = emit, .context = &left}, &counts);
		source_records(source, &(struct mapped_sink){.emit = emit, .context = &left});
		source_verify(source, &(struct source_secret){.value = TEXT("secret")}, 1, &delivery);
	}
	source_free(source);
	buffer_free(&copy);
	problems_free(&problems);
	return 0;
}
