/* The site map: every endpoint of the API, one row each, read top to bottom. */
#include "accounts.h"
#include "alerts.h"
#include "erasures.h"
#include "events.h"
#include "jobs.h"
#include "metrics.h"
#include "org_settings.h"
#include "pages.h"
#include "resources.h"
#include "route.h"
#include "session.h"
#include "snapshots.h"
#include "strategies.h"
#include "system.h"
#include "webhook/deliveries.h"
#include "webhook/quarantine.h"
#include "webhook/sources.h"

#define ID_PATH(plural) "/v1/" plural "/{id}"
#define READ_SCOPES (SCOPE_INGEST | SCOPE_READ)
#define STRATEGY_READ (SCOPE_STRATEGY | SCOPE_READ)
#define ANY_SCOPE (SCOPE_INGEST | SCOPE_READ | SCOPE_STRATEGY | SCOPE_ADMIN)
#define TABLE_FORMATS (FORMAT_BIT_JSON | FORMAT_BIT_CSV | FORMAT_BIT_NDJSON)

#define PAGE(address, id) \
	{.method = METHOD_GET, .path = address, .formats = FORMAT_BIT_OTHER, .run = page_get, .on_loop = true, .operation_id = id}

/* The rows of one kind of object: Names and Name are its plural and singular in operationIds. */
#define RESOURCE(plural, Names, Name, resource) \
	{.method = METHOD_GET, .path = "/v1/" plural, .scope = READ_SCOPES, .formats = TABLE_FORMATS, .params = &list_params, .run = resource_read, \
	 .versioned = true, .statement = STATEMENT_object_list, .export = STATEMENT_object_export, .data = &(resource), .operation_id = "list" Names}, \
	{.method = METHOD_POST, .path = "/v1/" plural, .scope = SCOPE_INGEST, .body = BODY_STREAM, \
	 .media = MEDIA_BIT_JSON | MEDIA_BIT_NDJSON | MEDIA_BIT_CSV, .params = &post_params, .run = resource_post, \
	 .prepare = resource_post_one, .data = &(resource), .operation_id = "post" Names}, \
	{.method = METHOD_GET, .path = ID_PATH(plural), .scope = READ_SCOPES, .run = resource_read, .versioned = true, \
	 .statement = STATEMENT_object_get, .data = &(resource), .operation_id = "get" Name}, \
	{.method = METHOD_PUT, .path = ID_PATH(plural), .scope = SCOPE_INGEST, .body = BODY_WHOLE, .media = MEDIA_BIT_JSON, \
	 .params = &write_params, .run = resource_write, .prepare = resource_put, .data = &(resource), .operation_id = "put" Name}, \
	{.method = METHOD_PATCH, .path = ID_PATH(plural), .scope = SCOPE_INGEST, .body = BODY_WHOLE, \
	 .media = MEDIA_BIT_JSON | MEDIA_BIT_MERGE_PATCH, .params = &write_params, .run = resource_write, .prepare = resource_patch, \
	 .data = &(resource), .operation_id = "patch" Name}, \
	{.method = METHOD_DELETE, .path = ID_PATH(plural), .scope = SCOPE_INGEST, .params = &write_params, .run = resource_write, \
	 .prepare = resource_delete, .data = &(resource), .operation_id = "delete" Name}, \
	{.method = METHOD_POST, .path = ID_PATH(plural) "/restore", .scope = SCOPE_INGEST, .params = &write_params, \
	 .run = resource_write, .prepare = resource_restore, .data = &(resource), .operation_id = "restore" Name}, \
	{.method = METHOD_POST, .path = ID_PATH(plural) "/merge", .scope = SCOPE_INGEST, .body = BODY_WHOLE, .media = MEDIA_BIT_JSON, \
	 .params = &write_params, .run = resource_write, .prepare = resource_merge, .data = &(resource), .operation_id = "merge" Name}, \
	{.method = METHOD_GET, .path = ID_PATH(plural) "/history", .scope = READ_SCOPES, .formats = TABLE_FORMATS, \
	 .params = &history_params, .run = resource_read, .versioned = true, .statement = STATEMENT_object_history, \
	 .export = STATEMENT_object_history_export, .data = &(resource), .operation_id = "list" Name "History"}

