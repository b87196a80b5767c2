/* Strategy documents: whatever JSON comes, the check ends, says what is wrong with pointers that are JSON pointers, and says the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json_scan.h"
#include "shape.h"
#include "strategy_check.h"

#define CHECK(condition) ((condition) ? (void)0 : abort())

static void check_problems(const struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->items[i];

		CHECK(problem->pointer[0] == '\0' || problem->pointer[0] == '/');
		CHECK(problem->code[0] != '\0' && problem->message[0] != '\0');
		CHECK(text_is_clean_utf8(text_of(problem->pointer)) && text_is_clean_utf8(text_of(problem->message)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text raw = {(const char *)data, size};
	struct problems problems = {0}, again = {0};
	const char *code, *message;
	json_t *document = json_parse_strict(raw, &code, &message);
	bool sound;

	if (document == NULL)
		return 0;
	sound = strategy_check(document, raw, &problems);
	CHECK(sound == (problems.count == 0));
	check_problems(&problems);
	CHECK(strategy_check(document, raw, &again) == sound && again.count == problems.count);
	problems_free(&problems);
	problems_free(&again);
	json_decref(document);
	return 0;
}
