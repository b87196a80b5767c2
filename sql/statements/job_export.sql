-- GET /v1/jobs as CSV or NDJSON: $1 org_id, $2 request. Columns: a piece of the document, and in the first row the cursor of what limit= left out.
SELECT piece, next
  FROM pl.list_lines('job_list', $1::int, $2::jsonb, '{id,kind,object,status,phase,progress,error,result,actor,created_at,started_at,finished_at}');
