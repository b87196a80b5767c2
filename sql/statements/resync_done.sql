-- POST /v1/resync/{id}/done. $1 org_id, $2 request.
SELECT pl.resync_done($1::int, $2::jsonb);
