/* Scalars: decimals read back what they print, add and compare as numbers do; days and times have the form they claim. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "shape.h"

#define CHECK(condition) ((condition) ? (void)0 : abort())

static void check_decimal(const struct decimal *decimal)
{
	struct decimal again, sum = *decimal, negative = *decimal, zero = {0};
	struct buffer text = {0};

	decimal_format(decimal, &text);
	CHECK(decimal_parse(buffer_text(&text), &again));
	CHECK(decimal_compare(decimal, &again) == 0);
	negative.negative = !negative.negative && decimal_compare(decimal, &zero) != 0;
	decimal_add(&sum, &negative);
	CHECK(decimal_compare(&sum, &zero) == 0 && !sum.negative);
	decimal_add(&sum, decimal);
	CHECK(decimal_compare(&sum, decimal) == 0);
	buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text text = {(const char *)data, size};
	struct decimal decimal;
	bool is_date = value_is_date(text), is_datetime = value_is_datetime(text), is_currency = value_is_currency(text);

	CHECK(value_is_decimal(text) == decimal_parse(text, &decimal));
	if (decimal_parse(text, &decimal))
		check_decimal(&decimal);
	CHECK(!is_date || size == 10);
	CHECK(!is_datetime || (size >= 20 && value_is_date((struct text){text.data, 10})));
	CHECK(!is_currency || size == 3);
	CHECK(is_date + is_datetime + is_currency <= 1);
	return 0;
}
