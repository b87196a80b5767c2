-- A delivery that is over, or null: $1 org_id, $2 its id.
SELECT pl.delivery_settled($1::int, $2::text);
