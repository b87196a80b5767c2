-- GET /v1/reps/{id}/brief: $1 org_id, $2 request. Column: what the metrics say of this rep, in sentences.
SELECT pl.answer_brief($1::int, $2::jsonb);
