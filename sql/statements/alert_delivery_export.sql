-- GET /v1/alert-deliveries as CSV or NDJSON: $1 org_id, $2 request. Columns: a piece of the document, and in the first row the cursor of what limit= left out.
SELECT piece, next
  FROM pl.list_lines('delivery_list', $1::int, $2::jsonb,
                     '{id,endpoint,alert,message_id,state,attempts,next_attempt_at,last_attempt_at,last_status,last_error,created_at,delivered_at}');
