/* Routes: one row an endpoint. The table stands in handlers/routes.c and reads as the API. */
#ifndef PLUMBLINE_ROUTE_H
#define PLUMBLINE_ROUTE_H

#include "db.h"
#include "request.h"
#include "shape.h"

enum body_kind {
	BODY_NONE,     /* a body is refused (400 invalid_request) */
	BODY_OPTIONAL, /* may be empty; collected whole */
	BODY_WHOLE,    /* required; collected whole up to the limit, then the handler runs */
	BODY_STREAM    /* required; JSON is collected whole, NDJSON and CSV are streamed (request.stream) while they arrive */
};

enum { MEDIA_BIT_JSON = 1, MEDIA_BIT_MERGE_PATCH = 2, MEDIA_BIT_NDJSON = 4, MEDIA_BIT_CSV = 8, MEDIA_BIT_CLOUD_EVENT = 16, MEDIA_BIT_CLOUD_EVENTS = 32 };
enum {
	FORMAT_BIT_JSON = 1, FORMAT_BIT_CSV = 2, FORMAT_BIT_NDJSON = 4,
	FORMAT_BIT_OTHER = 8 /* one content type of the handler's own (a page, YAML, the metrics): Accept is not looked at */
};

struct ingest_item;
struct intake;

struct route {
	enum method method;
	const char *path;              /* "/v1/reps/{id}/alignment"; {name} takes one whole segment */
	unsigned scope;                /* enum scope needed; SCOPE_NONE: public */
	enum body_kind body;
	unsigned media;                /* MEDIA_BIT_… taken; 0 with BODY_NONE */
	unsigned formats;              /* FORMAT_BIT_… offered; 0: JSON only */
	const struct shape *params;    /* query parameters; the machinery checks them before run; NULL: none allowed */
	enum err (*run)(struct request *, struct reply *); /* on a worker, with request.db */
	/* Group commit: makes one event of a whole body, on the event loop, without database. Sets *single = false
	 * when the request is not one event (an array): then run is used. NULL: always run. */
	enum err (*prepare)(struct request *, struct reply *, struct ingest_item *item, bool *single);
	/* Group commit of more than an event: takes the request apart, on a worker, with request.db; who then names organisation and
	 * source. *intake NULL: there is nothing to write, the reply is complete. Instead of run. */
	enum err (*take)(struct request *, struct reply *, struct intake **intake);
	/* The intake's transaction is over; err: how. Makes the reply, on the committer: must not block. */
	enum err (*settled)(struct request *, struct reply *, const struct intake *, enum err err);
	bool raw;                      /* takes what comes as it comes: body, Content-Type, Content-Encoding and query are the handler's */
	bool on_loop;                  /* public, without body and without database: run on the event loop itself (health) */
	bool versioned;                /* the answer depends on the request, the key's scope and the organisation's versions alone:
	                                * ETag, If-None-Match → 304, and the in-process cache apply */
	bool live;                     /* reads that change with more than the versions (progress of jobs, the audit log): asked for every time;
	                                * ETag from the versions and the answer, If-None-Match → 304 */
	bool watch;                    /* server-sent events of the job named first in the path (watch.h): run only checks that it may be seen */
	bool standby;                  /* versioned, and may be answered by the hot standby, a moment behind: figures. Others see
	                                * what was written before them. */
	enum statement export;         /* versioned and live routes: the statement that gives all of it as CSV or NDJSON, sent while it is read
	                                * (export.h); STATEMENT_NONE: those formats, if offered, are made like JSON */
	enum statement statement;      /* for the generic handler query_run: STATEMENT_NONE otherwise */
	const void *data;              /* handler's own constant data (e.g. the resource kind) */
	const char *operation_id;      /* operationId in openapi.yaml */
};

extern const struct route routes[];
extern const size_t routes_count;

struct route_match {
	const struct route *route;     /* NULL: see err */
	enum err err;                  /* NOT_FOUND, METHOD_NOT_ALLOWED, INVALID_PATH */
	unsigned allow;                /* bits (1u << enum method) of the methods this path takes */
	struct text params[PATH_PARAMS_MAX]; /* raw (still percent-encoded) */
	size_t param_count;
};

/* Matches on the raw path (before '?'); HEAD matches GET rows. Where rows overlap, the one that is literal further to the
 * left wins. A path with a broken escape, a control character, U+0000 or invalid UTF-8 is ERR_INVALID_PATH. */
struct route_match route_find(enum method method, struct text raw_path);
struct route_match route_find_in(const struct route *table, size_t count, enum method method, struct text raw_path);

/* The admin listener's own few rows, in handlers/system.c. */
extern const struct route admin_routes[];
extern const size_t admin_routes_count;

/* Decodes %XX (and + to space when plus is set) into `to`, which needs raw.size bytes. Returns the size, or -1 for a broken
 * escape, a control character (encoded or not) or text that is not clean UTF-8. */
long percent_decode(struct text raw, bool plus, char *to);

/* Splits and decodes a query string into items (QUERY_PARAMS_MAX of them). The values live in `to`, which needs raw.size
 * bytes. False when something does not decode or there are too many; the problems say which. */
bool query_parse(struct text raw, char *to, struct param *items, size_t *count, struct problems *problems);

/* "GET" … and back; METHOD_COUNT when unknown. */
const char *method_name(enum method method);
enum method method_by_name(struct text name);

/* Generic handler: runs route->statement with ($1 org_id int, $2 request jsonb as text) and replies its first column (the body,
 * already in request.format). A second column, when not null, is the cursor of the next page: it becomes a Link header.
 * The jsonb is {"path": [values of {name} in order], "query": {name: value, …}, "format": "json|csv|ndjson",
 * "who": {"scope": "all|team|self", "rep": id|null, "team": id|null, "key": key id}, "body": JSON|null}. No row, or NULL: 404. */
enum err query_run(struct request *, struct reply *);

/* The asking half of query_run, for handlers that make something else of the answer: one row whose first column is not null; the
 * caller frees it. On error *rows stays as it was (NULL). */
struct db_result;
enum err query_ask(struct request *, struct reply *, enum statement statement, struct db_result **rows);

/* What query_run makes of an answer whose first column is a body and whose second, if any, is a cursor: body, content type by
 * request.format, Link. For handlers with a statement of other parameters. The row is there and its body is not null. */
void query_reply(const struct request *request, const struct db_result *rows, struct reply *reply);

/* The Link header to the next page of a list: the same request with this cursor. */
void query_link(const struct request *request, struct text cursor, struct reply *reply);

/* "text/csv…" and so on; NULL for JSON. */
const char *query_content_type(enum format format);

/* The jsonb described above, for hand-written handlers. */
void request_to_json(const struct request *request, struct buffer *out);
/* The same with body null, for bodies that hold what is nobody's business. */
void request_head_to_json(const struct request *request, struct buffer *out);

#endif
