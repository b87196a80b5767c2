-- GET /v1/quarantine. $1 org_id, $2 request. Columns: body, cursor of the next page.
SELECT body, next FROM pl.quarantine_list($1::int, $2::jsonb);
