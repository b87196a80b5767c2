-- GET /v1/opportunities/{id}/alignment: $1 org_id, $2 request. Column: why this deal counts as it does.
SELECT pl.answer_opportunity($1::int, $2::jsonb);
