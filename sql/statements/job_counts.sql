-- Jobs by status, for gauges: $1 org_id. Columns: status (each, also without jobs), jobs, rows the unfinished ones have done.
SELECT s.status, count(j.job_id), coalesce(sum(j.done) FILTER (WHERE j.status IN ('queued', 'running')), 0)
  FROM unnest('{queued,running,done,failed}'::text[]) AS s(status)
  LEFT JOIN public.job AS j ON j.org_id = $1::int AND j.status = s.status
 GROUP BY s.status
 ORDER BY s.status;
