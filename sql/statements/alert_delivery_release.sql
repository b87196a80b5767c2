-- Gives up the lease of an attempt that was broken off: $1 org_id, $2 delivery, $3 which attempt.
SELECT pl.delivery_release($1::int, $2::bigint, $3::int);
