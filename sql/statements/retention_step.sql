-- Shortens the next piece of the log of $1 org_id, a short transaction. Columns: more (ask again at once) or none (nothing to do); and a
-- sentence for the log, or null.
SELECT state, said FROM pl.retention_step($1::int);
