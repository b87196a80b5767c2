#include "fake_ingest.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fake_ingest_largest;

int fake_array_count(const char *array)
{
	uint32_t count;

	memcpy(&count, array + 12, sizeof count);
	return (int)ntohl(count);
}

struct text fake_array_element(const char *array, int wanted)
{
	const char *at = array + 20;
	uint32_t size;

	for (int i = 0;; i++) {
		memcpy(&size, at, sizeof size);
		size = ntohl(size);
		if (size == UINT32_MAX) /* null */
			size = 0;
		if (i == wanted)
			return (struct text){at + 4, size};
		at += 4 + size;
	}
}

/* Answers must outlive the call: what they are made of stays until the process of the test ends. */
char *fake_keep(char *text)
{
	static char *kept[1 << 14];
	static size_t count;

	kept[count++ % (sizeof kept / sizeof *kept)] = text;
	return text;
}

char *fake_number(int number)
{
	char *made = malloc(16);

	snprintf(made, 16, "%d", number);
	return fake_keep(made);
}

void fake_ingest_answer(const struct fake_question *question, struct fake_answer *answer)
{
	int count = fake_array_count(question->values[2]);

	*answer = (struct fake_answer){.kind = FAKE_ROWS, .columns = 9, .rows = count};
	for (int i = 0; i < count; i++) {
		struct text patch = fake_array_element(question->values[9], i);
		const char **cells = answer->cells + 9 * i;
		bool bad = text_equal(patch, TEXT("bad"));

		cells[0] = fake_number(i);
		cells[1] = bad ? "rejected" : "accepted";
		cells[2] = bad ? NULL : fake_keep(strndup(patch.data, patch.size));
		cells[3] = "2027-01-01T00:00:00Z";
		cells[4] = bad ? "not_a_number" : NULL;
		cells[5] = bad ? "/amount" : NULL;
		cells[6] = bad ? "is no number" : NULL;
		cells[7] = "f";
		cells[8] = "42";
	}
	if (count > fake_ingest_largest)
		fake_ingest_largest = count;
}
