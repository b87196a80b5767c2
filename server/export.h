/* Complete exports: lists, and the rows behind figures, as CSV or NDJSON, sent while they are read, in constant memory. */
#ifndef PLUMBLINE_EXPORT_H
#define PLUMBLINE_EXPORT_H

#include "db.h"
#include "request.h"

/* True when this request is answered by its route's export statement. */
bool export_wanted(const struct request *request);

/* Runs route->export with these parameters and sends what it gives. Columns: a piece of the body (the pieces in their order are the
 * body, in request->format), and in the first row maybe the cursor of what was left out by limit=, which becomes a Link header.
 * An error before the first row is an error of the request; later it breaks the answer off. No row, or a first one that is null:
 * ERR_NOT_FOUND. For a thread that may wait for a slow client; request->answer is there, and is ended by the caller. */
enum err export_run(struct request *request, const struct db_param *params, size_t count, struct reply *reply);

#endif
