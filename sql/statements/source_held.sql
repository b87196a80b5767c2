-- The configuration of a source, held for a change in this transaction; null: there is none. $1 org_id, $2 its name.
SELECT pl.source_held($1::int, $2::text);
