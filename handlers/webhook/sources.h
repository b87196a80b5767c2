/* /v1/sources: what a source is, its secrets, and a test of it; /v1/source-presets. */
#ifndef PLUMBLINE_WEBHOOK_SOURCES_H
#define PLUMBLINE_WEBHOOK_SOURCES_H

#include "request.h"
#include "shape.h"

extern const struct shape source_list_params;

enum err source_post(struct request *, struct reply *); /* 201 + Location */
enum err source_get(struct request *, struct reply *);
enum err source_replace(struct request *, struct reply *);
enum err source_patch(struct request *, struct reply *);
enum err source_secret_post(struct request *, struct reply *); /* 201 */
enum err source_test(struct request *, struct reply *);
enum err preset_list(struct request *, struct reply *);

#endif
