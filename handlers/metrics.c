/* Metrics and what they mean. The answers are statements; here is what may be asked. */
#include "metrics.h"

#include "question.h"

const struct shape dictionary_params = {.name = "dictionary"};

static const struct field metric_fields[] = {
	QUESTION_GROUPS,
	QUESTION_TIME,
	QUESTION_COMPARE,
	QUESTION_TERMS,
	QUESTION_FILTERS,
	QUESTION_OPTIONS,
	QUESTION_METRIC_OPTIONS,
};
const struct shape metric_params = SHAPE("metric", metric_fields);

static const struct field metric_rows_fields[] = {
	QUESTION_GROUPS,
	QUESTION_TIME,
	QUESTION_COMPARE,
	QUESTION_TERMS,
	QUESTION_FILTERS,
	QUESTION_OPTIONS,
	QUESTION_METRIC_OPTIONS,
	{.name = "cursor", .type = FIELD_STRING, .summary = "next of the page before"},
	{.name = "limit", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000, .summary = "rows a page"},
};
const struct shape metric_rows_params = SHAPE("metric_rows", metric_rows_fields);
