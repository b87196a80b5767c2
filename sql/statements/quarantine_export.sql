-- GET /v1/quarantine as CSV or NDJSON: $1 org_id, $2 request. Columns: a piece of the document, and in the first row the cursor of what limit= left out.
SELECT piece, next
  FROM pl.list_lines('quarantine_list', $1::int, $2::jsonb,
                     '{id,source,status,form,reason,pointer,message,kind,object_id,event_id,occurred_at,times,received_at,last_received_at,closed_at}');
