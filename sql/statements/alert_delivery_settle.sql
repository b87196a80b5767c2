-- What became of an attempt: $1 org_id, $2 delivery, $3 which attempt, $4 the answer's status or null, $5 what went wrong or null, $6 seconds the receiver asks to
-- be left alone, or null. Column: delivered, retry, dead or late.
SELECT pl.delivery_settle($1::int, $2::bigint, $3::int, $4::int, $5::text, $6::bigint);
