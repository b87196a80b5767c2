/* Records of the eight kinds as events. */
#include <check.h>
#include <string.h>

#include "item.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static const struct {
	const struct resource *resource;
	enum item_form form;
	const char *id; /* of the path; NULL: none */
	const char *json;
	const char *problems; /* "pointer code,…"; "" when sound */
} records[] = {
	{&resource_rep, ITEM_FULL, "r1", "{\"name\":\"Ann\",\"email\":\"ann@x.example\",\"team\":\"t1\",\"team_from\":\"2017-01-01\","
	 "\"active_from\":\"2016-01-01\",\"active_to\":\"2018-01-01\",\"cost_per_hour\":\"85.50\",\"cost_currency\":\"EUR\"}", ""},
	{&resource_rep, ITEM_FULL, "r1", "{\"id\":\"r1\",\"name\":\"Ann\"}", ""},
	{&resource_rep, ITEM_FULL, "r1", "{\"id\":\"r2\",\"name\":\"Ann\"}", "/id given_twice"},
	{&resource_rep, ITEM_FULL, "r1", "{}", "/name required"},
	{&resource_rep, ITEM_FULL, "r1", "[]", " wrong_type"},
	{&resource_rep, ITEM_PATCH, "r1", "{}", ""},
	{&resource_rep, ITEM_PATCH, "r1", "{\"name\":null}", "/name required"},
	{&resource_rep, ITEM_PATCH, "r1", "{\"cost_per_hour\":-1}", "/cost_per_hour out_of_range"},
	{&resource_rep, ITEM_PATCH, "r1", "{\"operation\":\"delete\"}", "/operation not_allowed"},
	{&resource_rep, ITEM_PATCH, "r1", "{\"merged_into\":\"r2\"}", "/merged_into not_allowed"},
	{&resource_rep, ITEM_PATCH, "a\tb", "{}", "/id not_an_id"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"name\":\"Ann\"}", "/id required"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":\"\",\"name\":\"Ann\"}", "/id not_an_id"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":12,\"name\":\"Ann\"}", ""},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":1.5,\"name\":\"Ann\"}", "/id not_an_id"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":null,\"name\":\"Ann\"}", "/id required"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":\"r1\",\"operation\":\"erase\"}", "/operation not_one_of"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":\"r1\",\"operation\":\"delete\"}", ""},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":\"r1\",\"operation\":\"delete\",\"name\":\"Ann\"}", "/name not_allowed"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":\"r1\",\"operation\":\"merge\"}", "/merged_into required"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":\"r1\",\"operation\":\"merge\",\"merged_into\":\"r2\"}", ""},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":\"r1\",\"merged_into\":\"r2\"}", "/merged_into not_allowed"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":\"r1\",\"occurred_at\":\"yesterday\"}", "/occurred_at not_a_datetime"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":\"r1\",\"event_id\":\"\"}", "/event_id not_an_id"},
	{&resource_team, ITEM_FULL, "t1", "{\"name\":\"EMEA\",\"parent\":\"world\"}", ""},
	{&resource_team, ITEM_FULL, "t1", "{\"name\":\"EMEA\",\"attributes\":{}}", "/attributes unknown_attribute"},
	{&resource_account, ITEM_FULL, "a1", "{\"name\":\"Acme\",\"status\":\"customer\",\"owner\":\"r1\",\"is_target\":true,\"parent\":\"a0\","
	 "\"attributes\":{\"industry\":\"health\",\"employees\":250,\"tags\":[\"x\"],\"vip\":false}}", ""},
	{&resource_account, ITEM_PATCH, "a1", "{\"status\":\"lead\"}", "/status not_one_of"},
	{&resource_account, ITEM_PATCH, "a1", "{\"attributes\":{\"x\":{\"y\":1}}}", "/attributes/x wrong_type"},
	{&resource_account, ITEM_PATCH, "a1", "{\"attributes\":{\"x\":1e400}}", "/attributes/x out_of_range"},
	{&resource_account, ITEM_PATCH, "a1", "{\"attributes\":{\"x\":1e-40}}", "/attributes/x out_of_range"},
	{&resource_product, ITEM_FULL, "p1", "{\"name\":\"GTX\",\"family\":\"GTX\",\"list_price\":550,\"currency\":\"USD\"}", ""},
	{&resource_product, ITEM_PATCH, "p1", "{\"list_price\":\"free\",\"currency\":\"DOLLAR\"}", "/list_price not_a_number,/currency unknown_currency"},
	{&resource_stage, ITEM_FULL, "s1", "{\"label\":\"Won\",\"outcome\":\"won\",\"probability\":1,\"order\":4,\"pipeline\":\"main\"}", ""},
	{&resource_stage, ITEM_FULL, "s1", "{}", "/label required,/outcome required"},
	{&resource_stage, ITEM_PATCH, "s1", "{\"outcome\":\"closed\",\"probability\":1.01}", "/outcome not_one_of,/probability out_of_range"},
	{&resource_opportunity, ITEM_FULL, "d1", "{\"name\":\"Deal\",\"account\":\"a1\",\"owner\":\"r1\",\"stage\":\"won\",\"amount\":-5.5,"
	 "\"currency\":\"USD\",\"created_at\":\"2017-01-01\",\"expected_close\":\"2017-03-31\",\"closed_at\":\"2017-03-01T00:00:00Z\","
	 "\"probability\":0.5,\"origin\":\"inbound\",\"lost_reason\":\"\",\"lines\":[{\"id\":\"1\",\"product\":\"p1\",\"quantity\":2,"
	 "\"unit_price\":\"3.5\",\"amount\":7}],\"splits\":[{\"rep\":\"r1\",\"percent\":100}],\"contacts_external\":3,\"value_case\":false,"
	 "\"attributes\":{\"is_test\":false}}", ""},
	{&resource_opportunity, ITEM_FULL, "d1", "{}", "/stage required"},
	{&resource_opportunity, ITEM_PATCH, "d1", "{\"splits\":[]}", ""},
	{&resource_opportunity, ITEM_PATCH, "d1", "{\"splits\":null}", ""},
	{&resource_opportunity, ITEM_PATCH, "d1", "{\"splits\":[{\"rep\":\"a\",\"percent\":33.33},{\"rep\":\"b\",\"percent\":\"33.33\"},{\"rep\":\"c\",\"percent\":33.34}]}", ""},
	{&resource_opportunity, ITEM_PATCH, "d1", "{\"splits\":[{\"rep\":\"a\",\"percent\":33.33},{\"rep\":\"b\",\"percent\":66.66}]}", "/splits percent_total"},
	{&resource_opportunity, ITEM_PATCH, "d1", "{\"splits\":[{\"rep\":\"a\",\"percent\":99.99999999999999999999}]}", "/splits percent_total"},
	{&resource_opportunity, ITEM_PATCH, "d1", "{\"splits\":[{\"rep\":\"a\",\"percent\":99.99},{\"rep\":\"b\",\"percent\":0.01}]}", ""},
	{&resource_opportunity, ITEM_PATCH, "d1", "{\"splits\":[{\"rep\":\"a\",\"percent\":100},{\"rep\":\"b\",\"percent\":40,\"kind\":\"overlay\"}]}", ""},
	{&resource_opportunity, ITEM_PATCH, "d1", "{\"splits\":[{\"rep\":\"b\",\"percent\":40,\"kind\":\"overlay\"}]}", ""},
	{&resource_opportunity, ITEM_PATCH, "d1", "{\"splits\":[{\"rep\":\"b\",\"percent\":40,\"kind\":\"bonus\"}]}", "/splits/0/kind not_one_of,/splits percent_total"},
	{&resource_opportunity, ITEM_PATCH, "d1", "{\"splits\":[{\"rep\":\"b\",\"percent\":\"all\"},{\"percent\":101}]}",
	 "/splits/0/percent not_a_number,/splits/1/percent out_of_range,/splits/1/rep required"},
	{&resource_opportunity, ITEM_PATCH, "d1", "{\"lines\":[{\"product\":\"p1\",\"amount\":\"x\",\"sku\":1}]}",
	 "/lines/0/amount not_a_number,/lines/0/sku unknown_attribute"},
	{&resource_opportunity, ITEM_PATCH, "d1", "{\"amount\":1e400}", "/amount out_of_range"},
	{&resource_opportunity, ITEM_PATCH, "d1", "{\"amount\":1e31,\"attributes\":{\"x\":[],\"y\":1e31},\"z\":1}",
	 "/amount out_of_range,/z unknown_attribute,/attributes/y out_of_range"},
	{&resource_opportunity, ITEM_PATCH, "d1", "{\"amount\":\"abc\",\"splits\":[{\"rep\":\"a\",\"percent\":99.99}],\"amout\":1}",
	 "/amount not_a_number,/amout unknown_attribute,/splits percent_total"},
	{&resource_activity, ITEM_FULL, "v1", "{\"kind\":\"call\",\"starts_at\":\"2017-01-31T09:00:00Z\",\"duration_s\":900,\"rep\":\"r1\","
	 "\"account\":\"a1\",\"opportunity\":\"d1\",\"outcome\":\"held\",\"messages\":[\"uptime\"],\"talk_s\":300.5,\"customer_talk_s\":400,"
	 "\"questions\":7,\"participants_external\":2}", ""},
	{&resource_activity, ITEM_FULL, "v1", "{\"kind\":\"call\",\"starts_at\":\"2017-01-31T09:00:00Z\",\"reps\":[\"r1\",\"r2\"],\"accounts\":[\"a1\"]}", ""},
	{&resource_activity, ITEM_FULL, "v1", "{\"kind\":\"call\",\"starts_at\":\"2017-01-31\"}", "/starts_at not_a_datetime,/rep required"},
	{&resource_activity, ITEM_PATCH, "v1", "{\"duration_s\":-1,\"talk_s\":-0.5,\"questions\":-1}",
	 "/duration_s out_of_range,/talk_s out_of_range,/questions out_of_range"},
	{&resource_activity, ITEM_PATCH, "v1", "{\"outcome\":\"done\",\"messages\":\"uptime\",\"reps\":[]}",
	 "/outcome not_one_of,/messages wrong_type,/reps too_short"},
	{&resource_fx_rate, ITEM_FULL, "EUR-USD-2017-02-28", "{\"rate\":1.0533}", ""},
	{&resource_fx_rate, ITEM_FULL, "EUR-USD-2017-02-28", "{\"rate\":\"0.000000000000000000000000000001\"}", ""},
	{&resource_fx_rate, ITEM_FULL, "EUR-USD-2017-02-28", "{\"rate\":0}", "/rate out_of_range"},
	{&resource_fx_rate, ITEM_FULL, "EUR-USD-2017-02-28", "{\"rate\":\"-1\"}", "/rate out_of_range"},
	{&resource_fx_rate, ITEM_FULL, "EUR-USD-2017-02-28", "{\"rate\":null}", "/rate required"},
	{&resource_fx_rate, ITEM_FULL, "EUR-USD-2017-02-29", "{\"rate\":1}", "/id not_an_id"},
	{&resource_fx_rate, ITEM_FULL, "EUR-EUR-2017-02-28", "{\"rate\":1}", "/id not_an_id"},
	{&resource_fx_rate, ITEM_FULL, "EURUSD-2017-02-28", "{\"rate\":1}", "/id not_an_id"},
	{&resource_fx_rate, ITEM_FULL, "eur-usd-2017-02-28", "{\"rate\":1}", "/id not_an_id"},
	{&resource_fx_rate, ITEM_ENTRY, NULL, "{\"id\":\"EUR-USD-17-02-28\",\"rate\":1}", "/id not_an_id"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":\"r1\",\"name\":\"a\",\"name\":\"b\"}", " duplicate_key"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":\"r1\",\"name\":\"a\\u0000\"}", " invalid_text"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":\"r1\"", " invalid_json"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":\"r1\",\"name\":NaN}", " invalid_json"},
	{&resource_rep, ITEM_ENTRY, NULL, "{\"id\":\"r1\",\"name\":\"\xFF\"}", " invalid_json"},
};

