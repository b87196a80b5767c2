-- Does the next step of the job of $1 org_id, a short transaction. Columns: more (ask again at once), later (it failed) or none (nothing to do);
-- and a sentence for the log, or null.
SELECT state, said FROM pl.job_step($1::int);
