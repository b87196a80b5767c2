-- GET /v1/resync. $1 org_id, $2 request. Columns: body, cursor of the next page.
SELECT body, next FROM pl.resync_list($1::int, $2::jsonb);
