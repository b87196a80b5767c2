/* What the service says about itself: health, readiness, counters, its contract. */
#ifndef PLUMBLINE_SYSTEM_H
#define PLUMBLINE_SYSTEM_H

#include "request.h"

/* 200 as long as the process runs. */
enum err system_healthz(struct request *request, struct reply *reply);
/* 200 when requests can be served; 503 while starting or draining, without a database, or with another schema than ours. */
enum err system_readyz(struct request *request, struct reply *reply);
/* Prometheus text exposition; on the admin listener only. */
enum err system_metrics(struct request *request, struct reply *reply);
enum err system_openapi_yaml(struct request *request, struct reply *reply);
enum err system_openapi_json(struct request *request, struct reply *reply);

#endif
