-- GET /v1/alignment: $1 org_id, $2 request. Column: the answer in the format asked for.
SELECT pl.answer_alignment($1::int, $2::jsonb);
