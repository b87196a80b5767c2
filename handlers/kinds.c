/* What a record of each kind may hold: tables, read top to bottom as the data model of the sources. */
#include <string.h>

#include "decimal.h"
#include "json_scan.h"
#include "resource.h"

/* Members every record may carry besides its attributes. */
#define ENVELOPE \
	{.name = "id", .type = FIELD_ID, .no_null = true, .summary = "the object's id in its source"}, \
	{.name = "occurred_at", .type = FIELD_DATETIME, .no_null = true, .summary = "when it happened, by the source's clock"}, \
	{.name = "event_id", .type = FIELD_ID, .no_null = true, .summary = "the source's id of this event; sent again it is a duplicate"}, \
	{.name = "operation", .type = FIELD_WORD, .words = operations, .no_null = true, .summary = "what to do; patch when absent"}, \
	{.name = "merged_into", .type = FIELD_ID, .no_null = true, .summary = "with operation merge: the id of the object that stays"}

static const char *const operations[] = {"patch", "delete", "restore", "merge", NULL};

#define TEXT_FIELD(field, longest, what) \
	{.name = (field), .type = FIELD_STRING, .bounded = true, .min = 0, .max = (longest), .summary = (what)}
#define NAME_FIELD(field, what) \
	{.name = (field), .type = FIELD_STRING, .required = true, .bounded = true, .min = 1, .max = 500, .summary = (what)}
#define REFERENCE(field, what) {.name = (field), .type = FIELD_ID, .summary = (what)}
#define MONEY(field, what) {.name = (field), .type = FIELD_DECIMAL, .summary = (what)}
#define FRACTION(field, what) {.name = (field), .type = FIELD_DECIMAL, .bounded = true, .min = 0, .max = 1, .summary = (what)}
#define SECONDS(field, what) {.name = (field), .type = FIELD_DECIMAL, .bounded = true, .min = 0, .max = 1e9, .summary = (what)}
#define COUNTER(field, what) {.name = (field), .type = FIELD_INTEGER, .bounded = true, .min = 0, .max = 1e9, .summary = (what)}
#define CURRENCY(field, what) {.name = (field), .type = FIELD_CURRENCY, .summary = (what)}
#define DAY(field, what) {.name = (field), .type = FIELD_DATE, .summary = (what)}
#define MOMENT(field, what) {.name = (field), .type = FIELD_DATE_OR_DATETIME, .summary = (what)}
#define FLAG(field, what) {.name = (field), .type = FIELD_BOOLEAN, .summary = (what)}
#define LIST(field, of, fewest, most, what) \
	{.name = (field), .type = FIELD_LIST, .element = (of), .bounded = true, .min = (fewest), .max = (most), .summary = (what)}
#define ATTRIBUTES {.name = "attributes", .type = FIELD_OPEN, .summary = "attributes of your own, for the strategy's rules"}

static const struct field reference_element = {.name = "id", .type = FIELD_ID, .no_null = true};

/* ── rep, team ──────────────────────────────────────────────────────────────────────────────────── */
static const struct field rep_fields[] = {
	ENVELOPE,
	NAME_FIELD("name", "the person's name"),
	TEXT_FIELD("email", 320, "the person's address"),
	REFERENCE("team", "id of the team"),
	DAY("team_from", "first day in this team"),
	DAY("active_from", "first day as a rep"),
	DAY("active_to", "last day as a rep"),
	{.name = "cost_per_hour", .type = FIELD_DECIMAL, .bounded = true, .min = 0, .max = 1e15, .summary = "cost of an hour of selling time"},
	CURRENCY("cost_currency", "currency of cost_per_hour"),
};
static const struct shape rep_shape = SHAPE("rep", rep_fields);
const struct resource resource_rep = {.kind = "rep", .plural = "reps", .shape = &rep_shape};

static const struct field team_fields[] = {
	ENVELOPE,
	NAME_FIELD("name", "the team's name"),
	REFERENCE("parent", "id of the team above"),
};
static const struct shape team_shape = SHAPE("team", team_fields);
const struct resource resource_team = {.kind = "team", .plural = "teams", .shape = &team_shape};

/* ── account ────────────────────────────────────────────────────────────────────────────────────── */
static const char *const account_statuses[] = {"prospect", "customer", "former", NULL};
static const struct field account_fields[] = {
	ENVELOPE,
	NAME_FIELD("name", "the company's name"),
	{.name = "status", .type = FIELD_WORD, .words = account_statuses, .summary = "whether it buys from us"},
	REFERENCE("owner", "id of the rep"),
	FLAG("is_target", "on the list of target accounts"),
	REFERENCE("parent", "id of the account above"),
	ATTRIBUTES,
};
static const struct shape account_shape = SHAPE("account", account_fields);
const struct resource resource_account = {.kind = "account", .plural = "accounts", .shape = &account_shape};

