-- Statistics (METRICS.md section 2) as pure functions over numeric: exact to the digits PostgreSQL's numeric keeps.
-- No answer is ever rounded here; that happens once, when it is written out.

CREATE FUNCTION pl.ratio(p_numerator numeric, p_denominator numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_denominator <> 0 THEN p_numerator::numeric(1000, 30) / p_denominator END
$$;
COMMENT ON FUNCTION pl.ratio IS 'quotient with at least 30 decimals; null when the denominator is 0 or null (METRICS.md R11)';

CREATE FUNCTION pl.z95() RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 1.959963984540054 $$;
COMMENT ON FUNCTION pl.z95 IS 'two-sided 95% quantile of the normal distribution (METRICS.md writes it rounded, 1.959964)';

CREATE FUNCTION pl.wilson(p_k numeric, p_n numeric) RETURNS numeric[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  z numeric := pl.z95();
  p numeric;
  v_middle numeric;
  v_half numeric;
BEGIN
  IF p_k IS NULL OR p_n IS NULL OR p_n <= 0 OR p_k < 0 OR p_k > p_n THEN
    RETURN NULL;
  END IF;
  p := pl.ratio(p_k, p_n);
  v_middle := p + z * z / (2 * p_n);
  v_half := z * sqrt(p * (1 - p) / p_n + z * z / (4 * p_n * p_n));
  -- The bounds are exactly 0 and 1 at the ends; rounding noise of the square root must not say otherwise.
  RETURN ARRAY[CASE WHEN p_k = 0 THEN 0 ELSE (v_middle - v_half) / (1 + z * z / p_n) END,
               CASE WHEN p_k = p_n THEN 1 ELSE (v_middle + v_half) / (1 + z * z / p_n) END];
END
$$;
COMMENT ON FUNCTION pl.wilson IS 'Wilson 95% interval [low, high] of the rate k/n; null when n is 0 (METRICS.md T2)';

CREATE FUNCTION pl.newcombe(p_k1 numeric, p_n1 numeric, p_k2 numeric, p_n2 numeric) RETURNS numeric[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN
    ARRAY[p1 - p2 - sqrt((p1 - a[1]) ^ 2 + (b[2] - p2) ^ 2), p1 - p2 + sqrt((a[2] - p1) ^ 2 + (p2 - b[1]) ^ 2)] END
  FROM (SELECT pl.wilson(p_k1, p_n1) AS a, pl.wilson(p_k2, p_n2) AS b,
               pl.ratio(p_k1, p_n1) AS p1, pl.ratio(p_k2, p_n2) AS p2) x
$$;
COMMENT ON FUNCTION pl.newcombe IS 'Newcombe 95% interval of the difference of two rates k1/n1 - k2/n2, from their Wilson intervals (METRICS.md T3)';

CREATE FUNCTION pl.katz(p_k1 numeric, p_n1 numeric, p_k2 numeric, p_n2 numeric) RETURNS numeric[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  h numeric := CASE WHEN 0 IN (p_k1, p_k2, p_n1 - p_k1, p_n2 - p_k2) THEN 0.5 ELSE 0 END;
  a numeric := p_k1 + h;
  m numeric := p_n1 + 2 * h;
  c numeric := p_k2 + h;
  n numeric := p_n2 + 2 * h;
  v_log numeric;
  v_half numeric;
BEGIN
  IF p_n1 IS NULL OR p_n2 IS NULL OR p_n1 <= 0 OR p_n2 <= 0 OR p_k1 + p_k2 = 0 THEN
    RETURN NULL;
  END IF;
  v_log := ln(pl.ratio(a, m) / pl.ratio(c, n));
  v_half := pl.z95() * sqrt(greatest(1 / a - 1 / m + 1 / c - 1 / n, 0));
  RETURN ARRAY[exp(v_log), exp(v_log - v_half), exp(v_log + v_half)];
END
$$;
COMMENT ON FUNCTION pl.katz IS
  '[ratio, low, high] of two rates, 95% log interval (Katz), half a case added to each cell when one is empty (METRICS.md T3); null without cases or wins';

CREATE FUNCTION pl.shrunk(p_k numeric, p_n numeric, p_prior numeric, p_strength numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT pl.ratio(p_k + p_strength * p_prior, p_n + p_strength)
$$;
COMMENT ON FUNCTION pl.shrunk IS 'empirical-Bayes rate: k of n pulled to the pooled rate p_prior with the weight of p_strength cases (METRICS.md T7)';

CREATE FUNCTION pl.shrinkage_strength(p_k numeric[], p_n numeric[]) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_groups numeric;
  v_total  numeric;
  v_square numeric;
  v_prior  numeric;
  v_spread numeric;
  v_rho    numeric;
BEGIN
  SELECT count(*), sum(n), sum(n * n), pl.ratio(sum(k), sum(n)) INTO v_groups, v_total, v_square, v_prior
  FROM unnest(p_k, p_n) AS g(k, n) WHERE n > 0;
  IF v_groups < 5 OR v_prior IS NULL OR v_prior IN (0, 1) THEN
    RETURN 10;
  END IF;
  SELECT sum(n * (pl.ratio(k, n) - v_prior) ^ 2) INTO v_spread FROM unnest(p_k, p_n) AS g(k, n) WHERE n > 0;
  v_rho := pl.ratio(v_spread - v_prior * (1 - v_prior) * (v_groups - 1),
                    v_prior * (1 - v_prior) * (v_total - v_square / v_total - (v_groups - 1)));
  IF v_rho IS NULL OR v_rho <= 0 THEN
    RETURN 200;
  END IF;
  RETURN least(greatest(1 / v_rho - 1, 2), 200);
END
$$;
COMMENT ON FUNCTION pl.shrinkage_strength IS
  'prior strength M by moments over the groups'' k and n, within [2, 200]; 10 with fewer than 5 groups or a pooled rate of 0 or 1 (METRICS.md section 2)';

CREATE FUNCTION pl.total_variation(p_target numeric[], p_actual numeric[]) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_sum numeric := 0;
BEGIN
  FOR i IN 1 .. cardinality(p_actual) LOOP
    v_sum := v_sum + abs(coalesce(p_target[i], 0) - coalesce(p_actual[i], 0));
  END LOOP;
  RETURN v_sum / 2;
END
$$;
COMMENT ON FUNCTION pl.total_variation IS
  'half the sum of the differences of two mixes over the same keys, each adding up to 1: the share that would have to move; null counts as 0 (METRICS.md T4)';

CREATE FUNCTION pl.jensen_shannon(p_target numeric[], p_actual numeric[]) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  -- Logarithms have no exact digits to lose, so they are taken in double precision.
  v_sum float8 := 0;
  p float8;
  a float8;
BEGIN
  FOR i IN 1 .. cardinality(p_actual) LOOP
    p := coalesce(p_target[i], 0);
    a := coalesce(p_actual[i], 0);
    v_sum := v_sum + CASE WHEN p > 0 THEN p * ln(2 * p / (p + a)) ELSE 0 END + CASE WHEN a > 0 THEN a * ln(2 * a / (p + a)) ELSE 0 END;
  END LOOP;
  RETURN greatest(v_sum / (2 * ln(2::float8)), 0);
END
$$;
COMMENT ON FUNCTION pl.jensen_shannon IS 'Jensen-Shannon divergence of two mixes, log2: 0 … 1, finite when a key is missing on one side (METRICS.md T4)';

CREATE FUNCTION pl.herfindahl(p_amounts numeric[]) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT sum(pl.ratio(a, t.total) ^ 2) FROM unnest(p_amounts) AS x(a), (SELECT sum(b) AS total FROM unnest(p_amounts) AS y(b)) t
$$;
COMMENT ON FUNCTION pl.herfindahl IS 'HHI = sum of squared shares, 1/n … 1; null without amounts. Effective number of keys = 1/HHI (METRICS.md T4)';

CREATE FUNCTION pl.kitagawa(p_share0 numeric[], p_share1 numeric[], p_rate0 numeric[], p_rate1 numeric[]) RETURNS numeric[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ARRAY[sum((s1 - s0) * (r0 + r1) / 2), sum((r1 - r0) * (s0 + s1) / 2)]
  FROM unnest(p_share0, p_share1, p_rate0, p_rate1) AS x(s0, s1, r0, r1)
$$;
COMMENT ON FUNCTION pl.kitagawa IS '[mix effect, rate effect] of the change of a pooled rate; their sum is the change exactly (METRICS.md T5)';
