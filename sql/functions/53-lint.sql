-- Lint: what a strategy document says that the data cannot follow (SPEC 4). Warnings, never refusals.

CREATE FUNCTION pl.document_spans(p_org int, p_body jsonb)
RETURNS TABLE (account_id text, valid_from timestamptz, valid_to timestamptz, segment text, tier text, class text)
LANGUAGE plpgsql STABLE SET jit = off SET work_mem = '64MB' AS $$
#variable_conflict use_column
DECLARE
  v_names text[] := pl.rule_attributes(p_body);
  v_tiers jsonb := (SELECT jsonb_object_agg(t ->> 'key', t -> 'on_strategy') FROM jsonb_array_elements(p_body -> 'fit' -> 'tiers') AS t);
  v_overridden text[] := ARRAY(SELECT DISTINCT o.account_id FROM fit_override AS o WHERE o.org_id = p_org);
BEGIN
  RETURN QUERY
    WITH seen AS MATERIALIZED (
      SELECT v.account_id, v.valid_from, v.valid_to, pl.picked(v.attrs, v_names) AS attrs FROM account_version AS v WHERE v.org_id = p_org
    ), verdict AS MATERIALIZED (
      -- each set of values is judged once, however often it occurs
      SELECT x.attrs, f.segment, f.tier, f.class FROM (SELECT DISTINCT attrs FROM seen) AS x CROSS JOIN LATERAL pl.fit(p_body, x.attrs) AS f
    ), computed AS (
      SELECT s.account_id, s.valid_from, s.valid_to, v.segment, v.tier, v.class FROM seen AS s JOIN verdict AS v ON v.attrs = s.attrs
    )
    SELECT c.* FROM computed AS c WHERE c.account_id <> ALL (v_overridden)
    UNION ALL
    SELECT o.account_id::text, o.valid_from, o.valid_to, o.segment, o.tier, o.class
      FROM computed AS c
     CROSS JOIN LATERAL pl.overridden((p_org, '', c.account_id, c.valid_from, c.valid_to, c.segment, c.tier, c.class,
                                       NULL, NULL, NULL, NULL, NULL, false, '{}')::account_fit, v_tiers) AS o
     WHERE c.account_id = ANY (v_overridden);
END $$;
COMMENT ON FUNCTION pl.document_spans(int, jsonb) IS
  'Verdicts of a document, published or not, on all accounts over time, manual overrides included: what account_fit would say, without breakdown';

CREATE FUNCTION pl.accounts_placed(p_org int, p_at timestamptz) RETURNS TABLE (account_id text, owner text, team text, attrs jsonb)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT o.object_id, o.doc ->> 'owner', t.team_id, v.attrs
      FROM object AS o
      JOIN account_version AS v ON v.org_id = p_org AND v.account_id = o.object_id AND p_at >= v.valid_from AND p_at < v.valid_to
      LEFT JOIN rep_team AS t ON t.org_id = p_org AND t.rep_id = o.doc ->> 'owner' AND p_at >= t.valid_from AND p_at < t.valid_to
     WHERE o.org_id = p_org AND o.kind = 'account' AND o.deleted_at IS NULL AND o.merged_into IS NULL;
END $$;
COMMENT ON FUNCTION pl.accounts_placed(int, timestamptz) IS 'Live accounts with their owner of now, that rep''s team at an instant, and their attributes then';

CREATE FUNCTION pl.warning(p_code text, p_pointer text, p_message text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT jsonb_build_object('code', p_code, 'pointer', p_pointer, 'message', p_message) $$;

CREATE FUNCTION pl.strategy_lint(p_org int, p_body jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_teams text[] := pl.strategy_teams(p_body);
  v_covered text[] := CASE WHEN v_teams <> '{}' THEN pl.teams_under(p_org, v_teams) END;
  v_at timestamptz := clock_timestamp();
  v_accounts bigint;
  v_on bigint;
  v_segments text[];
  v_attrs text[];
  v_result jsonb := '[]';
BEGIN
  SELECT count(*), count(*) FILTER (WHERE f.class = 'on'), array_agg(DISTINCT f.segment) INTO v_accounts, v_on, v_segments
    FROM pl.accounts_placed(p_org, v_at) AS a
    JOIN pl.document_spans(p_org, p_body) AS f ON f.account_id = a.account_id AND v_at >= f.valid_from AND v_at < f.valid_to
   WHERE v_covered IS NULL OR a.team = ANY (v_covered);
  v_attrs := ARRAY(SELECT DISTINCT k FROM pl.accounts_placed(p_org, v_at) AS a CROSS JOIN LATERAL jsonb_object_keys(a.attrs) AS k
                    WHERE v_covered IS NULL OR a.team = ANY (v_covered));
  v_result := v_result || coalesce((
    SELECT jsonb_agg(pl.warning('unknown_team', '/scope/teams', format('No team "%s" is known.', t)) ORDER BY t)
      FROM unnest(pl.strategy_teams(p_body)) AS t
     WHERE NOT EXISTS (SELECT 1 FROM object AS o WHERE o.org_id = p_org AND o.kind = 'team' AND o.object_id = t)), '[]');
  IF v_accounts = 0 THEN
    RETURN v_result;
  END IF;
  IF v_on > 0.4 * v_accounts THEN
    v_result := v_result || pl.warning('icp_too_broad', '/fit/tiers',
      format('%s of %s accounts fall into on-strategy tiers; more than 40%% hardly chooses.', v_on, v_accounts));
  END IF;
  v_result := v_result || coalesce((
    SELECT jsonb_agg(pl.warning('unknown_attribute', '/fit', format('No account carries the attribute "%s"; the nearest known is "%s".',
                                                                    a, pl.nearest(a, v_attrs))) ORDER BY a)
      FROM unnest(pl.rule_attributes(p_body)) AS a WHERE a <> ALL (v_attrs)), '[]');
  RETURN v_result || coalesce((
    SELECT jsonb_agg(pl.warning('unreachable_segment', format('/segments/%s', n - 1),
                                format('No account falls into the segment "%s".', s ->> 'key')) ORDER BY n)
      FROM jsonb_array_elements(p_body -> 'segments') WITH ORDINALITY AS x(s, n)
     WHERE s ->> 'key' <> ALL (v_segments)), '[]');
END $$;
COMMENT ON FUNCTION pl.strategy_lint(int, jsonb) IS
  'Warnings about a document held against today''s accounts in its scope: icp_too_broad (over 40% on strategy), unknown_attribute, '
  'unreachable_segment, unknown_team; none of the first three while there are no accounts';