/* ── product, stage ─────────────────────────────────────────────────────────────────────────────── */
static const struct field product_fields[] = {
	ENVELOPE,
	NAME_FIELD("name", "the product's name"),
	TEXT_FIELD("family", 200, "product family, the key of a strategy's product mix"),
	MONEY("list_price", "price of one"),
	CURRENCY("currency", "currency of list_price"),
};
static const struct shape product_shape = SHAPE("product", product_fields);
const struct resource resource_product = {.kind = "product", .plural = "products", .shape = &product_shape};

static const char *const stage_outcomes[] = {"open", "won", "lost", NULL};
static const struct field stage_fields[] = {
	ENVELOPE,
	NAME_FIELD("label", "the stage's name"),
	{.name = "outcome", .type = FIELD_WORD, .words = stage_outcomes, .required = true, .summary = "what a deal in this stage is: open, won or lost"},
	FRACTION("probability", "chance to win from here, 0 to 1"),
	{.name = "order", .type = FIELD_INTEGER, .bounded = true, .min = -1e6, .max = 1e6, .summary = "place in the pipeline"},
	TEXT_FIELD("pipeline", 200, "the pipeline it belongs to"),
};
static const struct shape stage_shape = SHAPE("stage", stage_fields);
const struct resource resource_stage = {.kind = "stage", .plural = "stages", .shape = &stage_shape};

/* ── opportunity ────────────────────────────────────────────────────────────────────────────────── */
static const struct field line_fields[] = {
	REFERENCE("id", "the line's id"),
	REFERENCE("product", "id of the product"),
	MONEY("quantity", "how many"),
	MONEY("unit_price", "price of one"),
	MONEY("amount", "price of the line"),
};
static const struct shape line_shape = SHAPE("line", line_fields);
static const struct field line_element = {.name = "line", .type = FIELD_OBJECT, .inner = &line_shape, .no_null = true};

static const char *const split_kinds[] = {"revenue", "overlay", NULL};
static const struct field split_fields[] = {
	{.name = "rep", .type = FIELD_ID, .required = true, .summary = "id of the rep"},
	{.name = "percent", .type = FIELD_DECIMAL, .required = true, .bounded = true, .min = 0, .max = 100, .summary = "the rep's part, 0 to 100"},
	{.name = "kind", .type = FIELD_WORD, .words = split_kinds, .no_null = true, .summary = "revenue (when absent) or overlay"},
};
static const struct shape split_shape = SHAPE("split", split_fields);
static const struct field split_element = {.name = "split", .type = FIELD_OBJECT, .inner = &split_shape, .no_null = true};

static const struct field opportunity_fields[] = {
	ENVELOPE,
	TEXT_FIELD("name", 500, "the deal's name"),
	REFERENCE("account", "id of the account"),
	REFERENCE("owner", "id of the rep"),
	{.name = "stage", .type = FIELD_ID, .required = true, .summary = "id of the stage"},
	MONEY("amount", "what the deal is worth"),
	CURRENCY("currency", "currency of amount and lines"),
	MOMENT("created_at", "when the deal was opened"),
	DAY("expected_close", "day it is expected to close"),
	MOMENT("closed_at", "when it was won or lost"),
	FRACTION("probability", "chance to win, 0 to 1; else the stage's"),
	TEXT_FIELD("origin", 100, "where it came from: inbound, outbound, referral, partner, renewal, import, …"),
	TEXT_FIELD("lost_reason", 1000, "why it was lost"),
	LIST("lines", &line_element, 0, 1000, "what is sold"),
	LIST("splits", &split_element, 0, 100, "who is credited; revenue splits total 100.00"),
	COUNTER("contacts_external", "people on the customer's side"),
	FLAG("value_case", "whether the value was worked out with the customer"),
	ATTRIBUTES,
};

/* The decimal of a raw number or text; false when it is none. */
static bool read_decimal(struct text raw, struct decimal *decimal)
{
	struct buffer decoded = {0};
	bool is_decimal = json_string_decode(raw, &decoded) ? decimal_parse(buffer_text(&decoded), decimal) : decimal_parse(raw, decimal);

	buffer_free(&decoded);
	return is_decimal;
}

/* Adds up the revenue splits; false when one of them cannot be read. */
static bool total_revenue(const json_t *splits, struct text raw, struct decimal *total, size_t *count)
{
	struct json_walk walk;
	struct text split;

	*count = 0;
	if (!json_walk_open(raw, &walk))
		return false;
	for (size_t i = 0; json_walk_next(&walk, NULL, &split) == JSON_STEP_VALUE; i++) {
		const char *kind = json_string_value(json_object_get(json_array_get(splits, i), "kind"));
		struct decimal percent;

		if (kind != NULL && strcmp(kind, "overlay") == 0)
			continue;
		if (!read_decimal(json_member(split, "percent"), &percent))
			return false;
		decimal_add(total, &percent);
		*count += 1;
	}
	return true;
}

