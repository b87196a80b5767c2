-- GET /v1/snapshots as CSV or NDJSON: $1 org_id, $2 request. Columns: a piece of the document, and in the first row the cursor of what limit= left out.
SELECT piece, next
  FROM pl.list_lines('snapshot_list', $1::int, $2::jsonb, '{id,name,of,metric,question,sha256,data_version,actor,scope,created_at}');
