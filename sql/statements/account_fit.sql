-- GET /v1/accounts/{id}/fit: $1 org_id, $2 request (query: as_of, strategy). Column: the stored verdict with its breakdown; null: no such account.
SELECT pl.account_explain($1::int, $2::jsonb);
