-- GET /v1/metrics: $1 org_id, $2 request. Column: what each metric means, the same for every organisation.
SELECT pl.answer_dictionary($1::int, $2::jsonb);
