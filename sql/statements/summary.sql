-- GET /v1/summary: $1 org_id, $2 request. Column: the one page.
SELECT pl.answer_summary($1::int, $2::jsonb);
