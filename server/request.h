/* What a handler sees of a request, and the reply it fills. Nothing here knows libmicrohttpd. */
#ifndef PLUMBLINE_REQUEST_H
#define PLUMBLINE_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "text.h"

struct db;
struct route;
struct body_stream;
struct answer_stream;
struct service;
struct auth;

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_OPTIONS, METHOD_COUNT };

/* Scopes of an API key; a route asks for one, or SCOPE_NONE for public routes. */
enum scope { SCOPE_NONE = 0, SCOPE_INGEST = 1, SCOPE_READ = 2, SCOPE_STRATEGY = 4, SCOPE_ADMIN = 8 };
enum read_scope { READ_ALL, READ_TEAM, READ_SELF };

/* Who asks: the API key resolved. Strings are copies that live as long as the request. */
struct principal {
	int org_id;              /* 0: nobody */
	char key_id[32];
	unsigned scopes;         /* of enum scope */
	enum read_scope read_scope;
	char source[64];         /* the source events of this key belong to; "api" when the key is bound to none */
	char rep_id[256];        /* "" when unbound */
	char team_id[256];       /* "" when unbound */
	char session_id[32];     /* "" when the request brought the key itself */
};

/* What a request brought to show who asks. */
struct credential {
	struct text text;        /* the Authorization header as it came, or the session's token; absent: nothing */
	bool is_session;
};

struct param {
	struct text name;   /* decoded */
	struct text value;  /* decoded; clean UTF-8 */
};

enum { PATH_PARAMS_MAX = 4, QUERY_PARAMS_MAX = 64 };

enum media { MEDIA_NONE, MEDIA_JSON, MEDIA_MERGE_PATCH, MEDIA_NDJSON, MEDIA_CSV, MEDIA_CLOUD_EVENT, MEDIA_CLOUD_EVENTS, MEDIA_OTHER };
enum format { FORMAT_JSON, FORMAT_CSV, FORMAT_NDJSON };

struct request {
	const struct route *route;
	enum method method;
	struct text target;                       /* raw request target, for logs and signatures */
	struct text path_params[PATH_PARAMS_MAX]; /* decoded values of {name} in order */
	size_t path_param_count;
	struct param query[QUERY_PARAMS_MAX];
	size_t query_count;
	enum media media;                         /* of the body, from Content-Type */
	enum format format;                       /* negotiated from ?format= and Accept among the route's */
	struct text body;                         /* whole body, decoded from gzip; empty for streamed routes */
	struct body_stream *stream;               /* for routes with BODY_STREAM, else NULL */
	struct answer_stream *answer;             /* where an answer goes that is sent while it is made (export.h); else NULL */
	struct principal who;
	struct db *db;                            /* this worker's connection; NULL in prepare hooks */
	struct auth *auth;                        /* the keys this process knows; NULL where db is */
	bool https_before_us;                     /* a trusted proxy says that its client speaks HTTPS */
	char request_id[129];
	char traceparent[56];
	const struct text *(*header)(const struct request *, const char *name); /* lower-case name; NULL when absent */
	const struct text *(*header_at)(const struct request *, const char *name, size_t nth); /* the nth of that name, from 0 */
	const struct service *service;            /* what the process owns: settings, counters, readiness (service.h) */
	void *http;                               /* the machinery's own */
};

/* Value of a query parameter or the absent text. */
struct text request_query(const struct request *request, const char *name);

/* A problem with one field: pointer is a JSON pointer into the body ("/amount"), or the name of a query parameter. */
struct problem {
	char *pointer;
	char *code;
	char *message;
};

struct problems {
	struct problem *items;
	size_t count;
	size_t capacity;
};

enum { SENTENCE_MAX = 1023 }; /* bytes of what a problem or an error says; longer ones quote too much of the input and are cut */

void problems_add(struct problems *problems, const char *pointer, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void problems_free(struct problems *problems);

/* The reply a handler fills; the machinery sends it once. All memory is owned by the reply. */
struct reply {
	int status;                 /* 0: 200 on success, or the error's */
	const char *content_type;   /* static string; NULL: application/json */
	struct buffer body;
	char etag[80];              /* without quotes; "" for none */
	struct buffer headers;      /* further "Name: value\r\n" lines */
	struct problems problems;   /* filled together with an error */
	struct buffer detail;       /* sentence for an error, may stay empty */
	enum err err;               /* what the handler returned, for the log */
	bool no_store;              /* Cache-Control: no-store instead of private */
	const char *cache_control;  /* static string that is sent instead of either; NULL: none */
	struct text fixed;          /* a body that is sent as it is instead of `body`, without a copy: it lives as long as the process, or as `shared` */
	bool fixed_is_gzip;         /* it is compressed already */
	struct shared *shared;      /* a body that others send too, instead of `body`; one hold of it. NULL: none */
};

/* What is sent but for compression: `shared`, else `body`; of `fixed` that. */
struct text reply_body(const struct reply *reply);
void reply_drop_body(struct reply *reply);
/* Makes a gzip file that lives as long as the process the body; whoever sends it unpacks it for a client that does not take it. */
void reply_packed(struct reply *reply, struct text packed);
void reply_unpack(struct reply *reply);

/* Sets detail and returns err, so that handlers can say: return reply_error(reply, ERR_NOT_FOUND, "no account %s", id); */
enum err reply_error(struct reply *reply, enum err err, const char *format, ...) __attribute__((format(printf, 3, 4)));
void reply_header(struct reply *reply, const char *name, const char *value); /* value must not hold control characters; dropped if it does */
/* Replaces body by the RFC 9457 problem document of reply->err, detail and problems. Called by the machinery. */
void reply_render_error(struct reply *reply, enum err err, const char *request_id);
void reply_free(struct reply *reply);

/* True when an If-None-Match (or If-Match) value names this entity tag, or is "*". Weak comparison; the "-gzip" of a
 * compressed answer does not count. etag is without quotes; header absent: false. */
bool etag_matches(struct text header, const char *etag);

/* Streamed bodies. Blocks the worker until bytes are there. Returns bytes read, 0 at the end, -1 when the client
 * went away, the deadline passed or the body is broken (then *err says which). Bytes are already gunzipped. */
long body_stream_read(struct body_stream *stream, void *to, size_t size, enum err *err);

#endif
