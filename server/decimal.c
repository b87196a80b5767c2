#include "decimal.h"

#include <stdio.h>
#include <string.h>

enum { LIMB_DIGITS = 9, LIMB_BASE = 1000000000, POINT = DECIMAL_LIMBS / 2 * LIMB_DIGITS, EXPONENT_MAX = 60 };

/* A number taken apart: its digits without the point, and where the point stands among them. */
struct literal {
	bool negative;
	struct text whole, fraction;
	int exponent;
};

static struct text take_digits(struct text *rest)
{
	struct text digits = {rest->data, 0};

	while (rest->size > 0 && rest->data[0] >= '0' && rest->data[0] <= '9') {
		rest->data++;
		rest->size--;
		digits.size++;
	}
	return digits;
}

static bool take_char(struct text *rest, char lower, char upper)
{
	if (rest->size == 0 || (rest->data[0] != lower && rest->data[0] != upper))
		return false;
	rest->data++;
	rest->size--;
	return true;
}

/* [e±digits] */
static bool take_exponent(struct text *rest, int *exponent)
{
	bool negative;
	struct text digits;

	*exponent = 0;
	if (!take_char(rest, 'e', 'E'))
		return true;
	negative = take_char(rest, '-', '-');
	if (!negative)
		take_char(rest, '+', '+');
	digits = take_digits(rest);
	if (digits.size == 0)
		return false;
	for (size_t i = 0; i < digits.size; i++) {
		*exponent = *exponent * 10 + (digits.data[i] - '0');
		if (*exponent > EXPONENT_MAX)
			return false;
	}
	if (negative)
		*exponent = -*exponent;
	return true;
}

static bool split(struct text text, struct literal *literal)
{
	if (text.size == 0 || text.size > DECIMAL_TEXT_MAX)
		return false;
	*literal = (struct literal){.negative = take_char(&text, '-', '-')};
	literal->whole = take_digits(&text);
	if (literal->whole.size == 0)
		return false;
	if (take_char(&text, '.', '.')) {
		literal->fraction = take_digits(&text);
		if (literal->fraction.size == 0)
			return false;
	}
	return take_exponent(&text, &literal->exponent) && text.size == 0;
}

/* Adds digit · 10^power; false when that place is out of reach. */
static bool put_digit(struct decimal *decimal, char digit, int power)
{
	static const uint32_t powers[LIMB_DIGITS] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

	if (digit == '0')
		return true;
	if (power < -DECIMAL_DIGITS || power >= DECIMAL_DIGITS)
		return false;
	power += POINT;
	decimal->limbs[power / LIMB_DIGITS] += (uint32_t)(digit - '0') * powers[power % LIMB_DIGITS];
	return true;
}

static bool is_zero(const struct decimal *decimal)
{
	for (int i = 0; i < DECIMAL_LIMBS; i++)
		if (decimal->limbs[i] != 0)
			return false;
	return true;
}

bool decimal_parse(struct text text, struct decimal *out)
{
	struct literal literal;
	struct decimal decimal = {0};
	int power;

	if (!split(text, &literal))
		return false;
	power = (int)literal.whole.size - 1 + literal.exponent;
	for (size_t i = 0; i < literal.whole.size; i++)
		if (!put_digit(&decimal, literal.whole.data[i], power--))
			return false;
	for (size_t i = 0; i < literal.fraction.size; i++)
		if (!put_digit(&decimal, literal.fraction.data[i], power--))
			return false;
	decimal.negative = literal.negative && !is_zero(&decimal);
	*out = decimal;
	return true;
}

static int compare_magnitude(const struct decimal *a, const struct decimal *b)
{
	for (int i = DECIMAL_LIMBS - 1; i >= 0; i--)
		if (a->limbs[i] != b->limbs[i])
			return a->limbs[i] < b->limbs[i] ? -1 : 1;
	return 0;
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
	if (a->negative != b->negative)
		return a->negative ? -1 : 1;
	return a->negative ? compare_magnitude(b, a) : compare_magnitude(a, b);
}

static void add_magnitude(struct decimal *sum, const struct decimal *term)
{
	uint32_t carry = 0;

	for (int i = 0; i < DECIMAL_LIMBS; i++) {
		uint32_t limb = sum->limbs[i] + term->limbs[i] + carry;

		carry = limb >= LIMB_BASE;
		sum->limbs[i] = limb - carry * LIMB_BASE;
	}
}

/* larger − smaller into result, which may be either of them. */
static void subtract_magnitude(const struct decimal *larger, const struct decimal *smaller, struct decimal *result)
{
	uint32_t borrow = 0;

	for (int i = 0; i < DECIMAL_LIMBS; i++) {
		uint32_t taken = smaller->limbs[i] + borrow;

		borrow = larger->limbs[i] < taken;
		result->limbs[i] = larger->limbs[i] + borrow * LIMB_BASE - taken;
	}
}

void decimal_add(struct decimal *sum, const struct decimal *term)
{
	if (sum->negative == term->negative) {
		add_magnitude(sum, term);
	} else if (compare_magnitude(sum, term) >= 0) {
		subtract_magnitude(sum, term, sum);
	} else {
		subtract_magnitude(term, sum, sum);
		sum->negative = term->negative;
	}
	if (is_zero(sum))
		sum->negative = false;
}

void decimal_format(const struct decimal *decimal, struct buffer *out)
{
	char digits[DECIMAL_LIMBS * LIMB_DIGITS + 1], *first = digits, *point = digits + DECIMAL_LIMBS * LIMB_DIGITS - POINT;
	size_t fraction = POINT;

	/* From the most significant limb on, so that the NUL snprintf adds is overwritten by the next. */
	for (int i = DECIMAL_LIMBS - 1; i >= 0; i--)
		snprintf(digits + (DECIMAL_LIMBS - 1 - i) * LIMB_DIGITS, LIMB_DIGITS + 1, "%09u", (unsigned)decimal->limbs[i] % LIMB_BASE);
	while (first < point - 1 && *first == '0')
		first++;
	while (fraction > 0 && point[fraction - 1] == '0')
		fraction--;
	if (decimal->negative)
		buffer_append(out, "-", 1);
	buffer_append(out, first, (size_t)(point - first));
	if (fraction > 0) {
		buffer_append(out, ".", 1);
		buffer_append(out, point, fraction);
	}
}
