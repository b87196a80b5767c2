/* Evaluating expressions. */
#include <string.h>

#include "expression.h"
#include "json_scan.h"

static struct scalar unwrap(const struct text *names, size_t count, struct arena *arena, struct scalar scalar)
{
	for (size_t i = 0; i < count && scalar.type == SCALAR_OBJECT; i++) {
		struct text member = json_member(scalar.text, names[i].data);

		if (member.data != NULL)
			return scalar_read(arena, member);
	}
	return scalar;
}

static struct scalar evaluate_first(const struct expression *expression, const struct evaluation *evaluation)
{
	struct scalar best = {.type = SCALAR_ABSENT};

	for (size_t i = 0; i < expression->count; i++) {
		struct scalar scalar = expression_evaluate(&expression->parts[i], evaluation);

		if (scalar.type != SCALAR_ABSENT && scalar.type != SCALAR_NULL)
			return scalar;
		if (scalar.type == SCALAR_NULL)
			best = scalar;
	}
	return best;
}

static struct scalar evaluate_template(const struct expression *expression, const struct evaluation *evaluation)
{
	struct buffer out = {0};
	struct scalar made = {.type = SCALAR_ABSENT};
	bool any = false; /* constants alone say nothing */

	for (size_t i = 0; i < expression->count; i++) {
		struct scalar part = expression_evaluate(&expression->parts[i], evaluation);

		if (part.type == SCALAR_ABSENT || part.type == SCALAR_NULL)
			continue;
		part = scalar_convert(evaluation->arena, part, &(struct convert_options){.conversion = CONVERT_STRING});
		if (part.type == SCALAR_BROKEN) {
			buffer_free(&out);
			return part;
		}
		any = any || expression->parts[i].kind != EXPRESSION_LITERAL;
		buffer_append_text(&out, part.text);
	}
	if (any)
		made = scalar_string(arena_keep(evaluation->arena, buffer_text(&out)));
	buffer_free(&out);
	return made;
}

static struct scalar split(struct scalar scalar, char separator, int part)
{
	struct text rest = scalar.text;

	if (scalar.type != SCALAR_STRING)
		return scalar;
	for (;; part--) {
		const char *found = memchr(rest.data, separator, rest.size);
		struct text piece = {rest.data, found != NULL ? (size_t)(found - rest.data) : rest.size};

		if (part == 0)
			return scalar_string(piece);
		if (found == NULL)
			return (struct scalar){.type = SCALAR_ABSENT};
		rest = (struct text){found + 1, rest.size - piece.size - 1};
	}
}

static struct scalar look_up(const struct refinement *refinement, struct scalar scalar)
{
	const struct lookup *lookup = refinement->lookup;
	const struct lookup_entry *entry = lookup_entry_of(lookup, scalar.text);

	if (scalar.type == SCALAR_LIST || scalar.type == SCALAR_OBJECT)
		return scalar_broken("wrong_type", "must be a text or a number to be looked up");
	if (entry != NULL)
		return entry->value;
	if (lookup->otherwise != NULL)
		return *lookup->otherwise;
	if (refinement->unknown == UNKNOWN_DROP)
		return (struct scalar){.type = SCALAR_ABSENT};
	if (refinement->unknown == UNKNOWN_REFUSE)
		return scalar_broken("not_one_of", "is not among the values that the mapping knows");
	return scalar;
}

static struct scalar evaluate_refined(const struct expression *expression, const struct evaluation *evaluation)
{
	const struct refinement *refinement = expression->refinement;
	struct scalar scalar;

	if (refinement->when != NULL && !condition_holds(refinement->when, evaluation))
		return (struct scalar){.type = SCALAR_ABSENT};
	scalar = expression_evaluate(&expression->parts[0], evaluation);
	scalar = unwrap(refinement->unwrap, refinement->unwrap_count, evaluation->arena, scalar);
	if (refinement->split != '\0')
		scalar = split(scalar, refinement->split, refinement->part);
	if (scalar.type == SCALAR_NULL && refinement->fallback != NULL)
		return *refinement->fallback;
	if (refinement->lookup != NULL && scalar_has_value(scalar))
		scalar = look_up(refinement, scalar);
	return scalar_convert(evaluation->arena, scalar, &refinement->convert);
}

struct scalar expression_evaluate(const struct expression *expression, const struct evaluation *evaluation)
{
	const struct delivery *delivery = evaluation->delivery;
	const struct text *slots = expression->of_record ? evaluation->record : evaluation->item;
	struct scalar scalar = {.type = SCALAR_ABSENT};

	switch (expression->kind) {
	case EXPRESSION_POINTER:
		if (slots != NULL)
			scalar = scalar_read(evaluation->arena, slots[expression->slot]);
		if (expression->of_record)
			scalar = unwrap(evaluation->unwrap, evaluation->unwrap_count, evaluation->arena, scalar);
		return scalar;
	case EXPRESSION_HEADER:
		return delivery->header != NULL ? scalar_string(delivery->header(delivery->context, expression->text.data, 0)) : scalar;
	case EXPRESSION_QUERY:
		return delivery->query != NULL ? scalar_string(delivery->query(delivery->context, expression->text.data, 0)) : scalar;
	case EXPRESSION_EACH:
		return scalar_read(evaluation->arena, evaluation->each);
	case EXPRESSION_LITERAL:
		return expression->literal;
	case EXPRESSION_FIRST:
		return evaluate_first(expression, evaluation);
	case EXPRESSION_TEMPLATE:
		return evaluate_template(expression, evaluation);
	case EXPRESSION_REFINED:
		return evaluate_refined(expression, evaluation);
	}
	return scalar;
}
