-- GET /v1/metrics/{key}/rows as CSV or NDJSON: $1 org_id, $2 request. Columns: a piece of the document, and in the first row the cursor of what limit= left out.
SELECT piece, next FROM pl.metric_row_lines($1::int, $2::jsonb);
