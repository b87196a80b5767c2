/* Expressions of a mapping: where a value comes from, and what is made of it (docs/mappings.md). */
#ifndef PLUMBLINE_WEBHOOK_EXPRESSION_H
#define PLUMBLINE_WEBHOOK_EXPRESSION_H

#include "compile.h"
#include "pointer_tree.h"
#include "scalar.h"
#include "source.h"

/* A table of values by text. */
struct lookup_entry {
	struct text key;
	struct scalar value;
};

struct lookup {
	struct text name;
	const struct lookup_entry *entries; /* by key, in order */
	size_t count;
	const struct scalar *otherwise;     /* of "*"; NULL: none */
};

struct lookups {
	const struct lookup *tables;
	size_t count;
};

enum expression_kind {
	EXPRESSION_POINTER,
	EXPRESSION_HEADER,
	EXPRESSION_QUERY,
	EXPRESSION_EACH,     /* the element of the fan-out */
	EXPRESSION_LITERAL,
	EXPRESSION_FIRST,    /* the first of parts that has a value */
	EXPRESSION_TEMPLATE, /* parts put together as text */
	EXPRESSION_REFINED   /* parts[0], and what is done to it */
};

enum unknown_policy { UNKNOWN_KEEP, UNKNOWN_DROP, UNKNOWN_REFUSE };

struct refinement {
	const struct condition *when; /* NULL: always */
	const struct text *unwrap;    /* members of an object of which the first counts */
	size_t unwrap_count;
	char split;                   /* 0: not */
	int part;
	const struct lookup *lookup;
	enum unknown_policy unknown;
	struct convert_options convert;
	const struct scalar *fallback;
};

struct expression {
	enum expression_kind kind;
	bool of_record;      /* the pointer is into the record, else into the item */
	int slot;
	struct text text;    /* pointer, or name of header or query parameter; ends in NUL */
	struct scalar literal;
	const struct expression *parts;
	size_t count;
	const struct refinement *refinement;
};

struct test {
	struct expression subject;
	bool wanted;                /* false: the negation */
	const struct text *values;  /* one of them, as text, or a pattern (glob.h) */
	size_t count;               /* 0: is there and not null */
};

/* All tests hold. */
struct condition {
	const struct test *tests;
	size_t count;
};

/* ── compiling ── */
struct expression_scope {
	struct pointer_tree *item, *record; /* record NULL: all pointers are into the item */
	const struct lookups *lookups;
};

/* False with faults when the value is no expression. */
bool expression_compile(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct expression *out);
/* The simple forms: "/pointer", "^/pointer", "@header", "?query", "$each", "=literal". */
bool expression_compile_source(struct compiler *compiler, const struct expression_scope *scope, struct text text, struct expression *out);
bool condition_compile(struct compiler *compiler, const struct expression_scope *scope, const json_t *value, struct condition *out);
bool lookup_compile(struct compiler *compiler, const json_t *value, struct lookup *out);
/* NULL with a fault that names the nearest when there is none of that name. */
const struct lookup *lookup_find(struct compiler *compiler, const struct lookups *lookups, struct text name);
const struct lookup_entry *lookup_entry_of(const struct lookup *lookup, struct text key); /* NULL: none */
bool literal_compile(struct compiler *compiler, const json_t *value, struct scalar *out);
bool unwrap_compile(struct compiler *compiler, const json_t *value, const struct text **names, size_t *count);

/* Whether it stands for nothing but a constant. */
bool expression_is_constant(const struct expression *expression);
/* The first pointer that an expression reads; NULL when there is none. */
const struct expression *expression_pointer(const struct expression *expression);

/* ── evaluating ── */
struct evaluation {
	struct arena *arena;
	const struct text *item, *record;  /* slots; record NULL while there is none */
	const struct delivery *delivery;
	struct text each;                  /* raw */
	const struct text *unwrap;         /* default for values of the record */
	size_t unwrap_count;
};

struct scalar expression_evaluate(const struct expression *expression, const struct evaluation *evaluation);
bool condition_holds(const struct condition *condition, const struct evaluation *evaluation);

#endif
