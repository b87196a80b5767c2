/* Intakes: what is kept of an item for another try, and what a delivery is answered. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "intake.h"

Suite *suite_intake(void);

/* The payload of the nth item of a body that holds items at these places. */
static struct {
	const char *body;
	const char *items[3];
	const char *payloads[3];
} payload_cases[] = {
	{"[{\"a\":1},{\"b\":2} , {\"c\":3}]", {"{\"a\":1}", "{\"b\":2}", "{\"c\":3}"}, {"[{\"a\":1}]", "[{\"b\":2}]", "[{\"c\":3}]"}},
	{"{\"id\":\"x\",\"events\": [ 1, 2 ] ,\"z\":0}", {"1", "2"},
	 {"{\"id\":\"x\",\"events\": [ 1 ] ,\"z\":0}", "{\"id\":\"x\",\"events\": [ 2 ] ,\"z\":0}"}},
	{"{\"a\":1}", {"{\"a\":1}"}, {"{\"a\":1}"}},
	{"no JSON", {"no JSON"}, {"no JSON"}},
};

START_TEST(payloads)
{
	struct text body = text_of(payload_cases[_i].body);
	struct intake *intake = intake_new(body);

	for (size_t i = 0; i < 3 && payload_cases[_i].items[i] != NULL; i++) {
		const char *at = strstr(body.data, payload_cases[_i].items[i]);

		intake_add_aside(intake, i, (struct text){at, strlen(payload_cases[_i].items[i])}, (struct text){0}, (struct text){0}, "code", "", "why");
	}
	for (size_t i = 0; i < intake->count; i++) {
		struct buffer payload = {0};

		intake_payload(intake, &intake->parts[i], &payload);
		ck_assert_str_eq(buffer_text(&payload).data, payload_cases[_i].payloads[i]);
		buffer_free(&payload);
	}
	intake_free(intake);
}
END_TEST

/* Text that is not part of the body, as the engine may make it: kept as it is. */
START_TEST(payload_from_elsewhere)
{
	struct intake *intake = intake_new(TEXT("[1,2]"));
	struct buffer payload = {0};

	intake_add_aside(intake, 0, TEXT("elsewhere"), (struct text){0}, (struct text){0}, "code", "", "why");
	intake_payload(intake, &intake->parts[0], &payload);
	ck_assert_str_eq(buffer_text(&payload).data, "elsewhere");
	buffer_free(&payload);
	intake_free(intake);
}
END_TEST

static struct ingest_item item_of(const char *id)
{
	struct ingest_item item = {.kind = TEXT("account"), .id = text_of(id), .operation = TEXT("patch"), .patch = TEXT("{}")};

	ingest_item_own(&item);
	return item;
}

static char *copy(const char *string)
{
	char *made = strdup(string);

	ck_assert_ptr_nonnull(made);
	return made;
}

START_TEST(answer)
{
	struct intake *intake = intake_new(TEXT("[1,2,3,4,5]"));
	struct ingest_item stored = item_of("a1"), refused = item_of("a\"2");
	struct reply reply = {0};
	struct intake_counts counts;

	intake_add_event(intake, 0, (struct text){intake->body.data + 1, 1}, &stored)->result =
	    (struct ingest_result){.outcome = OUTCOME_STALE, .event_id = copy("e1")};
	ck_assert_ptr_null(stored.memory.data); /* taken over */
	intake_add_event(intake, 1, (struct text){intake->body.data + 3, 1}, &refused)->result =
	    (struct ingest_result){.outcome = OUTCOME_REJECTED, .code = copy("occurred_in_future"), .pointer = copy("/occurred_at"), .message = copy("too far")};
	intake->parts[1].quarantine_id = 12;
	intake_add_aside(intake, 2, (struct text){intake->body.data + 5, 1}, TEXT("opportunity"), TEXT("d1"), "not_a_number", "/amount", "no number")
	    ->quarantine_id = 13;
	intake_add_notice(intake, 3, (struct text){intake->body.data + 7, 1}, TEXT("opportunity"), (struct text){0}, "lost");
	intake_add_ignored(intake, 4, (struct text){intake->body.data + 9, 1}, "nothing for us");
	counts = intake_count(intake);
	ck_assert_uint_eq(counts.accepted, 1);
	ck_assert_uint_eq(counts.quarantined, 2);
	ck_assert_uint_eq(counts.notices, 1);
	ck_assert_uint_eq(counts.ignored, 1);
	ck_assert_uint_eq(intake_events(intake), 2);
	intake_reply(intake, &reply);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_str_eq(buffer_text(&reply.body).data,
			 "{\"accepted\":1,\"quarantined\":2,\"ignored\":2,\"items\":[\n"
			 "{\"index\":0,\"outcome\":\"stale\",\"kind\":\"account\",\"id\":\"a1\",\"event_id\":\"e1\"},\n"
			 "{\"index\":1,\"outcome\":\"quarantined\",\"kind\":\"account\",\"id\":\"a\\\"2\",\"code\":\"occurred_in_future\",\"pointer\":\"/occurred_at\","
			 "\"message\":\"too far\",\"quarantine_id\":12},\n"
			 "{\"index\":2,\"outcome\":\"quarantined\",\"kind\":\"opportunity\",\"id\":\"d1\",\"code\":\"not_a_number\",\"pointer\":\"/amount\","
			 "\"message\":\"no number\",\"quarantine_id\":13},\n"
			 "{\"index\":3,\"outcome\":\"resync\",\"kind\":\"opportunity\",\"message\":\"lost\"},\n"
			 "{\"index\":4,\"outcome\":\"ignored\",\"message\":\"nothing for us\"}]}\n");
	reply_free(&reply);
	intake_set_aside_whole(intake, "not_storable", "it cannot be");
	ck_assert_uint_eq(intake->count, 1);
	ck_assert_uint_eq(intake_events(intake), 0);
	intake_free(intake);
}
END_TEST

Suite *suite_intake(void)
{
	Suite *suite = suite_create("intake");
	TCase *tests = tcase_create("intake");

	tcase_add_loop_test(tests, payloads, 0, (int)(sizeof payload_cases / sizeof *payload_cases));
	tcase_add_test(tests, payload_from_elsewhere);
	tcase_add_test(tests, answer);
	suite_add_tcase(suite, tests);
	return suite;
}
