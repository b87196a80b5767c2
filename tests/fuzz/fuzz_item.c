/* Records of every kind: the first byte chooses kind and form, the rest is the record. A sound one makes an event that is valid
 * itself and reads the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "item.h"
#include "json_scan.h"

#define CHECK(condition) ((condition) ? (void)0 : abort())

static const struct resource *const kinds[] = {
	&resource_rep,   &resource_team,        &resource_account,  &resource_product,
	&resource_stage, &resource_opportunity, &resource_activity, &resource_fx_rate,
};

static void check_again(struct item_context context, const struct ingest_item *item)
{
	struct problems problems = {0};
	struct ingest_item again = {0};

	CHECK(item_read(&context, item->patch, &again, &problems) == ITEM_SOUND);
	CHECK(text_equal(again.id, item->id) && text_equal(again.event_id, item->event_id) && text_equal(again.patch, item->patch));
	ingest_item_free(&again);
	problems_free(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct item_context context = {0};
	struct ingest_item item = {0};
	struct problems problems = {0};
	struct json_fault fault;
	struct text raw;
	enum item_verdict verdict;

	if (size == 0)
		return 0;
	raw = (struct text){(const char *)data + 1, size - 1};
	context.resource = kinds[data[0] % 8];
	context.form = (enum item_form)(data[0] / 8 % 3);
	context.id = context.form == ITEM_ENTRY ? (struct text){0} : TEXT("EUR-USD-2017-02-28");
	verdict = item_read(&context, raw, &item, &problems);
	CHECK((verdict == ITEM_SOUND) == (problems.count == 0));
	if (verdict == ITEM_SOUND) {
		CHECK(item.id.size > 0 && json_scan_valid(item.patch, NULL, &fault));
		if (text_equal_string(item.operation, "patch"))
			check_again(context, &item);
	}
	ingest_item_free(&item);
	problems_free(&problems);
	return 0;
}
