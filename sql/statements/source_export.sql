-- GET /v1/sources as CSV or NDJSON: $1 org_id, $2 request. Columns: a piece of the document, and in the first row the cursor of what limit= left out.
SELECT piece, next
  FROM pl.list_lines('source_list', $1::int, $2::jsonb,
                     '{source,preset,enabled,url,webhook,secrets,quarantined_open,last_delivery_at,created_at,updated_at,override}');
