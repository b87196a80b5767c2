/* What compiling a document needs everywhere: where in it we are, and how to say what is wrong there. */
#ifndef PLUMBLINE_WEBHOOK_COMPILE_H
#define PLUMBLINE_WEBHOOK_COMPILE_H

#include <jansson.h>

#include "arena.h"
#include "shape.h"

struct compiler {
	struct arena *arena;  /* of the source: what is compiled lives there */
	struct problems *problems;
	struct buffer at;     /* JSON pointer of the value that is being looked at */
};

/* Steps into a member or an element; give the result to compile_leave. */
size_t compile_enter(struct compiler *compiler, const char *name);
size_t compile_enter_element(struct compiler *compiler, size_t index);
void compile_leave(struct compiler *compiler, size_t before);

void compile_fault(struct compiler *compiler, const char *code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The value checked against a shape, at the present place. */
bool compile_check(struct compiler *compiler, const struct shape *shape, const json_t *value);

/* Which of a list of words (NULL at its end) a text is; -1 with a fault that names the nearest when it is none. */
int compile_word(struct compiler *compiler, struct text word, const char *const *words, const char *what);

/* A copy of a JSON string in the arena; the absent text when value is none. */
struct text compile_text(struct compiler *compiler, const json_t *value);

/* Jansson's iterators want an object that may change; they do not change it. */
json_t *compile_iterable(const json_t *value);

#define COMPILE_TAKE(compiler, type, count) ((type *)arena_take((compiler)->arena, sizeof(type) * (count)))

#endif
