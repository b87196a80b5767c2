-- What the answers of an organisation depend on besides the question: $1 org_id. Columns: data_version, config_version, the
-- organisation's local date, because periods and the default as_of follow it, and whether figures of single reps may be told.
SELECT v.data_version, v.config_version, (clock_timestamp() AT TIME ZONE o.time_zone)::date, o.rep_metrics = 'on'
  FROM public.org_version v
  JOIN public.org o ON o.org_id = v.org_id
 WHERE v.org_id = $1::int;
