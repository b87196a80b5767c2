-- Queues a rebuild of $1 org_id: every row of state and of the projections anew from its log. Column: the number of the job. Raises job_running.
SELECT pl.rebuild_queue($1::int);
