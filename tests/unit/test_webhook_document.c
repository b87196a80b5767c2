/* Documents of sources: presets, overrides, and everything that can be wrong with one. */
#include <check.h>
#include <string.h>

#include "webhook/source.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static void list_problems(const struct problems *problems, struct buffer *out)
{
	buffer_append_string(out, "");
	for (size_t i = 0; i < problems->count; i++)
		buffer_printf(out, "%s%s %s", i > 0 ? "," : "", problems->items[i].pointer, problems->items[i].code);
}

START_TEST(presets_are_sound)
{
	struct problems problems = {0};
	struct source *source = source_compile(presets[_i].document, &problems);

	ck_assert_msg(source != NULL, "%s: %s %s", presets[_i].name, problems.items[0].pointer, problems.items[0].message);
	ck_assert_ptr_eq(preset_find(text_of(presets[_i].name)), &presets[_i]);
	source_free(source);
	problems_free(&problems);
}
END_TEST

/* A sound document to change: every case is a merge patch to it. */
static const char base[] =
    "{\"verify\":[{\"type\":\"basic\"}],\"lookups\":{\"states\":{\"c\":\"customer\"}},"
    "\"layouts\":{\"l\":{\"object\":\"=o\",\"id\":\"/id\"}},\"objects\":{\"o\":{\"kind\":\"account\",\"fields\":{\"name\":\"/n\"}}}}";