static void list_problems(const struct problems *problems, struct buffer *out)
{
	buffer_append_string(out, "");
	for (size_t i = 0; i < problems->count; i++)
		buffer_printf(out, "%s%s %s", i > 0 ? "," : "", problems->items[i].pointer, problems->items[i].code);
}

START_TEST(records_of_all_kinds)
{
	struct item_context context = {
	    .resource = records[_i].resource, .form = records[_i].form, .id = text_of(records[_i].id), .strict = true};
	struct problems problems = {0};
	struct buffer listed = {0};
	struct ingest_item item = {0};
	enum item_verdict verdict = item_read(&context, text_of(records[_i].json), &item, &problems);

	list_problems(&problems, &listed);
	ck_assert_str_eq(listed.data, records[_i].problems);
	ck_assert((verdict == ITEM_SOUND) == (records[_i].problems[0] == '\0'));
	ck_assert((verdict == ITEM_NOT_JSON) == (strcmp(records[_i].problems, " invalid_json") == 0));
	if (verdict == ITEM_SOUND) {
		ck_assert(text_equal_string(item.kind, records[_i].resource->kind));
		ck_assert(item.full == (records[_i].form == ITEM_FULL));
		ck_assert(item.strict);
	} else {
		ck_assert_ptr_null(item.memory.data);
	}
	ingest_item_free(&item);
	problems_free(&problems);
	buffer_free(&listed);
}
END_TEST

