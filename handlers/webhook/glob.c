#include "glob.h"

#include <string.h>

bool glob_is_pattern(struct text text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] == '*' || text.data[i] == '?' || text.data[i] == '[')
			return true;
	return false;
}

/* Whether a character is of the set that begins behind [ at `at`; *end gets where the pattern goes on. A set that does not end is
 * the character [ itself. */
static bool in_set(struct text pattern, size_t at, char c, size_t *end)
{
	size_t start = at, close;
	bool negated = at < pattern.size && pattern.data[at] == '!', found = false;

	start += negated;
	for (close = start + 1; close < pattern.size && pattern.data[close] != ']';)
		close++;
	if (close >= pattern.size) {
		*end = at;
		return c == '[';
	}
	for (size_t i = start; i < close; i++) {
		bool range = i + 2 < close && pattern.data[i + 1] == '-';

		if (range ? c >= pattern.data[i] && c <= pattern.data[i + 2] : c == pattern.data[i])
			found = true;
		i += range ? 2 : 0;
	}
	*end = close + 1;
	return found != negated;
}

/* One character of the pattern against one of the text. */
static bool one_matches(struct text pattern, size_t at, char c, size_t *next)
{
	*next = at + 1;
	if (pattern.data[at] == '?')
		return true;
	if (pattern.data[at] == '[')
		return in_set(pattern, at + 1, c, next);
	return pattern.data[at] == c;
}

/* When the text goes another way than the pattern, only the newest * can make up for it: what an older one could take, it can too. */
bool glob_matches(struct text pattern, struct text text)
{
	size_t at = 0, i = 0, star = 0, tried = 0, next;
	bool starred = false;

	while (i < text.size) {
		if (at < pattern.size && pattern.data[at] == '*') {
			starred = true;
			star = ++at;
			tried = i;
		} else if (at < pattern.size && one_matches(pattern, at, text.data[i], &next)) {
			at = next;
			i++;
		} else if (starred) {
			at = star;
			i = ++tried;
		} else {
			return false;
		}
	}
	while (at < pattern.size && pattern.data[at] == '*')
		at++;
	return at == pattern.size;
}