static const struct {
	const char *patch, *problems;
} documents[] = {
	{"{}", ""},
	{"{\"title\":\"Ours\",\"id_prefix\":\"x-\",\"defaults\":{\"currency\":\"EUR\"},\"limits\":{\"items\":50}}", ""},
	{"{\"verify\":null,\"layouts\":null,\"objects\":null}", "/verify required,/layouts required,/objects required"},
	{"{\"layout\":{}}", "/layout unknown_attribute"},
	{"{\"defaults\":{\"currency\":\"EURO\"},\"limits\":{\"items\":0}}", "/defaults/currency unknown_currency,/limits/items out_of_range"},
	/* verifiers */
	{"{\"verify\":[]}", "/verify wrong_type"},
	{"{\"verify\":{}}", "/verify wrong_type"},
	{"{\"verify\":[{}]}", "/verify/0/type required"},
	{"{\"verify\":[5]}", "/verify/0 wrong_type"},
	{"{\"verify\":[{\"type\":\"none\"}]}", "/verify/0 not_one_of"},
	{"{\"verify\":[{\"type\":\"basic\",\"usr\":\"x\"}]}", "/verify/0/usr unknown_attribute"},
	{"{\"verify\":[{\"type\":\"token\"}]}", "/verify/0 required"},
	{"{\"verify\":[{\"type\":\"token\",\"header\":\"x\",\"query\":\"y\"}]}", "/verify/0 required"},
	{"{\"verify\":[{\"type\":\"hmac\"}]}", "/verify/0/sign required,/verify/0/signature required"},
	{"{\"verify\":[{\"type\":\"hmac\",\"digest\":\"sha1\",\"sign\":\"{body}\",\"signature\":{\"header\":\"x\",\"encoding\":\"hex\"}}]}",
	 "/verify/0/digest not_one_of"},
	{"{\"verify\":[{\"type\":\"hmac\",\"sign\":\"{bdy}\",\"signature\":{\"header\":\"x\",\"encoding\":\"hex\"}}]}", "/verify/0/sign not_one_of"},
	{"{\"verify\":[{\"type\":\"hmac\",\"sign\":\"{body\",\"signature\":{\"header\":\"x\",\"encoding\":\"hex\"}}]}", "/verify/0/sign not_a_template"},
	{"{\"verify\":[{\"type\":\"hmac\",\"sign\":\"{timestamp}{id}{secret}\",\"signature\":{\"header\":\"x\",\"encoding\":\"hex\"}}]}",
	 "/verify/0/sign required,/verify/0/sign required,/verify/0/sign required,/verify/0/sign required"},
	{"{\"verify\":[{\"type\":\"hmac\",\"sign\":\"{body}\",\"signature\":{\"header\":\"x\"},\"timestamp\":{\"header\":\"t\",\"unit\":\"min\"}}]}",
	 "/verify/0/signature/encoding required,/verify/0/timestamp/unit not_one_of"},
	{"{\"verify\":[{\"type\":\"digest\",\"sign\":\"{body}\",\"signature\":{\"header\":\"x\",\"encoding\":\"hex\"}}]}", "/verify/0/sign required"},
	/* layouts */
	{"{\"layouts\":{\"l\":null}}", "/layouts wrong_type"},
	{"{\"layouts\":{\"l\":{\"object\":null}}}", "/layouts/l/object required"},
	{"{\"layouts\":{\"l\":{\"id\":\"id\"}}}", "/layouts/l/id not_an_expression"},
	{"{\"layouts\":{\"l\":{\"id\":\"/a~2\"}}}", "/layouts/l/id not_a_pointer"},
	{"{\"layouts\":{\"l\":{\"id\":\"$other\"}}}", "/layouts/l/id not_an_expression"},
	{"{\"layouts\":{\"l\":{\"id\":\"@\"}}}", "/layouts/l/id not_an_expression"},
	{"{\"layouts\":{\"l\":{\"event_id\":\"{/a}:{/b\"}}}", "/layouts/l/event_id not_a_template"},
	{"{\"layouts\":{\"l\":{\"event_id\":\"{}\"}}}", "/layouts/l/event_id not_a_template"},
	{"{\"layouts\":{\"l\":{\"items\":[\"/a\",\"b\"]}}}", "/layouts/l/items not_a_pointer"},
	{"{\"layouts\":{\"l\":{\"items\":[]}}}", "/layouts/l/items not_a_pointer"},
	{"{\"layouts\":{\"l\":{\"record\":\"data\",\"fan_out\":\"x\"}}}", "/layouts/l/record not_a_pointer,/layouts/l/fan_out not_a_pointer"},
	{"{\"layouts\":{\"l\":{\"recrod\":\"/data\"}}}", "/layouts/l/recrod unknown_attribute"},
	{"{\"layouts\":{\"l\":{\"when\":{\"type\":\"x\"}}}}", "/layouts/l/when/type not_an_expression"},
	{"{\"layouts\":{\"l\":{\"when\":{\"/type\":{\"is\":1}}}}}", "/layouts/l/when/~1type wrong_type"},
	{"{\"layouts\":{\"l\":{\"when\":5}}}", "/layouts/l/when wrong_type"},
	{"{\"layouts\":{\"l\":{\"rules\":{}}}}", "/layouts/l/rules wrong_type"},
	{"{\"layouts\":{\"l\":{\"rules\":[{\"skip\":\"x\"},{\"when\":{},\"set\":{\"kind\":\"=x\"}}]}}}", "/layouts/l/rules/0/when required,/layouts/l/rules/1/set/kind unknown_attribute"},
	{"{\"layouts\":{\"l\":{\"merge\":{\"into\":\"/a\"}}}}", "/layouts/l/merge/from required"},
	{"{\"layouts\":{\"l\":{\"merge\":{\"into\":\"/a\",\"from\":[\"/b\",\"c\"]}}}}", "/layouts/l/merge/from/1 not_an_expression"},
	{"{\"layouts\":{\"l\":{\"sequence\":{\"sum\":[\"/a\",\"b\"]}}}}", "/layouts/l/sequence/1 not_an_expression"},
	{"{\"layouts\":{\"l\":{\"pair\":{\"name\":\"a\",\"value\":\"/b\"}}}}", "/layouts/l/pair/name not_a_pointer"},
	/* expressions */
	{"{\"layouts\":{\"l\":{\"id\":[]}}}", "/layouts/l/id too_short"},
	{"{\"layouts\":{\"l\":{\"id\":{}}}}", "/layouts/l/id required"},
	{"{\"layouts\":{\"l\":{\"id\":{\"get\":\"/a\",\"value\":1}}}}", "/layouts/l/id required"},
	{"{\"layouts\":{\"l\":{\"id\":{\"get\":\"/a\",\"as\":\"dat\"}}}}", "/layouts/l/id/as not_one_of"},
	{"{\"layouts\":{\"l\":{\"id\":{\"get\":\"/a\",\"ass\":\"date\"}}}}", "/layouts/l/id/ass unknown_attribute"},
	{"{\"layouts\":{\"l\":{\"id\":{\"get\":\"/a\",\"lookup\":\"stages\"}}}}", "/layouts/l/id/lookup not_one_of"},
	{"{\"layouts\":{\"l\":{\"id\":{\"get\":\"/a\",\"lookup\":\"states\",\"unknown\":\"forget\"}}}}", "/layouts/l/id/unknown not_one_of"},
	{"{\"layouts\":{\"l\":{\"id\":{\"get\":\"/a\",\"lookup\":{\"a\":[1]}}}}}", "/layouts/l/id/lookup/a wrong_type"},
	{"{\"layouts\":{\"l\":{\"id\":{\"get\":\"/a\",\"scale\":\"a lot\",\"round\":31}}}}", "/layouts/l/id/scale not_a_number,/layouts/l/id/round out_of_range"},
	{"{\"layouts\":{\"l\":{\"id\":{\"get\":[\"/a\",{\"get\":\"b\"}]}}}}", "/layouts/l/id/get/1/get not_an_expression"},
	{"{\"lookups\":{\"x\":5}}", "/lookups/x wrong_type"},
	/* objects */
	{"{\"objects\":{\"o\":null}}", "/objects wrong_type"},
	{"{\"objects\":{\"o\":{\"kind\":\"lead\"}}}", "/objects/o/kind not_one_of"},
	{"{\"objects\":{\"o\":{\"fields\":{\"nme\":\"/n\",\"amount\":\"/a\"}}}}", "/objects/o/fields/nme not_one_of,/objects/o/fields/amount not_one_of"},
	{"{\"objects\":{\"o\":{\"fields\":{\"id\":\"/n\"}}}}", "/objects/o/fields/id not_one_of"},
	{"{\"objects\":{\"o\":{\"fields\":{\"attributes\":\"/n\",\"attributes.\":\"/n\",\"attributes.x\":\"/n\"}}}}",
	 "/objects/o/fields/attributes not_one_of,/objects/o/fields/attributes. not_one_of"},
	{"{\"objects\":{\"o\":{\"kind\":\"rep\",\"fields\":{\"attributes.x\":\"/n\"}}}}", "/objects/o/fields/attributes.x not_one_of"},
	{"{\"objects\":{\"o\":{\"kind\":\"rep\",\"custom\":{\"*\":{}}}}}", "/objects/o/custom wrong_type"},
	{"{\"objects\":{\"o\":{\"custom\":{\"*\":{\"as\":\"text\"},\"a*\":{\"at\":\"b\"}}}}}", "/objects/o/custom/*/as not_one_of,/objects/o/custom/a* not_a_pointer"},
	{"{\"objects\":{\"o\":{\"null\":\"keep\"}}}", "/objects/o/null not_one_of"},
	{"{\"objects\":{\"o\":{\"also\":{\"s\":{\"kind\":\"stage\"}}}}}", "/objects/o/also/s/id required"},
	{"{\"objects\":{\"o\":{\"also\":{\"s\":{\"kind\":\"stage\",\"id\":\"/s\",\"fields\":{\"name\":\"/s\"}}}}}}", "/objects/o/also/s/fields/name not_one_of"},
	/* records */
	{"{\"records\":[{\"kind\":\"stage\",\"id\":\"won\",\"label\":\"Won\",\"outcome\":\"won\"}]}", ""},
	{"{\"records\":[{\"id\":\"won\"},5,{\"kind\":\"stage\",\"id\":\"won\",\"outcome\":\"closed\"}]}",
	 "/records/0 required,/records/1 required,/records/2/outcome not_one_of"},
	{"{\"records\":{}}", "/records wrong_type"},
};

