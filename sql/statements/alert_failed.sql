-- Notes that the evaluation of $1 org_id was cut off; $2: why.
SELECT pl.alert_failed($1::int, $2::text);
