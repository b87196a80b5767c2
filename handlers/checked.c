/* Bodies that are one small object: checked, then given to the route's statement as they came. */
#include "checked.h"

#include "route.h"

enum err checked_body(struct request *request, struct reply *reply, const struct shape *shape, bool whole)
{
	const char *code, *message;
	json_t *body = json_parse_strict(request->body, &code, &message);
	enum err err = ERR_OK;

	if (body == NULL) {
		problems_add(&reply->problems, "", code, "%s", message);
		return reply_error(reply, ERR_INVALID_JSON, "%s", message);
	}
	if (!json_is_object(body))
		problems_add(&reply->problems, "", "wrong_type", "must be an object");
	else
		shape_check_text(shape, body, request->body, "", whole, &reply->problems);
	if (reply->problems.count > 0)
		err = reply_error(reply, ERR_VALIDATION_FAILED, "the %s cannot be accepted: %zu problem%s", shape->name,
				  reply->problems.count, reply->problems.count == 1 ? "" : "s");
	json_decref(body);
	return err;
}

enum err checked_run(struct request *request, struct reply *reply, const struct shape *shape, bool whole)
{
	enum err err = checked_body(request, reply, shape, whole);

	return err == ERR_OK ? query_run(request, reply) : err;
}
