-- GET /v1/alert-endpoints as CSV or NDJSON: $1 org_id, $2 request. Columns: a piece of the document, and in the first row the cursor of what limit= left out.
SELECT piece, next
  FROM pl.list_lines('endpoint_list', $1::int, $2::jsonb, '{id,name,url,format,filter,enabled,disabled_reason,secrets,deliveries,created_at,updated_at}');
