-- One object. $1 org_id, $2 kind ('opportunity'), $3 request (its path holds the id). No row: there is none, or not for this key.
SELECT pl.object_get($1::int, $2::object_kind, $3::jsonb)::text;
