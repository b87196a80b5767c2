/* The strategy document as a table of fields, and what must hold between its parts. */
#include "strategy_check.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json_scan.h"
#include "memory.h"
#include "shape.h"

/* The metrics of the dictionary (METRICS 4): what a threshold may be set for. */
static const char *const metrics[] = {
    "client_share_on_strategy",
    "off_strategy_investment",
    "open_pipeline_share",
    "pipeline_created_share",
    "bookings_share",
    "opportunistic",
    "win_rate",
    "win_rate_lift",
    "cycle_days",
    "deal_size",
    "velocity",
    "selling_time_share",
    "meeting_share",
    "effort_per_win",
    "cost_of_sale",
    "focus_gap",
    "target_coverage",
    "product_mix",
    "segment_mix",
    "concentration",
    "message_adoption",
    "consultative",
    "alignment_index",
    "deliberate_emergent",
    "change_decomposition",
    "leaderboard",
    "data_quality",
    "trend",
    "decision_stream",
    "focus_opportunity",
    "pipeline_change",
    "strategy_setters",
    "white_space",
};
enum { METRIC_COUNT = sizeof metrics / sizeof *metrics };

static const char *const groupings[] = {"total", "rep", "team", "segment", "product", "tier", "origin", "kind", "class", "source", "period", NULL};
static const char *const directions[] = {"higher", "lower", NULL};

#define KEY                                                                                                                        \
	{                                                                                                                          \
		.name = "key", .type = FIELD_STRING, .required = true, .no_null = true, .bounded = true, .min = 1, .max = 100      \
	}
#define LABEL                                                                                                                      \
	{                                                                                                                          \
		.name = "label", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 200                      \
	}
#define SHARE(member)                                                                                                              \
	{                                                                                                                          \
		.name = (member), .type = FIELD_DECIMAL, .no_null = true, .bounded = true, .min = 0, .max = 1                      \
	}
#define NUMBER(member, least, most)                                                                                                \
	{                                                                                                                          \
		.name = (member), .type = FIELD_DECIMAL, .no_null = true, .bounded = true, .min = (least), .max = (most)           \
	}
#define LIST(member, of)                                                                                                           \
	{                                                                                                                          \
		.name = (member), .type = FIELD_LIST, .no_null = true, .element = &(of)                                            \
	}
#define PART(member, of)                                                                                                           \
	{                                                                                                                          \
		.name = (member), .type = FIELD_OBJECT, .no_null = true, .inner = &(of)                                            \
	}

static const struct field id = {.name = "id", .type = FIELD_ID, .no_null = true};
static const struct field word = {.name = "word", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 100};
static const struct field share = SHARE("share");

static const struct field scope_fields[] = {LIST("teams", id)};
static const struct shape scope_shape = SHAPE("scope", scope_fields);

static const struct field target_fields[] = {SHARE("bookings"), SHARE("time")};
static const struct shape target_shape = SHAPE("target", target_fields);
static const struct field segment_fields[] = {
    KEY,
    LABEL,
    {.name = "when", .type = FIELD_ANY, .required = true, .no_null = true, .check = rules_check},
    PART("target", target_shape)};
static const struct shape segment_shape = SHAPE("segment", segment_fields);
static const struct field segment = {.name = "segment", .type = FIELD_OBJECT, .no_null = true, .inner = &segment_shape};

static const struct field criterion_fields[] = {
    KEY,
    LABEL,
    {.name = "weight", .type = FIELD_DECIMAL, .required = true, .no_null = true, .bounded = true, .min = 1e-6, .max = 1e6},
    {.name = "attr", .type = FIELD_STRING, .required = true, .no_null = true, .bounded = true, .min = 1, .max = 200},
    {.name = "match", .type = FIELD_ANY, .required = true, .no_null = true, .check = match_check}};
static const struct shape criterion_shape = SHAPE("criterion", criterion_fields);
static const struct field criterion = {.name = "criterion", .type = FIELD_OBJECT, .no_null = true, .inner = &criterion_shape};

