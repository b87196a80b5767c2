-- GET /v1/strategies as CSV or NDJSON: $1 org_id, $2 request. Columns: a piece of the document, and in the first row the cursor of what limit= left out.
SELECT piece, next
  FROM pl.list_lines('strategy_list', $1::int, $2::jsonb,
                     '{id,number,name,status,effective_from,effective_at,backdated,created_at,updated_at,published_at,scope,segments,fit,products,'
                     'messages,opportunistic,conduct,activity_minutes,index_weights,thresholds}');
