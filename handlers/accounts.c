/* The fit of an account: asked for, and overridden by hand. */
#include "accounts.h"

#include "checked.h"

static const struct field fit_fields[] = {
    {.name = "as_of", .type = FIELD_DATE_OR_DATETIME, .summary = "the verdict at that time; a day stands for its end"},
    {.name = "known_at", .type = FIELD_DATE_OR_DATETIME, .summary = "only what had been received by then"},
    {.name = "strategy",
     .type = FIELD_ID,
     .summary = "by this published strategy; the one in force for the owner's team when absent"},
};
const struct shape account_fit_params = SHAPE("fit", fit_fields);

static const struct field override_fields[] = {
    {.name = "tier", .type = FIELD_STRING, .required = true, .no_null = true, .bounded = true, .min = 1, .max = 100},
    {.name = "reason", .type = FIELD_STRING, .required = true, .no_null = true, .bounded = true, .min = 1, .max = 1000},
    {.name = "until", .type = FIELD_DATE_OR_DATETIME, .summary = "null or absent: until it is changed"},
};
static const struct shape override_shape = SHAPE("override", override_fields);

enum err fit_override_put(struct request *request, struct reply *reply)
{
	return checked_run(request, reply, &override_shape, true);
}
