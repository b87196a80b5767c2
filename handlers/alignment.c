/* Is the sales force executing the strategy: the main answer, and everything about one rep, team, segment or deal. */
#include "metrics.h"

#include "question.h"

static const struct field alignment_fields[] = {
	QUESTION_GROUPS,
	QUESTION_TIME,
	QUESTION_TERMS,
	QUESTION_FILTERS,
	QUESTION_OPTIONS,
};
const struct shape alignment_params = SHAPE("alignment", alignment_fields);

static const struct field one_fields[] = {
	QUESTION_WORD("granularity", "week, month, quarter or year: steps of the trend"),
	QUESTION_TIME,
	QUESTION_TERMS,
	QUESTION_FILTERS,
	QUESTION_OPTIONS,
};
const struct shape one_params = SHAPE("one", one_fields);

static const struct field brief_fields[] = {
	QUESTION_TIME,
	QUESTION_TERMS,
	{.name = "min_n", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000000, .summary = "nothing is said of fewer cases"},
	{.name = "window_days", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 3660, .summary = "days without activity make white space"},
};
const struct shape brief_params = SHAPE("brief", brief_fields);

static const struct field opportunity_fields[] = {
	{.name = "as_of", .type = FIELD_DATE_OR_DATETIME, .summary = "the state at that time; a day stands for its end"},
	{.name = "known_at", .type = FIELD_DATE_OR_DATETIME, .summary = "only what had been received by then"},
};
const struct shape opportunity_params = SHAPE("opportunity", opportunity_fields);

static const struct field summary_fields[] = {
	QUESTION_TIME,
	QUESTION_TERMS,
	QUESTION_FILTERS,
	QUESTION_OPTIONS,
};
const struct shape summary_params = SHAPE("summary", summary_fields);