const struct route routes[] = {
	/* the service itself */
	{.method = METHOD_GET, .path = "/healthz", .run = system_healthz, .on_loop = true, .operation_id = "getHealth"},
	{.method = METHOD_GET, .path = "/readyz", .run = system_readyz, .on_loop = true, .operation_id = "getReadiness"},
	{.method = METHOD_GET, .path = "/openapi.yaml", .formats = FORMAT_BIT_OTHER, .run = system_openapi_yaml, .on_loop = true,
	 .operation_id = "getContractYaml"},
	{.method = METHOD_GET, .path = "/openapi.json", .run = system_openapi_json, .on_loop = true, .operation_id = "getContractJson"},

	/* what browsers load, and how they sign in */
	PAGE("/", "getDashboard"),
	PAGE("/assets/{file}", "getDashboardFile"),
	PAGE("/docs", "getReference"),
	PAGE("/docs/{file}", "getReferenceFile"),
	PAGE("/favicon.svg", "getIcon"),
	{.method = METHOD_POST, .path = "/v1/session", .scope = ANY_SCOPE, .run = session_begin, .statement = STATEMENT_session_begin,
	 .operation_id = "beginSession"},
	{.method = METHOD_GET, .path = "/v1/session", .scope = ANY_SCOPE, .run = session_get, .statement = STATEMENT_session_get,
	 .operation_id = "getSession"},
	{.method = METHOD_DELETE, .path = "/v1/session", .scope = ANY_SCOPE, .formats = FORMAT_BIT_OTHER, .run = session_end,
	 .statement = STATEMENT_session_end, .operation_id = "endSession"},

	/* what sources write */
	RESOURCE("reps", "Reps", "Rep", resource_rep),
	RESOURCE("teams", "Teams", "Team", resource_team),
	RESOURCE("accounts", "Accounts", "Account", resource_account),
	RESOURCE("products", "Products", "Product", resource_product),
	RESOURCE("stages", "Stages", "Stage", resource_stage),
	RESOURCE("opportunities", "Opportunities", "Opportunity", resource_opportunity),
	RESOURCE("activities", "Activities", "Activity", resource_activity),
	RESOURCE("fx-rates", "FxRates", "FxRate", resource_fx_rate),

	{.method = METHOD_POST, .path = "/v1/events", .scope = SCOPE_INGEST, .body = BODY_WHOLE,
	 .media = MEDIA_BIT_JSON | MEDIA_BIT_CLOUD_EVENT | MEDIA_BIT_CLOUD_EVENTS, .params = &events_params, .run = events_post,
	 .prepare = events_post_one, .operation_id = "postEvents"},
	{.method = METHOD_POST, .path = "/v1/webhooks/{source}", .body = BODY_OPTIONAL, .raw = true, .formats = FORMAT_BIT_OTHER,
	 .take = webhook_take, .settled = webhook_settled, .operation_id = "deliverWebhook"},

	/* where they are, and what of them waits */
	{.method = METHOD_GET, .path = "/v1/source-presets", .scope = SCOPE_ADMIN, .run = preset_list, .live = true, .operation_id = "listSourcePresets"},
	{.method = METHOD_GET, .path = "/v1/sources", .scope = SCOPE_ADMIN, .formats = TABLE_FORMATS, .params = &source_list_params, .live = true, .export = STATEMENT_source_export,
	 .run = query_run, .statement = STATEMENT_source_list, .operation_id = "listSources"},
	{.method = METHOD_POST, .path = "/v1/sources", .scope = SCOPE_ADMIN, .body = BODY_WHOLE, .media = MEDIA_BIT_JSON, .run = source_post,
	 .operation_id = "createSource"},
	{.method = METHOD_GET, .path = "/v1/sources/{source}", .scope = SCOPE_ADMIN, .run = source_get, .live = true, .operation_id = "getSource"},
	{.method = METHOD_PUT, .path = "/v1/sources/{source}", .scope = SCOPE_ADMIN, .body = BODY_WHOLE, .media = MEDIA_BIT_JSON,
	 .run = source_replace, .operation_id = "putSource"},
	{.method = METHOD_PATCH, .path = "/v1/sources/{source}", .scope = SCOPE_ADMIN, .body = BODY_WHOLE,
	 .media = MEDIA_BIT_JSON | MEDIA_BIT_MERGE_PATCH, .run = source_patch, .operation_id = "patchSource"},
	{.method = METHOD_DELETE, .path = "/v1/sources/{source}", .scope = SCOPE_ADMIN, .run = query_run, .statement = STATEMENT_source_delete,
	 .operation_id = "deleteSource"},
	{.method = METHOD_POST, .path = "/v1/sources/{source}/secrets", .scope = SCOPE_ADMIN, .body = BODY_OPTIONAL, .media = MEDIA_BIT_JSON,
	 .run = source_secret_post, .operation_id = "rotateSourceSecret"},
	{.method = METHOD_POST, .path = "/v1/sources/{source}/test", .scope = SCOPE_ADMIN, .body = BODY_WHOLE, .media = MEDIA_BIT_JSON,
	 .run = source_test, .operation_id = "testSource"},
	{.method = METHOD_GET, .path = "/v1/quarantine", .scope = SCOPE_ADMIN, .formats = TABLE_FORMATS, .params = &quarantine_list_params, .live = true, .export = STATEMENT_quarantine_export,
	 .run = query_run, .statement = STATEMENT_quarantine_list, .operation_id = "listQuarantine"},
	{.method = METHOD_GET, .path = "/v1/quarantine/{id}", .scope = SCOPE_ADMIN, .run = query_run, .live = true, .statement = STATEMENT_quarantine_get,
	 .operation_id = "getQuarantineItem"},
	{.method = METHOD_POST, .path = "/v1/quarantine/{id}/replay", .scope = SCOPE_ADMIN, .run = quarantine_replay,
	 .operation_id = "replayQuarantineItem"},
	{.method = METHOD_POST, .path = "/v1/quarantine/{id}/discard", .scope = SCOPE_ADMIN, .run = query_run,
	 .statement = STATEMENT_quarantine_discard, .operation_id = "discardQuarantineItem"},
	{.method = METHOD_POST, .path = "/v1/quarantine/replay", .scope = SCOPE_ADMIN, .params = &quarantine_replay_params,
	 .run = quarantine_replay, .operation_id = "replayQuarantine"},
	{.method = METHOD_GET, .path = "/v1/resync", .scope = SCOPE_ADMIN, .formats = TABLE_FORMATS, .params = &resync_list_params, .live = true, .export = STATEMENT_resync_export,
	 .run = query_run, .statement = STATEMENT_resync_list, .operation_id = "listResync"},
	{.method = METHOD_POST, .path = "/v1/resync/{id}/done", .scope = SCOPE_ADMIN, .run = query_run, .statement = STATEMENT_resync_done,
	 .operation_id = "markResyncDone"},

	/* what the leadership wants */
	{.method = METHOD_GET, .path = "/v1/strategies", .scope = STRATEGY_READ, .formats = TABLE_FORMATS, .params = &strategy_list_params,
	 .run = query_run, .versioned = true, .statement = STATEMENT_strategy_list, .export = STATEMENT_strategy_export,
	 .operation_id = "listStrategies"},
	{.method = METHOD_POST, .path = "/v1/strategies", .scope = SCOPE_STRATEGY, .body = BODY_WHOLE, .media = MEDIA_BIT_JSON,
	 .run = strategy_post, .operation_id = "createStrategy"},
	{.method = METHOD_GET, .path = "/v1/strategies/{id}", .scope = STRATEGY_READ, .run = query_run, .versioned = true,
	 .statement = STATEMENT_strategy_get, .operation_id = "getStrategy"},
	{.method = METHOD_PUT, .path = "/v1/strategies/{id}", .scope = SCOPE_STRATEGY, .body = BODY_WHOLE, .media = MEDIA_BIT_JSON,
	 .run = strategy_put, .statement = STATEMENT_strategy_replace, .operation_id = "replaceStrategy"},
	{.method = METHOD_DELETE, .path = "/v1/strategies/{id}", .scope = SCOPE_STRATEGY, .run = query_run,
	 .statement = STATEMENT_strategy_delete, .operation_id = "deleteStrategy"},
	{.method = METHOD_POST, .path = "/v1/strategies/{id}/preview", .scope = STRATEGY_READ, .body = BODY_OPTIONAL,
	 .media = MEDIA_BIT_JSON, .run = query_run,
	 .statement = STATEMENT_strategy_preview, .operation_id = "previewStrategy"},
	{.method = METHOD_POST, .path = "/v1/strategies/{id}/publish", .scope = SCOPE_STRATEGY, .body = BODY_OPTIONAL,
	 .media = MEDIA_BIT_JSON, .params = &job_begin_params, .run = job_or_answer,
	 .statement = STATEMENT_strategy_publish, .operation_id = "publishStrategy"},
	{.method = METHOD_GET, .path = "/v1/strategies/{id}/diff", .scope = STRATEGY_READ, .params = &strategy_diff_params, .run = query_run,
	 .versioned = true, .statement = STATEMENT_strategy_diff, .operation_id = "diffStrategy"},
	{.method = METHOD_GET, .path = "/v1/jobs", .scope = STRATEGY_READ | SCOPE_ADMIN, .formats = TABLE_FORMATS, .params = &job_list_params,
	 .run = query_run, .live = true, .statement = STATEMENT_job_list, .export = STATEMENT_job_export, .operation_id = "listJobs"},
	{.method = METHOD_GET, .path = "/v1/jobs/{id}", .scope = STRATEGY_READ | SCOPE_ADMIN, .run = query_run, .live = true, .statement = STATEMENT_job_get,
	 .operation_id = "getJob"},
	{.method = METHOD_GET, .path = "/v1/jobs/{id}/events", .scope = STRATEGY_READ | SCOPE_ADMIN, .formats = FORMAT_BIT_OTHER, .run = job_events,
	 .watch = true, .statement = STATEMENT_job_get, .operation_id = "watchJob"},
	{.method = METHOD_GET, .path = "/v1/accounts/{id}/fit", .scope = SCOPE_READ, .params = &account_fit_params, .run = query_run,
	 .versioned = true, .statement = STATEMENT_account_fit, .operation_id = "getAccountFit"},
	{.method = METHOD_PUT, .path = "/v1/accounts/{id}/fit-override", .scope = SCOPE_STRATEGY, .body = BODY_WHOLE, .media = MEDIA_BIT_JSON,
	 .run = fit_override_put, .statement = STATEMENT_fit_override_put, .operation_id = "putFitOverride"},
	{.method = METHOD_DELETE, .path = "/v1/accounts/{id}/fit-override", .scope = SCOPE_STRATEGY, .run = query_run,
	 .statement = STATEMENT_fit_override_delete, .operation_id = "deleteFitOverride"},

	/* what it adds up to */
	{.method = METHOD_GET, .path = "/v1/alignment", .scope = SCOPE_READ, .formats = TABLE_FORMATS, .params = &alignment_params,
	 .run = query_run, .versioned = true, .standby = true, .statement = STATEMENT_alignment, .operation_id = "getAlignment"},
	{.method = METHOD_GET, .path = "/v1/summary", .scope = SCOPE_READ, .params = &summary_params, .run = query_run, .versioned = true, .standby = true,
	 .statement = STATEMENT_summary, .operation_id = "getSummary"},
	{.method = METHOD_GET, .path = "/v1/reps/{id}/alignment", .scope = SCOPE_READ, .params = &one_params, .run = query_run,
	 .versioned = true, .standby = true, .statement = STATEMENT_rep_alignment, .operation_id = "getRepAlignment"},
	{.method = METHOD_GET, .path = "/v1/reps/{id}/brief", .scope = SCOPE_READ, .params = &brief_params, .run = query_run,
	 .versioned = true, .standby = true, .statement = STATEMENT_rep_brief, .operation_id = "getRepBrief"},
	{.method = METHOD_GET, .path = "/v1/teams/{id}/alignment", .scope = SCOPE_READ, .params = &one_params, .run = query_run,
	 .versioned = true, .standby = true, .statement = STATEMENT_team_alignment, .operation_id = "getTeamAlignment"},
	{.method = METHOD_GET, .path = "/v1/segments/{key}/alignment", .scope = SCOPE_READ, .params = &one_params, .run = query_run,
	 .versioned = true, .standby = true, .statement = STATEMENT_segment_alignment, .operation_id = "getSegmentAlignment"},
	{.method = METHOD_GET, .path = "/v1/opportunities/{id}/alignment", .scope = SCOPE_READ, .params = &opportunity_params, .run = query_run,
	 .versioned = true, .standby = true, .statement = STATEMENT_opportunity_alignment, .operation_id = "getOpportunityAlignment"},
	{.method = METHOD_GET, .path = "/v1/metrics", .scope = SCOPE_READ, .formats = TABLE_FORMATS, .params = &dictionary_params,
	 .run = query_run, .versioned = true, .standby = true, .statement = STATEMENT_metrics_dictionary, .operation_id = "listMetrics"},
	{.method = METHOD_GET, .path = "/v1/metrics/{key}", .scope = SCOPE_READ, .formats = TABLE_FORMATS, .params = &metric_params,
	 .run = query_run, .versioned = true, .standby = true, .statement = STATEMENT_metric, .operation_id = "getMetric"},
	{.method = METHOD_GET, .path = "/v1/metrics/{key}/rows", .scope = SCOPE_READ, .formats = TABLE_FORMATS, .params = &metric_rows_params,
	 .run = query_run, .versioned = true, .standby = true, .statement = STATEMENT_metric_rows, .export = STATEMENT_metric_rows_export,
	 .operation_id = "listMetricRows"},
	{.method = METHOD_POST, .path = "/v1/query", .scope = SCOPE_READ, .body = BODY_WHOLE, .media = MEDIA_BIT_JSON, .formats = TABLE_FORMATS,
	 .params = &query_params, .run = metrics_query, .versioned = true, .standby = true, .statement = STATEMENT_metric_query,
	 .operation_id = "queryMetrics"},
	{.method = METHOD_GET, .path = "/v1/leaderboard", .scope = SCOPE_READ, .formats = TABLE_FORMATS, .params = &leaderboard_params,
	 .run = query_run, .versioned = true, .standby = true, .statement = STATEMENT_leaderboard, .operation_id = "getLeaderboard"},

	/* what it added up to */
	{.method = METHOD_GET, .path = "/v1/snapshots", .scope = SCOPE_READ, .formats = TABLE_FORMATS, .params = &snapshot_list_params, .run = query_run,
	 .versioned = true, .statement = STATEMENT_snapshot_list, .export = STATEMENT_snapshot_export, .operation_id = "listSnapshots"},
	{.method = METHOD_POST, .path = "/v1/snapshots", .scope = SCOPE_READ, .body = BODY_WHOLE, .media = MEDIA_BIT_JSON, .run = snapshot_post,
	 .statement = STATEMENT_snapshot_create, .operation_id = "createSnapshot"},
	{.method = METHOD_GET, .path = "/v1/snapshots/{id}", .scope = SCOPE_READ, .run = query_run, .versioned = true, .statement = STATEMENT_snapshot_get,
	 .operation_id = "getSnapshot"},
	{.method = METHOD_GET, .path = "/v1/snapshots/{id}/drift", .scope = SCOPE_READ, .run = query_run, .versioned = true,
	 .statement = STATEMENT_snapshot_drift, .operation_id = "getSnapshotDrift"},

	/* who is told when it changes */
	{.method = METHOD_GET, .path = "/v1/alerts", .scope = SCOPE_READ, .formats = TABLE_FORMATS, .params = &alert_list_params, .run = query_run, .live = true,
	 .statement = STATEMENT_alert_list, .export = STATEMENT_alert_export, .operation_id = "listAlerts"},
	{.method = METHOD_GET, .path = "/v1/alert-endpoints", .scope = SCOPE_ADMIN, .formats = TABLE_FORMATS, .params = &alert_endpoint_list_params,
	 .run = query_run, .live = true, .statement = STATEMENT_alert_endpoint_list, .export = STATEMENT_alert_endpoint_export, .operation_id = "listAlertEndpoints"},
	{.method = METHOD_POST, .path = "/v1/alert-endpoints", .scope = SCOPE_ADMIN, .body = BODY_WHOLE, .media = MEDIA_BIT_JSON, .run = alert_endpoint_post,
	 .operation_id = "createAlertEndpoint"},
	{.method = METHOD_GET, .path = "/v1/alert-endpoints/{id}", .scope = SCOPE_ADMIN, .run = query_run, .live = true, .statement = STATEMENT_alert_endpoint_get,
	 .operation_id = "getAlertEndpoint"},
	{.method = METHOD_PUT, .path = "/v1/alert-endpoints/{id}", .scope = SCOPE_ADMIN, .body = BODY_WHOLE, .media = MEDIA_BIT_JSON,
	 .run = alert_endpoint_put, .operation_id = "putAlertEndpoint"},
	{.method = METHOD_PATCH, .path = "/v1/alert-endpoints/{id}", .scope = SCOPE_ADMIN, .body = BODY_WHOLE,
	 .media = MEDIA_BIT_JSON | MEDIA_BIT_MERGE_PATCH, .run = alert_endpoint_patch, .operation_id = "patchAlertEndpoint"},
	{.method = METHOD_DELETE, .path = "/v1/alert-endpoints/{id}", .scope = SCOPE_ADMIN, .run = query_run, .statement = STATEMENT_alert_endpoint_delete,
	 .operation_id = "deleteAlertEndpoint"},
	{.method = METHOD_POST, .path = "/v1/alert-endpoints/{id}/secrets", .scope = SCOPE_ADMIN, .body = BODY_OPTIONAL, .media = MEDIA_BIT_JSON,
	 .run = alert_endpoint_secret_post, .operation_id = "rotateAlertEndpointSecret"},
	{.method = METHOD_POST, .path = "/v1/alert-endpoints/{id}/test", .scope = SCOPE_ADMIN, .run = alert_endpoint_test,
	 .operation_id = "testAlertEndpoint"},
	{.method = METHOD_GET, .path = "/v1/alert-deliveries", .scope = SCOPE_ADMIN, .formats = TABLE_FORMATS, .params = &alert_delivery_list_params,
	 .run = query_run, .live = true, .statement = STATEMENT_alert_delivery_list, .export = STATEMENT_alert_delivery_export, .operation_id = "listAlertDeliveries"},
	{.method = METHOD_GET, .path = "/v1/alert-deliveries/{id}", .scope = SCOPE_ADMIN, .run = query_run, .live = true,
	 .statement = STATEMENT_alert_delivery_get, .operation_id = "getAlertDelivery"},
	{.method = METHOD_POST, .path = "/v1/alert-deliveries/{id}/retry", .scope = SCOPE_ADMIN, .run = query_run, .statement = STATEMENT_alert_delivery_retry,
	 .operation_id = "retryAlertDelivery"},

	/* the organisation */
	{.method = METHOD_GET, .path = "/v1/settings", .scope = SCOPE_ADMIN, .run = query_run, .versioned = true, .statement = STATEMENT_settings_get,
	 .operation_id = "getSettings"},
	{.method = METHOD_PATCH, .path = "/v1/settings", .scope = SCOPE_ADMIN, .body = BODY_WHOLE,
	 .media = MEDIA_BIT_JSON | MEDIA_BIT_MERGE_PATCH, .params = &job_begin_params, .run = settings_patch,
	 .statement = STATEMENT_settings_patch, .operation_id = "patchSettings"},
	{.method = METHOD_POST, .path = "/v1/erasures", .scope = SCOPE_ADMIN, .body = BODY_WHOLE, .media = MEDIA_BIT_JSON, .run = erasure_post,
	 .statement = STATEMENT_person_erase, .operation_id = "erasePerson"},
	{.method = METHOD_GET, .path = "/v1/audit", .scope = SCOPE_ADMIN, .formats = TABLE_FORMATS, .params = &audit_params, .run = query_run,
	 .live = true, .statement = STATEMENT_audit_list, .export = STATEMENT_audit_export, .operation_id = "listAudit"},
};

const size_t routes_count = sizeof routes / sizeof *routes;