/* Revenue splits share out the whole deal: exactly 100, in decimal arithmetic. */
static void check_opportunity(const json_t *record, struct text raw, bool whole, struct problems *problems)
{
	const json_t *splits = json_object_get(record, "splits");
	struct decimal total = {0}, hundred = {0};
	struct buffer shown = {0};
	size_t count;

	(void)whole;
	if (!json_is_array(splits) || !total_revenue(splits, json_member(raw, "splits"), &total, &count) || count == 0)
		return;
	decimal_parse(TEXT("100"), &hundred);
	if (decimal_compare(&total, &hundred) == 0)
		return;
	decimal_format(&total, &shown);
	problems_add(problems, "/splits", "percent_total", "the revenue splits total %s percent; they must total 100.00", shown.data);
	buffer_free(&shown);
}

static const struct shape opportunity_shape = SHAPE("opportunity", opportunity_fields);
const struct resource resource_opportunity = {
	.kind = "opportunity", .plural = "opportunities", .shape = &opportunity_shape, .check = check_opportunity};

/* ── activity ───────────────────────────────────────────────────────────────────────────────────── */
static const struct field message_element = {.name = "message", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 100};
static const char *const tagging_states[] = {"pending", "done", NULL};
static const char *const activity_outcomes[] = {"held", "no_show", "cancelled", "unknown", NULL};
static const struct field activity_fields[] = {
	ENVELOPE,
	{.name = "kind", .type = FIELD_STRING, .required = true, .bounded = true, .min = 1, .max = 100,
	 .summary = "call, meeting, email, discovery, workshop, demo, proposal, …"},
	{.name = "starts_at", .type = FIELD_DATETIME, .required = true, .summary = "when it begins"},
	SECONDS("duration_s", "how long it takes, in seconds"),
	REFERENCE("rep", "id of the rep"),
	LIST("reps", &reference_element, 1, 100, "ids of several reps"),
	REFERENCE("account", "id of the account"),
	LIST("accounts", &reference_element, 1, 100, "ids of several accounts"),
	REFERENCE("opportunity", "id of the deal"),
	{.name = "outcome", .type = FIELD_WORD, .words = activity_outcomes, .summary = "whether it took place"},
	LIST("messages", &message_element, 0, 100, "keys of the strategy's messages that were used"),
	{.name = "tagging_status", .type = FIELD_WORD, .words = tagging_states,
	 .summary = "done: it was looked at for messages, so that none means none"},
	SECONDS("talk_s", "how long the rep talked, in seconds"),
	SECONDS("customer_talk_s", "how long the customer talked, in seconds"),
	COUNTER("questions", "questions the rep asked"),
	COUNTER("participants_external", "people on the customer's side"),
};

static bool is_given(const json_t *record, const char *name)
{
	const json_t *value = json_object_get(record, name);

	return value != NULL && !json_is_null(value);
}

static void check_activity(const json_t *record, struct text raw, bool whole, struct problems *problems)
{
	(void)raw;
	if (whole && !is_given(record, "rep") && !is_given(record, "reps"))
		problems_add(problems, "/rep", "required", "id of the rep, or reps with several");
}

static const struct shape activity_shape = SHAPE("activity", activity_fields);
const struct resource resource_activity = {
	.kind = "activity", .plural = "activities", .shape = &activity_shape, .check = check_activity};

/* ── fx-rate ────────────────────────────────────────────────────────────────────────────────────── */
static void check_rate(const json_t *value, const char *pointer, struct problems *problems)
{
	static const struct decimal zero;
	struct decimal rate;
	bool positive;

	if (json_is_string(value))
		positive = decimal_parse((struct text){json_string_value(value), json_string_length(value)}, &rate) &&
			   decimal_compare(&rate, &zero) > 0;
	else
		positive = json_number_value(value) > 0;
	if (!positive)
		problems_add(problems, pointer, "out_of_range", "a rate is greater than 0");
}

static const struct field fx_rate_fields[] = {
	ENVELOPE,
	{.name = "rate", .type = FIELD_DECIMAL, .required = true, .check = check_rate, .summary = "what one unit of FROM costs in TO"},
};

static bool check_fx_rate_id(struct text id, const char **message)
{
	*message = "the id of a rate is FROM-TO-YYYY-MM-DD, like EUR-USD-2027-01-31: two currency codes and a day";
	return id.size == 18 && id.data[3] == '-' && id.data[7] == '-' && value_is_currency((struct text){id.data, 3}) &&
	       value_is_currency((struct text){id.data + 4, 3}) && memcmp(id.data, id.data + 4, 3) != 0 &&
	       value_is_date((struct text){id.data + 8, 10});
}

static const struct shape fx_rate_shape = SHAPE("fx-rate", fx_rate_fields);
const struct resource resource_fx_rate = {
	.kind = "fx-rate", .plural = "fx-rates", .shape = &fx_rate_shape, .check_id = check_fx_rate_id};
