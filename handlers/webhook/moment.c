#include "moment.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shape.h"

enum { MICROSECONDS = 1000000 };

/* A whole number, the whole text. */
static bool parse_whole(struct text text, int64_t *out)
{
	bool negative = text.size > 0 && text.data[0] == '-';
	int64_t value = 0;

	if (text.size == (size_t)negative || text.size > 18)
		return false;
	for (size_t i = negative; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		value = value * 10 + (text.data[i] - '0');
	}
	*out = negative ? -value : value;
	return true;
}

/* Microseconds since 1970; false when they are beyond the years 1 to 9999. */
static bool to_microseconds(int64_t value, enum moment_unit unit, int64_t *out)
{
	const int64_t least = -62135596800 * MICROSECONDS, most = 253402300799 * MICROSECONDS;
	int64_t size = value < 0 ? -value : value, factor = 1;

	if (unit == MOMENT_SECONDS || (unit == MOMENT_AUTO && size < 100000000000))
		factor = MICROSECONDS;
	else if (unit == MOMENT_MILLISECONDS || (unit == MOMENT_AUTO && size < 100000000000000))
		factor = 1000;
	if (size > INT64_MAX / factor)
		return false;
	*out = value * factor;
	return *out >= least && *out <= most;
}

static struct text format(struct arena *arena, int64_t microseconds)
{
	int64_t fraction = microseconds % MICROSECONDS;
	time_t seconds = (time_t)(microseconds / MICROSECONDS);
	char *out = arena_take(arena, 40);
	struct tm day;
	int size;

	if (fraction < 0) {
		fraction += MICROSECONDS;
		seconds--;
	}
	if (gmtime_r(&seconds, &day) == NULL)
		return (struct text){0};
	size = snprintf(out, 40, "%04d-%02d-%02dT%02d:%02d:%02d", day.tm_year + 1900, day.tm_mon + 1, day.tm_mday, day.tm_hour, day.tm_min,
			day.tm_sec);
	if (fraction % 1000 != 0)
		size += snprintf(out + size, 40 - (size_t)size, ".%06d", (int)fraction);
	else if (fraction != 0)
		size += snprintf(out + size, 40 - (size_t)size, ".%03d", (int)(fraction / 1000));
	size += snprintf(out + size, 40 - (size_t)size, "Z");
	return (struct text){out, (size_t)size};
}

static struct text from_number(struct arena *arena, struct text text, enum moment_unit unit)
{
	int64_t value, microseconds;

	if (!parse_whole(text, &value) || !to_microseconds(value, unit, &microseconds))
		return (struct text){0};
	return format(arena, microseconds);
}

/* /Date(1506409448000-0700)/: the number alone. */
static bool take_wrapped(struct text text, struct text *number)
{
	static const char before[] = "/Date(", after[] = ")/";
	size_t digits = 0;

	if (text.size < sizeof before + sizeof after - 2 || memcmp(text.data, before, sizeof before - 1) != 0 ||
	    memcmp(text.data + text.size - 2, after, 2) != 0)
		return false;
	text = (struct text){text.data + sizeof before - 1, text.size - (sizeof before - 1) - (sizeof after - 1)};
	while (digits < text.size && (text.data[digits] != '+' && (text.data[digits] != '-' || digits == 0)))
		digits++;
	*number = (struct text){text.data, digits};
	return true;
}

/* Where the offset of an ISO time begins: at Z, + or - behind the hour. Its size when there is none. */
static size_t offset_at(struct text text)
{
	for (size_t i = 11; i < text.size; i++)
		if (strchr("Zz+-", text.data[i]) != NULL)
			return i;
	return text.size;
}

/* ISO 8601 brought into the form of RFC 3339. */
static struct text from_iso(struct arena *arena, struct text text)
{
	struct text clock, zone, made;
	size_t offset;

	if (value_is_datetime(text))
		return arena_keep(arena, text);
	if (value_is_date(text))
		return arena_join(arena, (struct text[]){text, TEXT("T00:00:00Z")}, 2);
	if (text.size < 16 || memchr(text.data, '\0', text.size) != NULL)
		return (struct text){0};
	offset = offset_at(text);
	clock = (struct text){text.data, offset};
	zone = (struct text){text.data + offset, text.size - offset};
	made = arena_join(arena, (struct text[]){
		clock,
		clock.size == 16 ? TEXT(":00") : TEXT(""),
		zone.size == 0 ? TEXT("Z") : (struct text){zone.data, zone.size == 5 ? 3 : zone.size},
		zone.size == 5 ? TEXT(":") : TEXT(""),
		zone.size == 5 ? (struct text){zone.data + 3, 2} : TEXT(""),
	}, 5);
	return value_is_datetime(made) ? made : (struct text){0};
}

struct text moment_make(struct arena *arena, struct text text, enum moment_unit unit)
{
	struct text number = text;
	int64_t value;

	if (take_wrapped(text, &number))
		return from_number(arena, number, MOMENT_MILLISECONDS);
	if (parse_whole(text, &value))
		return from_number(arena, text, unit);
	return from_iso(arena, text);
}

struct text moment_date(struct arena *arena, struct text text, enum moment_unit unit)
{
	struct text moment = moment_make(arena, text, unit);

	return moment.data != NULL ? (struct text){moment.data, 10} : moment;
}
