-- The number of the next endpoint, which this transaction may make. $1 org_id.
SELECT pl.endpoint_number($1::int);
