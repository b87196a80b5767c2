-- Where some jobs of $1 org_id are, for those who watch them: $2 their ids (j1, j2 …). Columns: id, status, what tells this state from the
-- one before, and the job as the API shows it.
SELECT 'j' || j.job_id, j.status, concat_ws('.', j.status, j.phase, j.done, j.total, j.failures), pl.job_json(j)::text
  FROM public.job AS j
 WHERE j.org_id = $1::int AND j.job_id = ANY (ARRAY(SELECT substr(x, 2)::bigint FROM unnest($2::text[]) AS x));
