-- GET /v1/leaderboard: $1 org_id, $2 request. Column: the answer in the format asked for.
SELECT pl.answer_leaderboard($1::int, $2::jsonb);
