-- A page of the events of one object, newest first. $1 org_id, $2 kind, $3 request (its path holds the id; query: cursor, limit).
-- Columns: the body {"data": […], "next": cursor|null}, and the cursor again for the Link header.
SELECT body::text, next FROM pl.object_history($1::int, $2::object_kind, $3::jsonb);
