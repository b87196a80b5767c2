#include "session.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "db.h"
#include "route.h"
#include "service.h"

/* With HTTPS, by ourselves or by what stands before us, the cookie never goes over anything else. */
static bool is_https(const struct request *request)
{
	const struct settings *settings = request->service->settings;

	return request->https_before_us || settings->tls_cert[0] != '\0' || strncmp(settings->public_url, "https://", 8) == 0;
}

/* value "" with 0 seconds takes the cookie back. */
static void set_cookie(const struct request *request, const char *value, int64_t seconds, struct reply *reply)
{
	char cookie[AUTH_KEY_MAX + 128];

	snprintf(cookie, sizeof cookie, AUTH_COOKIE "=%s; HttpOnly; SameSite=Strict; Path=/; Max-Age=%" PRId64 "%s", value, seconds,
		 is_https(request) ? "; Secure" : "");
	reply_header(reply, "Set-Cookie", cookie);
	sodium_memzero(cookie, sizeof cookie);
}

static enum err begin(struct request *request, struct reply *reply, const char *session_id, const char *token, const char *digest)
{
	char org_id[16], hours[16];
	struct db_result *rows = NULL;
	enum err err;

	snprintf(org_id, sizeof org_id, "%d", request->who.org_id);
	snprintf(hours, sizeof hours, "%" PRId64, request->service->settings->session_hours);
	err = db_run(request->db, request->route->statement,
		     (struct db_param[]){{.text = text_of(org_id)},
					 {.text = text_of(request->who.key_id)},
					 {.text = text_of(session_id)},
					 {.text = text_of(digest)},
					 {.text = text_of(hours)}},
		     5, DB_ONE, &rows, &reply->problems, &reply->detail);
	if (err == ERR_OK) {
		reply->status = 201;
		reply->no_store = true;
		buffer_append_text(&reply->body, db_value(rows, 0, 0));
		set_cookie(request, token, strtoll(db_value(rows, 0, 1).data, NULL, 10), reply);
	}
	db_result_free(rows);
	return err;
}

enum err session_begin(struct request *request, struct reply *reply)
{
	char session_id[AUTH_KEY_ID_MAX + 1], token[AUTH_KEY_MAX], hex[2 * AUTH_DIGEST_BYTES + 1];
	unsigned char digest[AUTH_DIGEST_BYTES];
	enum err err;

	/* Or one could be prolonged for ever. */
	if (request->who.session_id[0] != '\0')
		return reply_error(reply, ERR_UNAUTHORIZED, "a session is begun with a key: send the header Authorization: Bearer pl_…");
	if (!auth_session_make(request->who.org_id, session_id, token, digest))
		return ERR_INTERNAL;
	sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
	err = begin(request, reply, session_id, token, hex);
	sodium_memzero(token, sizeof token);
	return err;
}

enum err session_get(struct request *request, struct reply *reply)
{
	const struct principal *who = &request->who;
	struct db_result *rows = NULL;
	char org_id[16];
	enum err err;

	snprintf(org_id, sizeof org_id, "%d", who->org_id);
	err = db_run(request->db, request->route->statement,
		     (struct db_param[]){{.text = text_of(org_id)},
					 {.text = text_of(who->key_id)},
					 {.text = text_of(who->session_id[0] != '\0' ? who->session_id : NULL)}},
		     3, DB_ONE, &rows, &reply->problems, &reply->detail);
	if (err == ERR_OK) {
		reply->no_store = true;
		buffer_append_text(&reply->body, db_value(rows, 0, 0));
	}
	db_result_free(rows);
	return err;
}

enum err session_end(struct request *request, struct reply *reply)
{
	const struct principal *who = &request->who;
	char org_id[16];
	enum err err;

	if (who->session_id[0] == '\0')
		return reply_error(reply, ERR_NOT_FOUND, "this request came with a key, not with a session");
	snprintf(org_id, sizeof org_id, "%d", who->org_id);
	err = db_run(request->db, request->route->statement,
		     (struct db_param[]){{.text = text_of(org_id)}, {.text = text_of(who->session_id)}}, 2, DB_NONE, NULL, &reply->problems,
		     &reply->detail);
	if (err != ERR_OK)
		return err;
	auth_forget_session(request->auth, who->org_id, who->session_id);
	reply->status = 204;
	reply->no_store = true;
	set_cookie(request, "", 0, reply);
	return ERR_OK;
}
