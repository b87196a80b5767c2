-- Seconds since each source in use was heard of, or was added. $1 org_id.
SELECT source, age FROM pl.source_ages($1::int);