static bool same(struct text text, const char *expected)
{
	return expected == NULL ? text.data == NULL : text_equal_string(text, expected);
}

static const struct {
	const char *json, *query_time, *query_event;
	bool defaults;
	const char *id, *operation, *occurred_at, *event_id, *patch, *problems;
} envelopes[] = {
	{" {\"id\":\"d1\",\"amount\":12345678901234567890.10}\n", NULL, NULL, false, "d1", "patch", NULL, NULL,
	 "{\"id\":\"d1\",\"amount\":12345678901234567890.10}", ""},
	{"{\"id\":7,\"occurred_at\":\"2017-01-01T00:00:00Z\",\"event_id\":9}", NULL, NULL, false, "7", "patch", "2017-01-01T00:00:00Z", "9",
	 "{\"id\":7,\"occurred_at\":\"2017-01-01T00:00:00Z\",\"event_id\":9}", ""},
	{"{\"id\":\"d1\"}", "2017-01-01T00:00:00Z", "e1", false, "d1", "patch", "2017-01-01T00:00:00Z", "e1", "{\"id\":\"d1\"}", ""},
	{"{\"id\":\"d1\",\"event_id\":\"e1\"}", NULL, "e1", false, "d1", "patch", NULL, "e1", "{\"id\":\"d1\",\"event_id\":\"e1\"}", ""},
	{"{\"id\":\"d1\",\"event_id\":\"e1\"}", NULL, "e2", false, NULL, NULL, NULL, NULL, NULL, "/event_id given_twice"},
	{"{\"id\":\"d1\",\"event_id\":\"e1\"}", NULL, "e2", true, "d1", "patch", NULL, "e1", "{\"id\":\"d1\",\"event_id\":\"e1\"}", ""},
	{"{\"id\":\"d1\",\"operation\":\"delete\"}", NULL, NULL, false, "d1", "delete", NULL, NULL, "{}", ""},
	{"{\"id\":\"d1\",\"operation\":\"merge\",\"merged_into\":\"d\\\"2\"}", NULL, NULL, false, "d1", "merge", NULL, NULL,
	 "{\"merged_into\":\"d\\\"2\"}", ""},
	{"{\"\\u0069d\":\"\\u00e9\"}", NULL, NULL, false, "\xC3\xA9", "patch", NULL, NULL, "{\"\\u0069d\":\"\\u00e9\"}", ""},
};