START_TEST(documents_are_judged)
{
	struct buffer document = {0}, listed = {0};
	struct problems problems = {0};
	struct source *source;

	ck_assert(source_document(text_of(base), text_of(documents[_i].patch), &document, &problems));
	source = source_compile(buffer_text(&document), &problems);
	list_problems(&problems, &listed);
	ck_assert_str_eq(listed.data, documents[_i].problems);
	ck_assert((source != NULL) == (documents[_i].problems[0] == '\0'));
	source_free(source);
	problems_free(&problems);
	buffer_free(&document);
	buffer_free(&listed);
}
END_TEST

static const struct {
	const char *preset, *override, *document, *problems;
} merges[] = {
	{"{\"a\":{\"b\":1,\"c\":[1]}}", "{\"a\":{\"b\":null,\"c\":[2],\"d\":{\"e\":null}},\"f\":\"x\"}", "{\"a\":{\"c\":[2],\"d\":{}},\"f\":\"x\"}", ""},
	{"{\"a\":1}", NULL, "{\"a\":1}", ""},
	{NULL, "{\"a\":1}", "{\"a\":1}", ""},
	{"{\"a\":1}", "{\"a\":{\"b\":{\"c\":2}}}", "{\"a\":{\"b\":{\"c\":2}}}", ""},
	{NULL, "[1]", "", " wrong_type"},
	{NULL, "{", "", " invalid_json"},
	{NULL, "{\"a\":1,\"a\":2}", "", " duplicate_key"},
};