static const struct field tier_fields[] = {
    KEY,
    LABEL,
    {.name = "min", .type = FIELD_DECIMAL, .required = true, .no_null = true, .bounded = true, .min = 0, .max = 100},
    {.name = "on_strategy", .type = FIELD_BOOLEAN, .required = true, .no_null = true}};
static const struct shape tier_shape = SHAPE("tier", tier_fields);
static const struct field tier = {.name = "tier", .type = FIELD_OBJECT, .no_null = true, .inner = &tier_shape};

static const struct field fit_fields[] = {
    {.name = "criteria", .type = FIELD_LIST, .required = true, .no_null = true, .element = &criterion},
    LIST("required", word),
    {.name = "disqualify", .type = FIELD_ANY, .no_null = true, .check = rules_check},
    SHARE("min_coverage"),
    {.name = "tiers", .type = FIELD_LIST, .required = true, .no_null = true, .element = &tier}};
static const struct shape fit_shape = SHAPE("fit", fit_fields);

static const struct field message_fields[] = {KEY, LABEL, SHARE("target")};
static const struct shape message_shape = SHAPE("message", message_fields);
static const struct field message = {.name = "message", .type = FIELD_OBJECT, .no_null = true, .inner = &message_shape};

static const struct field opportunistic_fields[] = {SHARE("limit"), LIST("easy_origins", word)};
static const struct shape opportunistic_shape = SHAPE("opportunistic", opportunistic_fields);

static const struct field conduct_fields[] = {LIST("discovery_kinds", word),    LIST("proposal_kinds", word),
					      LIST("proposal_stages", id),
					      LIST("selling_time_kinds", word), LIST("unknown_outcome_kinds", word),
					      LIST("not_real_reasons", word),   LIST("talk_ratio_band", share)};
static const struct shape conduct_shape = SHAPE("conduct", conduct_fields);

static const struct field coverage_fields[] = {NUMBER("min_activities", 1, 1000), LIST("kinds", word),
					       NUMBER("window_days", 1, 3660), NUMBER("grace_days", 0, 3660)};
static const struct shape coverage_shape = SHAPE("target_coverage", coverage_fields);

static const struct field weight_fields[] = {SHARE("bookings"), SHARE("pipeline"), SHARE("time"), SHARE("product"),
					     SHARE("message")};
static const struct shape weight_shape = SHAPE("index_weights", weight_fields);

static const struct field threshold_fields[] = {
    {.name = "metric", .type = FIELD_STRING, .required = true, .no_null = true},
    {.name = "by", .type = FIELD_WORD, .no_null = true, .words = groupings},
    {.name = "group", .type = FIELD_WORD, .no_null = true, .words = groupings, .summary = "another name of by"},
    {.name = "warn", .type = FIELD_DECIMAL, .required = true, .no_null = true},
    {.name = "fail", .type = FIELD_DECIMAL, .required = true, .no_null = true},
    {.name = "direction", .type = FIELD_WORD, .no_null = true, .words = directions}};
static const struct shape threshold_shape = SHAPE("threshold", threshold_fields);
static const struct field threshold = {.name = "threshold", .type = FIELD_OBJECT, .no_null = true, .inner = &threshold_shape};

static void products_check(const json_t *value, const char *pointer, struct problems *problems);
static void amounts_check(const json_t *value, const char *pointer, struct problems *problems);
static void minutes_check(const json_t *value, const char *pointer, struct problems *problems);

static const char *const target_spans[] = {"year", "quarter", "month", NULL};
static const struct field money_target_fields[] = {
    {.name = "currency", .type = FIELD_CURRENCY, .required = true, .no_null = true},
    {.name = "per", .type = FIELD_WORD, .no_null = true, .words = target_spans, .summary = "fiscal year (default), fiscal quarter or month"},
    {.name = "segments", .type = FIELD_ANY, .no_null = true, .check = amounts_check},
    {.name = "products", .type = FIELD_ANY, .no_null = true, .check = amounts_check}};
