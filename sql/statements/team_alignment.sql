-- GET /v1/teams/{id}/alignment: $1 org_id, $2 request. Column: everything about this team in the period.
SELECT pl.answer_one($1::int, $2::jsonb, 'team');
