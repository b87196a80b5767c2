-- M13: of the meetings held, the part held with on-strategy accounts.

CREATE FUNCTION pl.metric_meeting_share(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_meetings pl.hour_cell[] := ARRAY(SELECT c FROM unnest(f.hours) c WHERE c.kind IS NULL OR c.kind = 'meeting');
BEGIN
  RETURN QUERY
  SELECT s.total, s.key, s.period, pl.ratio(x.n_on, s.n), x.n_on, s.n, s.n, pl.wilson(x.n_on, s.n), CASE WHEN s.n = 0 THEN 'empty_denominator' END,
         pl.excluded(q, s.n_unknown, 0, 0, 0, s.no_rep, s.unattributed), pl.quality(q, s.n, s.n_unknown, s.backcast), '{}'::json,
         json_build_object('on', json_build_object('n', trim_scale(round(x.n_on, 6))), 'off', json_build_object('n', trim_scale(round(s.n - x.n_on, 6))),
                           'unknown', json_build_object('n', trim_scale(round(s.n_unknown, 6))))
  FROM pl.hour_shares(v_meetings) s
  JOIN (SELECT c.total, coalesce(c.key, '') AS key, coalesce(c.period, 0) AS period,
               coalesce(sum(c.n) FILTER (WHERE c.linked AND c.class = 'on'), 0) AS n_on
        FROM unnest(v_meetings) c GROUP BY 1, 2, 3) x
    ON (x.total, x.key, x.period) = (s.total, coalesce(s.key, ''), coalesce(s.period, 0));
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows) VALUES
  ('meeting_share', 'M13', 'Meetings on strategy', 'held meetings with on-strategy accounts / (on + off)', 'fraction', 'count',
   'activities of kind meeting, held, that started in the period', '{rep,team,segment,tier,period}', 'no meeting with a known account: empty_denominator',
   'A meeting with several accounts is divided equally among them; one of several reps counts for each.', '{hours,kind}', NULL, 'meetings', '{segment,tier}');