static const struct shape money_target_shape = SHAPE("money_targets", money_target_fields);

static const struct field strategy_fields[] = {
    {.name = "name", .type = FIELD_STRING, .required = true, .no_null = true, .bounded = true, .min = 1, .max = 200},
    {.name = "description", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 0, .max = 10000},
    {.name = "effective_from", .type = FIELD_DATE, .required = true, .no_null = true},
    PART("scope", scope_shape),
    LIST("segments", segment),
    {.name = "fit", .type = FIELD_OBJECT, .required = true, .no_null = true, .inner = &fit_shape},
    {.name = "products", .type = FIELD_ANY, .no_null = true, .check = products_check},
    PART("money_targets", money_target_shape),
    LIST("messages", message),
    PART("opportunistic", opportunistic_shape),
    PART("conduct", conduct_shape),
    PART("target_coverage", coverage_shape),
    {.name = "potential_attr", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 200},
    {.name = "activity_minutes", .type = FIELD_ANY, .no_null = true, .check = minutes_check},
    PART("index_weights", weight_shape),
    LIST("thresholds", threshold),
    /* what the service itself adds to a document: taken back in, so that an old version can be posted again as it was got */
    {.name = "id", .type = FIELD_ANY},
    {.name = "number", .type = FIELD_ANY},
    {.name = "status", .type = FIELD_ANY},
    {.name = "effective_at", .type = FIELD_ANY},
    {.name = "backdated", .type = FIELD_ANY},
    {.name = "created_at", .type = FIELD_ANY},
    {.name = "updated_at", .type = FIELD_ANY},
    {.name = "published_at", .type = FIELD_ANY},
    {.name = "warnings", .type = FIELD_ANY},
};
static const struct shape strategy_shape = SHAPE("strategy", strategy_fields);

/* A number, or a decimal written as text; NaN for anything else. */
static double number_of(const json_t *value)
{
	if (json_is_number(value))
		return json_number_value(value);
	/* PostgreSQL reads the text later: what only strtod understands (0x10, inf, blanks) is no number. */
	if (!json_is_string(value) || !value_is_decimal((struct text){json_string_value(value), json_string_length(value)}))
		return NAN;
	return strtod(json_string_value(value), NULL);
}

static void check_total(double total, const char *pointer, const char *what, struct problems *problems)
{
	if (fabs(total - 1) > 1e-6)
		problems_add(problems, pointer, "mix_total", "the %s total %.6f; they must total 1", what, total);
}

/* Members of an object of numbers, each from 0 to most. Returns their sum. */
static double check_numbers(const json_t *value, const char *pointer, double most, struct problems *problems)
{
	json_t *members = json_copy((json_t *)(uintptr_t)value);
	double total = 0;

	for (void *at = json_object_iter(members); at != NULL; at = json_object_iter_next(members, at)) {
		double number = number_of(json_object_iter_value(at));
		struct buffer place = {0};

		buffer_append_string(&place, pointer);
		json_pointer_append(&place, text_of(json_object_iter_key(at)));
		if (isnan(number))
			problems_add(problems, place.data, "not_a_number", "must be a number");
		else if (number < 0 || number > most)
			problems_add(problems, place.data, "out_of_range", "must be from 0 to %g", most);
		else
			total += number;
		buffer_free(&place);
	}
	json_decref(members);
	return total;
}

static void products_check(const json_t *value, const char *pointer, struct problems *problems)
{
	size_t before = problems->count;
	double total;

	if (!json_is_object(value)) {
		problems_add(problems, pointer, "wrong_type", "must be an object: product family and its share");
		return;
	}
	total = check_numbers(value, pointer, 1, problems);
	if (json_object_size(value) > 0 && problems->count == before)
		check_total(total, pointer, "shares of the products", problems);
}

