-- On and off strategy, side by side: what the share metrics (M03, M04, M05, M07 …) are made of.

CREATE TYPE pl.share AS (
  total boolean, key text, period int,
  n_on numeric, n_off numeric, n_unknown numeric,
  priced_on numeric, priced_off numeric, priced_unknown numeric,
  money_on numeric, money_off numeric, money_unknown numeric,
  weighted_on numeric, weighted_off numeric, weighted_unknown numeric,
  largest_on numeric, largest_off numeric,
  no_probability numeric, unpriced numeric, no_amount numeric, no_owner numeric, backcast numeric
);

CREATE FUNCTION pl.shares(p_cells pl.deal_cell[], p_outcome text) RETURNS SETOF pl.share
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT c.total, c.key, c.period,
         coalesce(sum(c.n) FILTER (WHERE c.class = 'on'), 0), coalesce(sum(c.n) FILTER (WHERE c.class = 'off'), 0),
         coalesce(sum(c.n) FILTER (WHERE c.class = 'unknown'), 0),
         coalesce(sum(c.priced) FILTER (WHERE c.class = 'on'), 0), coalesce(sum(c.priced) FILTER (WHERE c.class = 'off'), 0),
         coalesce(sum(c.priced) FILTER (WHERE c.class = 'unknown'), 0),
         coalesce(sum(c.money) FILTER (WHERE c.class = 'on'), 0), coalesce(sum(c.money) FILTER (WHERE c.class = 'off'), 0),
         coalesce(sum(c.money) FILTER (WHERE c.class = 'unknown'), 0),
         coalesce(sum(c.weighted) FILTER (WHERE c.class = 'on'), 0), coalesce(sum(c.weighted) FILTER (WHERE c.class = 'off'), 0),
         coalesce(sum(c.weighted) FILTER (WHERE c.class = 'unknown'), 0),
         max(c.largest) FILTER (WHERE c.class = 'on'), max(c.largest) FILTER (WHERE c.class = 'off'),
         sum(c.no_probability), sum(c.unpriced), sum(c.no_amount), sum(c.no_owner), sum(c.backcast)
  FROM (SELECT x.total, x.key, x.period, CASE WHEN x.outcome = p_outcome THEN x.class END AS class,
               x.n, x.priced, x.money, x.weighted, x.largest,
               CASE WHEN x.outcome = p_outcome THEN x.no_probability ELSE 0 END AS no_probability,
               CASE WHEN x.outcome = p_outcome THEN x.unpriced ELSE 0 END AS unpriced,
               CASE WHEN x.outcome = p_outcome THEN x.no_amount ELSE 0 END AS no_amount,
               CASE WHEN x.outcome = p_outcome THEN x.no_owner ELSE 0 END AS no_owner,
               CASE WHEN x.outcome = p_outcome THEN x.backcast ELSE 0 END AS backcast
        FROM unnest(p_cells) x) c
  GROUP BY c.total, c.key, c.period
$$;
COMMENT ON FUNCTION pl.shares IS 'cells of one outcome by class, one row a place of the answer, zeros where nothing happened';

CREATE FUNCTION pl.without_largest(s pl.share) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN s.priced_on + s.priced_off < 2 THEN NULL
              WHEN coalesce(s.largest_on >= s.largest_off, s.largest_off IS NULL)
              THEN pl.ratio(s.money_on - s.largest_on, s.money_on + s.money_off - s.largest_on)
              ELSE pl.ratio(s.money_on, s.money_on + s.money_off - s.largest_off) END
$$;
COMMENT ON FUNCTION pl.without_largest IS 'the share on strategy had the largest deal not been there (METRICS.md section 2, small samples)';

CREATE FUNCTION pl.share_parts(q pl.metric_query, s pl.share) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT json_build_object(
    'on', json_build_object('n', trim_scale(s.priced_on), 'amount', pl.money_text(s.money_on, q.currency)),
    'off', json_build_object('n', trim_scale(s.priced_off), 'amount', pl.money_text(s.money_off, q.currency)),
    'unknown', json_build_object('n', trim_scale(s.priced_unknown), 'amount', pl.money_text(s.money_unknown, q.currency)),
    'largest_deal_share', round(pl.ratio(greatest(s.largest_on, s.largest_off), s.money_on + s.money_off), 6),
    'without_largest', round(pl.without_largest(s), 6))
$$;
COMMENT ON FUNCTION pl.share_parts IS
  'money and priced deals by class (those without price are in excluded: on + off + unknown + unpriced + no_amount = population), and how much hangs on one deal';

CREATE FUNCTION pl.money_form(q pl.metric_query, p_on numeric, p_off numeric, p_n numeric) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT json_build_object('value', CASE WHEN p_on + p_off > 0 THEN round(pl.ratio(p_on, p_on + p_off), 6) END,
                           'numerator', pl.money_text(p_on, q.currency), 'denominator', pl.money_text(p_on + p_off, q.currency), 'n', trim_scale(p_n))
$$;
COMMENT ON FUNCTION pl.money_form IS 'a share of money as one of the forms of a metric';

CREATE FUNCTION pl.count_form(q pl.metric_query, p_k numeric, p_n numeric) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT json_build_object('value', round(pl.ratio(p_k, p_n), 6), 'numerator', trim_scale(p_k), 'denominator', trim_scale(p_n),
                           'n', trim_scale(p_n), 'ci', CASE WHEN q.credit <> 'split' THEN pl.written_ci(pl.wilson(p_k, p_n)) END)
$$;
COMMENT ON FUNCTION pl.count_form IS 'a share of counts with its Wilson interval as one of the forms of a metric';

CREATE FUNCTION pl.money_reason(p_denominator numeric, p_n numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_denominator > 0 THEN NULL WHEN p_n = 0 OR p_denominator = 0 THEN 'empty_denominator' ELSE 'nonpositive_denominator' END
$$;
COMMENT ON FUNCTION pl.money_reason IS 'why a share of money is null (METRICS.md R11, M05)';
