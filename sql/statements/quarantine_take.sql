-- What a replay works on, locked until the transaction ends: the open row in the path of the request, or a page. $1 org_id, $2 request.
SELECT quarantine_id, source, form, payload, encoding, headers, reason, occurred_at, more FROM pl.quarantine_take($1::int, $2::jsonb);