static void amounts_check(const json_t *value, const char *pointer, struct problems *problems)
{
	if (json_is_object(value))
		check_numbers(value, pointer, 1e15, problems);
	else
		problems_add(problems, pointer, "wrong_type", "must be an object: segment or product family and its amount");
}

static void minutes_check(const json_t *value, const char *pointer, struct problems *problems)
{
	if (json_is_object(value))
		check_numbers(value, pointer, 1440, problems);
	else
		problems_add(problems, pointer, "wrong_type", "must be an object: kind of activity and its minutes");
}

/* The member `name` of the element's `inner` object (or of the element itself), summed over a list; absent ones count 0. */
static void check_mix(const json_t *list, const char *inner, const char *name, const char *pointer, struct problems *problems)
{
	double total = 0;
	size_t given = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *holder = json_array_get(list, i);
		double number;

		if (inner != NULL)
			holder = json_object_get(holder, inner);
		if (json_object_get(holder, name) == NULL)
			continue;
		number = number_of(json_object_get(holder, name));
		if (isnan(number))
			return; /* said already */
		total += number;
		given++;
	}
	if (given > 0)
		check_total(total, pointer, name, problems);
}

/* Keys of a list are unique and none of the reserved words. */
static void check_keys(const json_t *list, const char *pointer, const char *const reserved[], struct problems *problems)
{
	json_t *seen = json_object();

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *key = json_string_value(json_object_get(json_array_get(list, i), "key"));
		struct text shown = text_beginning(text_of(key), 60);
		struct buffer place = {0};

		if (key == NULL)
			continue;
		buffer_printf(&place, "%s/%zu/key", pointer, i);
		if (json_object_get(seen, key) != NULL)
			problems_add(problems, place.data, "not_unique", "the key \"%.*s\" stands before", (int)shown.size, shown.data);
		for (size_t r = 0; reserved[r] != NULL; r++)
			if (strcmp(key, reserved[r]) == 0)
				problems_add(problems, place.data, "reserved_key", "\"%s\" has a meaning of its own", key);
		json_object_set_new(seen, key, json_true());
		buffer_free(&place);
	}
	json_decref(seen);
}

/* Tiers fall from the highest min to 0, and at least one is on strategy (and one off it, when criteria can be required). */
static void check_tiers(const json_t *fit, struct problems *problems)
{
	const json_t *tiers = json_object_get(fit, "tiers");
	size_t count = json_array_size(tiers), on = 0;
	double before = INFINITY;

	if (!json_is_array(tiers))
		return;
	for (size_t i = 0; i < count; i++) {
		double min = number_of(json_object_get(json_array_get(tiers, i), "min"));
		struct buffer place = {0};

		on += json_is_true(json_object_get(json_array_get(tiers, i), "on_strategy"));
		buffer_printf(&place, "/fit/tiers/%zu/min", i);
		if (min >= before)
			problems_add(problems, place.data, "not_ordered", "must be below the min of the tier before");
		before = min;
		buffer_free(&place);
	}
	if (count == 0 || before > 0)
		problems_add(problems, "/fit/tiers", "no_zero_tier",
			     "the last tier must have min 0, so that every score has a tier");
	if (on == 0)
		problems_add(problems, "/fit/tiers", "no_on_strategy_tier", "at least one tier must be on_strategy");
	if (on == count && json_array_size(json_object_get(fit, "required")) > 0)
		problems_add(problems, "/fit/tiers", "no_off_strategy_tier",
			     "with required criteria there must be a tier off strategy, for accounts that fail one");
}

