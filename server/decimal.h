/* Exact decimals, as far as checking needs them: bounds and sums of percentages. Arithmetic on money happens in PostgreSQL. */
#ifndef PLUMBLINE_DECIMAL_H
#define PLUMBLINE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

enum {
	DECIMAL_DIGITS = 30,    /* before and after the point */
	DECIMAL_TEXT_MAX = 100, /* characters of a decimal as written */
	DECIMAL_LIMBS = 8       /* of 9 digits each; the lower half stands after the point */
};

/* A magnitude in base 1,000,000,000, least significant limb first, and its sign. Zero-initialised is 0. */
struct decimal {
	bool negative; /* never set for 0 */
	uint32_t limbs[DECIMAL_LIMBS];
};

/* Reads -?digits[.digits][e±digits], the whole text. False when it is not of that form, or when the value has a digit more
 * than DECIMAL_DIGITS places away from the point. */
bool decimal_parse(struct text text, struct decimal *out);

/* Below, equal, above: -1, 0, 1. */
int decimal_compare(const struct decimal *a, const struct decimal *b);

/* sum += term. Sums of up to a million parsed decimals do not overflow. */
void decimal_add(struct decimal *sum, const struct decimal *term);

/* Plain notation without superfluous zeros: "99.99". */
void decimal_format(const struct decimal *decimal, struct buffer *out);

#endif
