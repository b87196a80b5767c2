-- GET /v1/metrics/{key}/rows: $1 org_id, $2 request. Columns: the rows behind the number, and the cursor of the next page.
SELECT body, next FROM pl.answer_metric_rows($1::int, $2::jsonb);