static void check_required(const json_t *fit, struct problems *problems)
{
	const json_t *required = json_object_get(fit, "required"), *criteria = json_object_get(fit, "criteria");
	size_t count = json_array_size(criteria), known = 0;
	const char **keys = memory_zeroed(count + 1, sizeof *keys);

	for (size_t i = 0; i < count; i++) {
		keys[known] = json_string_value(json_object_get(json_array_get(criteria, i), "key"));
		known += keys[known] != NULL;
	}
	for (size_t i = 0; i < json_array_size(required); i++) {
		const char *name = json_string_value(json_array_get(required, i));
		struct buffer place = {0};
		bool found = name == NULL;
		int nearest;

		for (size_t k = 0; k < known && !found; k++)
			found = strcmp(keys[k], name) == 0;
		if (found)
			continue;
		buffer_printf(&place, "/fit/required/%zu", i);
		nearest = text_nearest(text_of(name), keys, known);
		problems_add(problems, place.data, "unknown_criterion", "no criterion has this key%s%s%s",
			     nearest >= 0 ? "; did you mean " : "", nearest >= 0 ? keys[nearest] : "", nearest >= 0 ? "?" : "");
		buffer_free(&place);
	}
	free(keys);
}

static void check_thresholds(const json_t *list, struct problems *problems)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(one, "metric")), *direction;
		double warn = number_of(json_object_get(one, "warn")), fail = number_of(json_object_get(one, "fail"));
		struct buffer place = {0};
		bool found = name == NULL;

		for (size_t k = 0; k < METRIC_COUNT && !found; k++)
			found = strcmp(metrics[k], name) == 0;
		if (!found) {
			int nearest = text_nearest(text_of(name), metrics, METRIC_COUNT);

			buffer_printf(&place, "/thresholds/%zu/metric", i);
			problems_add(problems, place.data, "unknown_metric", "there is no such metric%s%s%s",
				     nearest >= 0 ? "; did you mean " : "", nearest >= 0 ? metrics[nearest] : "",
				     nearest >= 0 ? "?" : "");
			buffer_clear(&place);
		}
		direction = json_string_value(json_object_get(one, "direction"));
		buffer_printf(&place, "/thresholds/%zu/fail", i);
		if (direction != NULL && strcmp(direction, "lower") == 0 ? fail < warn : fail > warn)
			problems_add(problems, place.data, "not_ordered", "must be %s warn: further on the bad side",
				     fail > warn ? "at most" : "at least");
		buffer_free(&place);
	}
}

static void check_band(const json_t *band, struct problems *problems)
{
	if (json_is_array(band) &&
	    (json_array_size(band) != 2 || number_of(json_array_get(band, 0)) > number_of(json_array_get(band, 1))))
		problems_add(problems, "/conduct/talk_ratio_band", "not_an_interval", "must be two shares, the lower one first");
}

bool strategy_check(const json_t *document, struct text raw, struct problems *problems)
{
	static const char *const segment_words[] = {"other", "unknown", NULL}, *const tier_words[] = {"excluded", "unknown", NULL},
				 *const no_words[] = {NULL};
	size_t before = problems->count;
	const json_t *fit = json_object_get(document, "fit"), *segments = json_object_get(document, "segments"),
		     *messages = json_object_get(document, "messages");

	if (!json_is_object(document)) {
		problems_add(problems, "", "wrong_type", "must be an object: the strategy document");
		return false;
	}
	shape_check_text(&strategy_shape, document, raw, "", true, problems);
	check_keys(segments, "/segments", segment_words, problems);
	check_mix(segments, "target", "bookings", "/segments", problems);
	check_mix(segments, "target", "time", "/segments", problems);
	check_keys(messages, "/messages", no_words, problems);
	check_mix(messages, NULL, "target", "/messages", problems);
	if (json_is_array(json_object_get(fit, "criteria")) && json_array_size(json_object_get(fit, "criteria")) == 0)
		problems_add(problems, "/fit/criteria", "required", "needs at least one criterion");
	check_keys(json_object_get(fit, "criteria"), "/fit/criteria", no_words, problems);
	check_keys(json_object_get(fit, "tiers"), "/fit/tiers", tier_words, problems);
	if (json_is_object(fit)) {
		check_tiers(fit, problems);
		check_required(fit, problems);
	}
	check_band(json_object_get(json_object_get(document, "conduct"), "talk_ratio_band"), problems);
	check_thresholds(json_object_get(document, "thresholds"), problems);
	return problems->count == before;
}