START_TEST(what_an_event_takes)
{
	struct item_context context = {
	    .resource = &resource_opportunity,
	    .form = ITEM_ENTRY,
	    .occurred_at = text_of(envelopes[_i].query_time),
	    .event_id = text_of(envelopes[_i].query_event),
	    .occurred_at_is_default = envelopes[_i].defaults,
	    .event_id_is_default = envelopes[_i].defaults,
	};
	struct problems problems = {0};
	struct buffer listed = {0};
	struct ingest_item item = {0};

	item_read(&context, text_of(envelopes[_i].json), &item, &problems);
	list_problems(&problems, &listed);
	ck_assert_str_eq(listed.data, envelopes[_i].problems);
	ck_assert(same(item.id, envelopes[_i].id));
	ck_assert(same(item.operation, envelopes[_i].operation));
	ck_assert(same(item.occurred_at, envelopes[_i].occurred_at));
	ck_assert(same(item.event_id, envelopes[_i].event_id));
	ck_assert(same(item.patch, envelopes[_i].patch));
	ck_assert(!item.full && !item.strict);
	ingest_item_free(&item);
	problems_free(&problems);
	buffer_free(&listed);
}
END_TEST

START_TEST(events_without_record)
{
	struct item_context context = {.resource = &resource_fx_rate, .id = TEXT("EUR-USD-2017-02-28"), .event_id = TEXT("e1")};
	struct problems problems = {0};
	struct ingest_item item = {0};

	ck_assert(item_make(&context, "delete", (struct text){0}, &item, &problems));
	ck_assert(same(item.kind, "fx-rate") && same(item.id, "EUR-USD-2017-02-28") && same(item.operation, "delete"));
	ck_assert(same(item.event_id, "e1") && same(item.occurred_at, NULL) && same(item.patch, "{}"));
	ingest_item_free(&item);
	context.id = TEXT("EURO");
	ck_assert(!item_make(&context, "delete", (struct text){0}, &item, &problems));
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.items[0].code, "not_an_id");
	problems_free(&problems);
}
END_TEST

Suite *suite_item(void);
Suite *suite_item(void)
{
	Suite *suite = suite_create("item");
	TCase *cases = tcase_create("item");

	tcase_add_loop_test(cases, records_of_all_kinds, 0, COUNT(records));
	tcase_add_loop_test(cases, what_an_event_takes, 0, COUNT(envelopes));
	tcase_add_test(cases, events_without_record);
	suite_add_tcase(suite, cases);
	return suite;
}
