-- GET /v1/session: $1 org_id, $2 key_id, $3 session_id (null: the request brought the key itself). Column: what they may.
SELECT pl.session_json($1::int, $2::text, $3::text);
