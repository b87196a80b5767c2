#include "number.h"

#include <string.h>

#include "decimal.h"

enum { DIGITS_MAX = NUMBER_TEXT_MAX + DECIMAL_TEXT_MAX, EXPONENT_MAX = 60 };

/* ±digits · 10^exponent; digits hold values 0 to 9, the most significant first. */
struct digits {
	bool negative;
	int exponent;
	size_t count;
	unsigned char values[DIGITS_MAX];
};

static size_t take_digits(struct text *rest, struct digits *out)
{
	size_t taken = 0;

	for (; rest->size > 0 && rest->data[0] >= '0' && rest->data[0] <= '9'; taken++) {
		out->values[out->count++] = (unsigned char)(rest->data[0] - '0');
		*rest = (struct text){rest->data + 1, rest->size - 1};
	}
	return taken;
}

static bool take(struct text *rest, char lower, char upper)
{
	if (rest->size == 0 || (rest->data[0] != lower && rest->data[0] != upper))
		return false;
	*rest = (struct text){rest->data + 1, rest->size - 1};
	return true;
}

static bool take_exponent(struct text *rest, int *exponent)
{
	bool negative;
	int value = 0;

	if (!take(rest, 'e', 'E'))
		return true;
	negative = take(rest, '-', '-');
	if (!negative)
		take(rest, '+', '+');
	if (rest->size == 0)
		return false;
	for (; rest->size > 0; *rest = (struct text){rest->data + 1, rest->size - 1}) {
		if (rest->data[0] < '0' || rest->data[0] > '9')
			return false;
		value = value * 10 + (rest->data[0] - '0');
		if (value > EXPONENT_MAX)
			return false;
	}
	*exponent += negative ? -value : value;
	return true;
}

static bool parse(struct text text, struct digits *out)
{
	*out = (struct digits){0};
	if (text.size == 0 || text.size > NUMBER_TEXT_MAX)
		return false;
	out->negative = take(&text, '-', '-');
	if (take_digits(&text, out) == 0)
		return false;
	if (take(&text, '.', '.')) {
		size_t places = take_digits(&text, out);

		if (places == 0)
			return false;
		out->exponent = -(int)places;
	}
	return take_exponent(&text, &out->exponent) && text.size == 0;
}

static void multiply(const struct digits *a, const struct digits *b, struct digits *out)
{
	*out = (struct digits){.negative = a->negative != b->negative, .exponent = a->exponent + b->exponent, .count = a->count + b->count};
	for (size_t i = a->count; i-- > 0;) {
		unsigned carry = 0;

		for (size_t j = b->count; j-- > 0;) {
			unsigned sum = out->values[i + j + 1] + (unsigned)a->values[i] * b->values[j] + carry;

			out->values[i + j + 1] = (unsigned char)(sum % 10);
			carry = sum / 10;
		}
		out->values[i] = (unsigned char)(out->values[i] + carry);
	}
}

/* Adds one to the last digit; room for a further digit in front is there because a digit was dropped before. */
static void increment(struct digits *number)
{
	for (size_t i = number->count; i-- > 0;) {
		if (number->values[i] < 9) {
			number->values[i]++;
			return;
		}
		number->values[i] = 0;
	}
	memmove(number->values + 1, number->values, number->count);
	number->values[0] = 1;
	number->count++;
}

static void round_to(struct digits *number, int places)
{
	size_t drop;
	bool up;

	if (number->exponent >= -places)
		return;
	drop = (size_t)(-places - number->exponent);
	up = drop <= number->count && number->values[number->count - drop] >= 5;
	number->count = drop < number->count ? number->count - drop : 0;
	number->exponent = -places;
	if (up)
		increment(number);
}

static void trim(struct digits *number)
{
	size_t leading = 0;

	while (number->exponent < 0 && number->count > 0 && number->values[number->count - 1] == 0) {
		number->count--;
		number->exponent++;
	}
	while (leading < number->count && number->values[leading] == 0)
		leading++;
	memmove(number->values, number->values + leading, number->count - leading);
	number->count -= leading;
	if (number->count == 0)
		*number = (struct digits){0};
}

/* Plain notation. */
static struct text format(struct arena *arena, const struct digits *number)
{
	int whole = (int)number->count + number->exponent;
	size_t at = 0;
	char *out;

	if (whole > DECIMAL_DIGITS)
		return (struct text){0};
	out = arena_take(arena, number->count + 2 * EXPONENT_MAX + NUMBER_PLACES + 4);
	if (number->negative)
		out[at++] = '-';
	if (whole <= 0)
		out[at++] = '0';
	for (int i = 0; i < whole; i++)
		out[at++] = (char)('0' + ((size_t)i < number->count ? number->values[i] : 0));
	if (number->exponent < 0)
		out[at++] = '.';
	for (int i = whole; number->exponent < 0 && i < 0; i++)
		out[at++] = '0';
	for (size_t i = whole > 0 ? (size_t)whole : 0; number->exponent < 0 && i < number->count; i++)
		out[at++] = (char)('0' + number->values[i]);
	return (struct text){out, at};
}

/* A decimal that JSON writes the same way: no zeros in front. */
static bool is_plain(struct text text)
{
	struct decimal decimal;
	size_t sign = text.size > 0 && text.data[0] == '-';

	return decimal_parse(text, &decimal) && !(text.size > sign + 1 && text.data[sign] == '0' && text.data[sign + 1] >= '0' && text.data[sign + 1] <= '9');
}

struct text number_make(struct arena *arena, struct text text, struct text scale, int places)
{
	struct digits number, factor, product;

	if (scale.data == NULL && places == NUMBER_ANY && is_plain(text))
		return arena_keep(arena, text);
	if (!parse(text, &number))
		return (struct text){0};
	if (scale.data != NULL) {
		if (!parse(scale, &factor) || number.count + factor.count > DIGITS_MAX)
			return (struct text){0};
		multiply(&number, &factor, &product);
		number = product;
	}
	round_to(&number, places == NUMBER_ANY ? NUMBER_PLACES : places);
	trim(&number);
	return format(arena, &number);
}
