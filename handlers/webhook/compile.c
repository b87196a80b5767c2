#include "compile.h"

#include <stdio.h>
#include <string.h>

#include "json_scan.h"

size_t compile_enter(struct compiler *compiler, const char *name)
{
	size_t before = compiler->at.size;

	json_pointer_append(&compiler->at, text_of(name));
	return before;
}

size_t compile_enter_element(struct compiler *compiler, size_t index)
{
	size_t before = compiler->at.size;

	buffer_printf(&compiler->at, "/%zu", index);
	return before;
}

void compile_leave(struct compiler *compiler, size_t before)
{
	compiler->at.size = before;
	compiler->at.data[before] = '\0';
}

void compile_fault(struct compiler *compiler, const char *code, const char *format, ...)
{
	char message[400];
	va_list arguments;

	if (compiler->problems->count >= SHAPE_PROBLEMS_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	problems_add(compiler->problems, buffer_text(&compiler->at).data, code, "%s", message);
}

bool compile_check(struct compiler *compiler, const struct shape *shape, const json_t *value)
{
	return shape_check(shape, value, buffer_text(&compiler->at).data, true, compiler->problems);
}

int compile_word(struct compiler *compiler, struct text word, const char *const *words, const char *what)
{
	struct text shown;
	size_t count = 0;
	int nearest;

	for (; words[count] != NULL; count++)
		if (text_equal_string(word, words[count]))
			return (int)count;
	nearest = text_nearest(word, words, count);
	shown = text_beginning(word, 60);
	compile_fault(compiler, "not_one_of", "there is no %s \"%.*s\"%s%s%s", what, (int)shown.size, shown.data,
		      nearest >= 0 ? "; did you mean \"" : "", nearest >= 0 ? words[nearest] : "", nearest >= 0 ? "\"?" : "");
	return -1;
}

struct text compile_text(struct compiler *compiler, const json_t *value)
{
	if (!json_is_string(value))
		return (struct text){0};
	return arena_keep(compiler->arena, (struct text){json_string_value(value), json_string_length(value)});
}

json_t *compile_iterable(const json_t *value)
{
	return (json_t *)(uintptr_t)value;
}
