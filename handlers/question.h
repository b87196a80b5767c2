/* Rows of parameter tables that several questions share. What words a parameter takes is said where it is understood, in SQL:
 * there the answer can name the nearest of those that this metric, this organisation knows. */
#ifndef PLUMBLINE_QUESTION_H
#define PLUMBLINE_QUESTION_H

#define QUESTION_WORD(param, sentence) {.name = (param), .type = FIELD_STRING, .bounded = true, .min = 1, .max = 200, .summary = (sentence)}
#define QUESTION_FLAG(param, sentence) {.name = (param), .type = FIELD_BOOLEAN, .summary = (sentence)}

#define QUESTION_GROUPS                                                                                                                 \
	QUESTION_WORD("by", "rep, team, segment, product, tier, origin, kind, class, source or period: a row each"),                    \
	QUESTION_WORD("granularity", "week, month, quarter or year: each row once a sub-period")

#define QUESTION_TIME                                                                                                                   \
	QUESTION_WORD("period", "2026-03, 2026-Q1, FY2026, FQ2-2026, 2026-01-01..2026-03-31, last_90d, this_fq …; default this_fq"),    \
	{.name = "as_of", .type = FIELD_DATE_OR_DATETIME, .summary = "the state at that time; a day stands for its end"},               \
	{.name = "known_at", .type = FIELD_DATE_OR_DATETIME, .summary = "only what had been received by then"}

#define QUESTION_COMPARE QUESTION_WORD("compare_to", "another period, or previous: the change since then")

#define QUESTION_TERMS                                                                                                                  \
	QUESTION_WORD("fit_basis", "as_judged, current, or restated:<strategy id>"),                                                    \
	QUESTION_WORD("credit", "at_event, current or split"),                                                                          \
	{.name = "currency", .type = FIELD_CURRENCY, .summary = "currency of the answer's money"}

#define QUESTION_FILTERS                                                                                                                \
	{.name = "team", .type = FIELD_ID, .summary = "this team and the teams below it"},                                              \
	{.name = "rep", .type = FIELD_ID, .summary = "what is credited to this rep"},                                                   \
	QUESTION_WORD("segment", "accounts of this segment"),                                                                           \
	QUESTION_WORD("product", "this product family's part of deals"),                                                                \
	QUESTION_WORD("tier", "accounts of this tier"),                                                                                 \
	QUESTION_WORD("origin", "deals of this origin")

#define QUESTION_OPTIONS                                                                                                                \
	{.name = "min_n", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000000, .summary = "below it a row is low_n"},      \
	QUESTION_FLAG("include_low_n", "rank rows with small numbers too"),                                                             \
	QUESTION_FLAG("include_unspecified", "deals without product lines count as a family"),                                          \
	QUESTION_FLAG("exclude_nonpositive", "leave out deals of amount 0 or less"),                                                    \
	QUESTION_WORD("over", "segment, product …: the keys whose mix is compared"),                                                   \
	QUESTION_WORD("weight", "bookings, pipeline or hours: what a mix is made of"),                                                  \
	QUESTION_WORD("rank", "shrunk or wilson_low: what a leaderboard ranks by"),                                                     \
	QUESTION_WORD("not_real_reasons", "lost reasons, by commas, of deals that never were any"),                                     \
	QUESTION_WORD("min_stage_reached", "deals lost before this stage do not count"),                                                \
	{.name = "window_days", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 3660, .summary = "days a trailing window has"}

/* Options that only single metrics know. */
#define QUESTION_METRIC_OPTIONS                                                                                                         \
	QUESTION_WORD("metric", "the metric that a leaderboard, trend or decomposition looks at"),                                      \
	QUESTION_WORD("created_amount", "latest or first: which amount created pipeline counts with"),                                  \
	QUESTION_WORD("decided", "won or all: the deals whose cycle is measured"),                                                      \
	QUESTION_WORD("due", "period or any: which open deals a pipeline is made of"),                                                  \
	QUESTION_FLAG("prorate", "money targets in proportion to the days of the period"),                                              \
	{.name = "rolling", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 100, .summary = "sub-periods a rolling figure has"}, \
	QUESTION_WORD("revenue_basis", "won or attribute: what a client brings"),                                                       \
	QUESTION_FLAG("include_imported", "backfilled deals are decisions too"),                                                        \
	{.name = "k", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000, .summary = "activities that cover a target"},      \
	{.name = "grace_days", .type = FIELD_INTEGER, .bounded = true, .min = 0, .max = 3660, .summary = "days a gained target has"}

#endif
