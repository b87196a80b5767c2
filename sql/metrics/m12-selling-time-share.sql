-- M12: of the hours spent with accounts, the part spent with on-strategy ones.

CREATE TYPE pl.hour_share AS (
  total boolean, key text, period int, h_on numeric, h_off numeric, h_unknown numeric, unattributed numeric, estimated numeric, n numeric,
  n_unknown numeric, no_rep numeric, backcast numeric
);

CREATE FUNCTION pl.hour_shares(p_cells pl.hour_cell[]) RETURNS SETOF pl.hour_share
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT c.total, c.key, c.period,
         coalesce(sum(c.hours) FILTER (WHERE c.linked AND c.class = 'on'), 0), coalesce(sum(c.hours) FILTER (WHERE c.linked AND c.class = 'off'), 0),
         coalesce(sum(c.hours) FILTER (WHERE c.linked AND c.class = 'unknown'), 0), coalesce(sum(c.hours) FILTER (WHERE NOT c.linked), 0),
         sum(c.estimated), coalesce(sum(c.n) FILTER (WHERE c.linked AND c.class <> 'unknown'), 0),
         coalesce(sum(c.n) FILTER (WHERE c.linked AND c.class = 'unknown'), 0), sum(c.no_rep), sum(c.backcast)
  FROM unnest(p_cells) c
  GROUP BY c.total, c.key, c.period
$$;
COMMENT ON FUNCTION pl.hour_shares IS 'hours by class, one row a place of the answer';

CREATE FUNCTION pl.hour_reserves(s pl.hour_share, OUT unattributed numeric, OUT estimated numeric)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT pl.ratio(s.unattributed, s.h_on + s.h_off + s.h_unknown + s.unattributed), pl.ratio(s.estimated, s.h_on + s.h_off + s.h_unknown + s.unattributed)
$$;
COMMENT ON FUNCTION pl.hour_reserves IS 'of all hours counted, the parts that belong to no account and that are taken from the strategy''s minutes a kind (METRICS.md R9)';

CREATE FUNCTION pl.metric_selling_time_share(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT s.total, s.key, s.period, pl.ratio(s.h_on, s.h_on + s.h_off), s.h_on, s.h_on + s.h_off, s.n, NULL::numeric[],
         CASE WHEN s.h_on + s.h_off = 0 THEN 'empty_denominator' END,
         pl.excluded(q, s.n_unknown, 0, 0, 0, s.no_rep, s.unattributed),
         pl.quality(q, s.h_on + s.h_off, s.h_unknown, s.backcast, coalesce(e.estimated > 0.5, false)), '{}'::json,
         json_build_object('on', json_build_object('hours', round(s.h_on, 6)), 'off', json_build_object('hours', round(s.h_off, 6)),
                           'unknown', json_build_object('hours', round(s.h_unknown, 6)),
                           'unattributed_share', round(e.unattributed, 6), 'estimated_share', round(e.estimated, 6))
  FROM pl.hour_shares(f.hours) s
  CROSS JOIN LATERAL pl.hour_reserves(s) e;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill) VALUES
  ('selling_time_share', 'M12', 'Selling time on strategy', 'hours with on-strategy accounts / (on + off)', 'fraction', 'hours',
   'counted activities that started in the period, judged then', '{rep,team,segment,tier,kind,period}', 'no hours with known accounts: empty_denominator',
   'Each rep of an activity spent it in full; several accounts share it equally. Without a duration the strategy''s minutes of the kind are taken: '
   'estimated_share, above one half quality is low. Hours linked to no account: unattributed_share, not in the number.', '{hours}', 3, 'hours');
