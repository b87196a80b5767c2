-- GET /v1/audit: $1 org_id, $2 request (query: action, object, cursor, limit). Columns: the body, and the cursor for the Link header.
SELECT body, next FROM pl.audit_list($1::int, $2::jsonb);
