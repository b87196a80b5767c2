-- How far a job of $1 org_id with number $2 is, for commands. Columns: status, rows done, rows in all, why it failed, and of a rebuild the
-- objects, the events, and the states that were not what the log says.
SELECT j.status, j.done, j.total, j.error, j.result ->> 'objects', j.result ->> 'events', j.result ->> 'changed'
  FROM public.job AS j
 WHERE j.org_id = $1::int AND j.job_id = $2::bigint;
