-- POST /v1/query: $1 org_id, $2 request, $3 JSON array of the pointers that are wrong already. Column: the answer in the format asked for.
SELECT pl.answer_query($1::int, $2::jsonb, $3::jsonb);
