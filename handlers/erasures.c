#include "erasures.h"

#include "checked.h"
#include "db.h"
#include "route.h"
#include "service.h"

enum { ERASURE_TIMEOUT_MS = 30 * 60 * 1000 }; /* all of the log is read */

static const char *const kinds[] = {"rep", NULL};

static const struct field fields[] = {
    {.name = "kind", .type = FIELD_WORD, .required = true, .no_null = true, .words = kinds, .summary = "what a person is here"},
    {.name = "id", .type = FIELD_ID, .required = true, .no_null = true, .summary = "of the person"},
};
static const struct shape shape = SHAPE("erasure", fields);

static enum err erase(struct request *request, struct reply *reply)
{
	enum err err = db_begin(request->db);

	if (err != ERR_OK)
		return err;
	err = db_timeout(request->db, ERASURE_TIMEOUT_MS);
	if (err == ERR_OK)
		err = query_run(request, reply);
	if (err == ERR_OK)
		return db_commit(request->db);
	db_rollback(request->db);
	return err;
}

enum err erasure_post(struct request *request, struct reply *reply)
{
	enum err err = checked_body(request, reply, &shape, true);

	if (err != ERR_OK)
		return err;
	db_limit(request->db, ERASURE_TIMEOUT_MS);
	err = erase(request, reply);
	db_limit(request->db, (int)request->service->settings->statement_timeout_ms);
	return err;
}
