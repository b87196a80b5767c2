/* Whether a strategy document can be followed: its shape, and what its parts must be to each other (SPEC 4). */
#ifndef PLUMBLINE_STRATEGY_CHECK_H
#define PLUMBLINE_STRATEGY_CHECK_H

#include <jansson.h>
#include <stdbool.h>

#include "request.h"

/* Checks a whole document and adds every problem with its JSON pointer; true when there is none. raw: the text it was parsed from.
 * Codes beyond those of shapes: unknown_operator, empty_rule, too_deep, no_attribute, not_unique, reserved_key, mix_total,
 * not_ordered, no_zero_tier, no_on_strategy_tier, no_off_strategy_tier, unknown_criterion, unknown_metric, not_an_interval. */
bool strategy_check(const json_t *document, struct text raw, struct problems *problems);

/* Rules: predicates over the attributes of an account. pointer is the JSON pointer of value. */
enum { RULE_DEPTH_MAX = 8 };

/* A list of rules that are and-ed. */
void rules_check(const json_t *value, const char *pointer, struct problems *problems);

/* The cases of a criterion: rules that may leave the attribute to the criterion, each with a score from 0 to 1. */
void match_check(const json_t *value, const char *pointer, struct problems *problems);

#endif