START_TEST(presets_are_overridden)
{
	struct buffer document = {0}, listed = {0};
	struct problems problems = {0};

	source_document(text_of(merges[_i].preset), text_of(merges[_i].override), &document, &problems);
	list_problems(&problems, &listed);
	ck_assert_str_eq(buffer_text(&document).data, merges[_i].document);
	ck_assert_str_eq(listed.data, merges[_i].problems);
	problems_free(&problems);
	buffer_free(&document);
	buffer_free(&listed);
}
END_TEST

static bool collect(void *context, const struct mapped *mapped)
{
	struct ingest_item item = {0};
	struct problems problems = {0};

	ck_assert(mapped->type == MAPPED_EVENT && mapped_read(mapped, &item, &problems));
	ck_assert(mapped->event_id.data == NULL && text_equal_string(item.occurred_at, "1970-01-01T00:00:00Z"));
	buffer_printf(context, "%s %.*s ", mapped->resource->kind, (int)mapped->id.size, mapped->id.data);
	ingest_item_free(&item);
	return true;
}

START_TEST(records_come_along)
{
	struct problems problems = {0};
	struct source *source = source_compile(preset_find(TEXT("pipedrive"))->document, &problems);
	struct buffer out = {0};

	source_records(source, &(struct mapped_sink){.emit = collect, .context = &out});
	ck_assert_str_eq(out.data, "stage won stage lost ");
	buffer_free(&out);
	source_free(source);
}
END_TEST

START_TEST(what_is_no_document)
{
	static const char *const texts[] = {"", "[]", "5", "{", "{\"verify\":[{\"type\":\"basic\"}]"};
	struct problems problems = {0};

	for (int i = 0; i < COUNT(texts); i++)
		ck_assert_ptr_null(source_compile(text_of(texts[i]), &problems));
	ck_assert_uint_ge(problems.count, (size_t)COUNT(texts));
	problems_free(&problems);
	source_free(NULL);
}
END_TEST

Suite *suite_webhook_document(void);
Suite *suite_webhook_document(void)
{
	Suite *suite = suite_create("webhook_document");
	TCase *cases = tcase_create("webhook_document");

	tcase_add_loop_test(cases, presets_are_sound, 0, (int)presets_count);
	tcase_add_loop_test(cases, documents_are_judged, 0, COUNT(documents));
	tcase_add_loop_test(cases, presets_are_overridden, 0, COUNT(merges));
	tcase_add_test(cases, records_come_along);
	tcase_add_test(cases, what_is_no_document);
	suite_add_tcase(suite, cases);
	return suite;
}
