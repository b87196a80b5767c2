/* Alerts, the endpoints that are told, and deliveries. When something is told is SQL (93-, 94-alert…sql); who sends it is
 * server/alert_sender.c. */
#ifndef PLUMBLINE_ALERTS_H
#define PLUMBLINE_ALERTS_H

#include "request.h"
#include "shape.h"

extern const struct shape alert_list_params;
extern const struct shape alert_endpoint_list_params;
extern const struct shape alert_delivery_list_params;

enum err alert_endpoint_post(struct request *, struct reply *);        /* 201 + Location; its secret, this once */
enum err alert_endpoint_put(struct request *, struct reply *);
enum err alert_endpoint_patch(struct request *, struct reply *);
enum err alert_endpoint_secret_post(struct request *, struct reply *); /* 201 */

/* POST …/{id}/test: a delivery that is tried once. 200 when it is over within some seconds, else 202 with its Location. */
enum err alert_endpoint_test(struct request *, struct reply *);

#endif
