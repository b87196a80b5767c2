-- Notes that a source has been heard of. $1 org_id, $2 source.
SELECT pl.source_delivered($1::int, $2::text);
