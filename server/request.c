#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct text request_query(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->query_count; i++)
		if (text_equal_string(request->query[i].name, name))
			return request->query[i].value;
	return (struct text){0};
}

static char *copy(const char *string)
{
	return memory_string(string != NULL ? string : "");
}

void problems_add(struct problems *problems, const char *pointer, const char *code, const char *format, ...)
{
	struct buffer sentence = {0};
	va_list arguments;

	if (problems->count == problems->capacity) {
		size_t capacity = problems->capacity == 0 ? 8 : problems->capacity * 2;
		struct problem *items = memory_grown(problems->items, capacity * sizeof *items);

		problems->items = items;
		problems->capacity = capacity;
	}
	va_start(arguments, format);
	buffer_vprintf(&sentence, format, arguments);
	va_end(arguments);
	buffer_shorten(&sentence, SENTENCE_MAX);
	problems->items[problems->count++] = (struct problem){.pointer = copy(pointer), .code = copy(code), .message = sentence.data};
}

void problems_free(struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		free(problems->items[i].pointer);
		free(problems->items[i].code);
		free(problems->items[i].message);
	}
	free(problems->items);
	*problems = (struct problems){0};
}
