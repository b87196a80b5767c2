/* Scalars as text: decimals, days, times, currencies. */
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "shape.h"

bool value_is_decimal(struct text text)
{
	struct decimal decimal;

	return decimal_parse(text, &decimal);
}

/* Reads exactly `count` digits. */
static bool take_number(struct text *rest, size_t count, int *number)
{
	*number = 0;
	if (rest->size < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (rest->data[i] < '0' || rest->data[i] > '9')
			return false;
		*number = *number * 10 + (rest->data[i] - '0');
	}
	rest->data += count;
	rest->size -= count;
	return true;
}

static bool take_one_of(struct text *rest, const char *allowed)
{
	if (rest->size == 0 || rest->data[0] == '\0' || strchr(allowed, rest->data[0]) == NULL)
		return false;
	rest->data++;
	rest->size--;
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* YYYY-MM-DD. The year 0000 is none: PostgreSQL and the calendar go from 1 BC to 1 AD. */
static bool take_date(struct text *rest)
{
	int year, month, day;

	return take_number(rest, 4, &year) && take_one_of(rest, "-") && take_number(rest, 2, &month) && take_one_of(rest, "-") &&
	       take_number(rest, 2, &day) && year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
}

/* hh:mm:ss[.fraction]; second 60 only where a leap second can stand, at the end of an hour. */
static bool take_time(struct text *rest)
{
	int hour, minute, second;
	size_t digits = 0;

	if (!take_number(rest, 2, &hour) || !take_one_of(rest, ":") || !take_number(rest, 2, &minute) || !take_one_of(rest, ":") ||
	    !take_number(rest, 2, &second))
		return false;
	if (hour > 23 || minute > 59 || second > 60 || (second == 60 && minute != 59))
		return false;
	if (!take_one_of(rest, "."))
		return true;
	while (take_one_of(rest, "0123456789"))
		digits++;
	return digits >= 1 && digits <= 9;
}

/* Z, or ±hh:mm no further from UTC than clocks on earth are: -12:00 to +14:00. */
static bool take_offset(struct text *rest)
{
	int hour, minute, limit;

	if (take_one_of(rest, "Zz"))
		return true;
	if (rest->size == 0)
		return false;
	limit = rest->data[0] == '-' ? 12 * 60 : 14 * 60;
	return take_one_of(rest, "+-") && take_number(rest, 2, &hour) && take_one_of(rest, ":") && take_number(rest, 2, &minute) &&
	       minute <= 59 && hour * 60 + minute <= limit;
}

bool value_is_date(struct text text)
{
	return take_date(&text) && text.size == 0;
}

bool value_is_datetime(struct text text)
{
	return take_date(&text) && take_one_of(&text, "Tt ") && take_time(&text) && take_offset(&text) && text.size == 0;
}

/* ISO 4217, in order: the codes in force, and those withdrawn since 2009, which old deals still carry. */
static const char currencies[][4] = {
	"AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BHD", "BIF",
	"BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BYR", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW",
	"CLF", "CLP", "CNY", "COP", "COU", "CRC", "CUC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EEK", "EGP",
	"ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HRK",
	"HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW",
	"KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LTL", "LVL", "LYD", "MAD", "MDL", "MGA", "MKD",
	"MMK", "MNT", "MOP", "MRO", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK",
	"NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR",
	"SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SKK", "SLE", "SLL", "SOS", "SRD", "SSP", "STD", "STN", "SVC", "SYP",
	"SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "USN", "UYI", "UYU",
	"UYW", "UZS", "VED", "VEF", "VES", "VND", "VUV", "WST", "XAF", "XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XCD",
	"XCG", "XDR", "XOF", "XPD", "XPF", "XPT", "XSU", "XTS", "XUA", "XXX", "YER", "ZAR", "ZMK", "ZMW", "ZWG", "ZWL",
};

static int compare_codes(const void *a, const void *b)
{
	return memcmp(a, b, 3);
}

bool value_is_currency(struct text text)
{
	return text.size == 3 && bsearch(text.data, currencies, sizeof currencies / sizeof *currencies, sizeof *currencies,
					 compare_codes) != NULL;
}
