-- GET /v1/alerts as CSV or NDJSON: $1 org_id, $2 request. Columns: a piece of the document, and in the first row the cursor of what limit= left out.
SELECT piece, next
  FROM pl.list_lines('alert_list', $1::int, $2::jsonb, '{id,at,metric,by,key,label,team,from,to,value,ci,n,unit,currency,threshold,period,start,end,strategy}');
