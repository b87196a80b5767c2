/* Settings of an organisation, and the log of configuration changes. */
#include "org_settings.h"

#include "checked.h"
#include "jobs.h"

static const char *const year_names[] = {"start", "end", NULL};
static const char *const close_bases[] = {"source_date", "transition", NULL};
static const char *const on_off[] = {"on", "off", NULL};

static const struct field settings_fields[] = {
    {.name = "name", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 200},
    {.name = "reporting_currency", .type = FIELD_CURRENCY, .summary = "null: the currency of the earliest priced deal"},
    {.name = "time_zone", .type = FIELD_STRING, .no_null = true, .bounded = true, .min = 1, .max = 64, .summary = "IANA name"},
    {.name = "fiscal_year_start", .type = FIELD_INTEGER, .no_null = true, .bounded = true, .min = 1, .max = 12, .summary = "month"},
    {.name = "fy_name", .type = FIELD_WORD, .no_null = true, .words = year_names},
    {.name = "won_close_basis", .type = FIELD_WORD, .no_null = true, .words = close_bases},
    {.name = "rep_metrics", .type = FIELD_WORD, .no_null = true, .words = on_off},
    {.name = "backcast", .type = FIELD_WORD, .no_null = true, .words = on_off},
    {.name = "min_n", .type = FIELD_INTEGER, .no_null = true, .bounded = true, .min = 1, .max = 1000000},
    {.name = "unknown_limit", .type = FIELD_DECIMAL, .no_null = true, .bounded = true, .min = 0, .max = 1},
    {.name = "retention_days", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 36600, .summary = "null: for ever"},
};
static const struct shape settings_shape = SHAPE("settings", settings_fields);

static const struct field audit_fields[] = {
    {.name = "action", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 100, .summary = "such as strategy.publish"},
    {.name = "object", .type = FIELD_STRING, .bounded = true, .min = 1, .max = 300, .summary = "such as strategy/s3"},
    {.name = "cursor", .type = FIELD_STRING, .summary = "next of the page before"},
    {.name = "limit", .type = FIELD_INTEGER, .bounded = true, .min = 1, .max = 1000, .summary = "entries a page"},
};
const struct shape audit_params = SHAPE("audit", audit_fields);

enum err settings_patch(struct request *request, struct reply *reply)
{
	enum err err = checked_body(request, reply, &settings_shape, false);

	return err == ERR_OK ? job_or_answer(request, reply) : err;
}
