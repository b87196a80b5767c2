-- A page of objects of one kind. $1 org_id, $2 kind, $3 request (query: cursor, limit, include_deleted).
-- Columns: the body {"data": […], "next": cursor|null}, and the cursor again for the Link header.
SELECT body::text, next FROM pl.object_list($1::int, $2::object_kind, $3::jsonb);
