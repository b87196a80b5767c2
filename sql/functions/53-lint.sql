-- Lint: what a strategy document says that the data cannot follow (SPEC 4). Warnings, never refusals.

CREATE FUNCTION pl.account_previews(p_org int, p_body jsonb)
RETURNS TABLE (account_id text, segment text, tier text, class text, attrs jsonb,
               was_strategy text, was_segment text, was_tier text, was_class text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  v_teams text[] := pl.strategy_teams(p_body);
  v_covered text[] := CASE WHEN v_teams <> '{}' THEN pl.teams_under(p_org, v_teams) END;
BEGIN
  RETURN QUERY
    SELECT a.account_id, f.segment, f.tier, f.class, a.attrs, a.strategy, a.segment, a.tier, a.class
      FROM pl.accounts_judged(p_org, NULL, NULL) AS a
     CROSS JOIN LATERAL pl.fit(p_body, a.attrs) AS f
     WHERE v_covered IS NULL OR a.team = ANY (v_covered);
END $$;
COMMENT ON FUNCTION pl.account_previews(int, jsonb) IS
  'Live accounts in the scope of a document, judged by it and, beside that, by the strategy in force now';

CREATE FUNCTION pl.warning(p_code text, p_pointer text, p_message text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT jsonb_build_object('code', p_code, 'pointer', p_pointer, 'message', p_message) $$;

CREATE FUNCTION pl.strategy_lint(p_org int, p_body jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_accounts bigint;
  v_on bigint;
  v_segments text[];
  v_attrs text[];
  v_result jsonb := '[]';
BEGIN
  SELECT count(*), count(*) FILTER (WHERE p.class = 'on'), array_agg(DISTINCT p.segment),
         ARRAY(SELECT DISTINCT k FROM pl.account_previews(p_org, p_body) AS q CROSS JOIN LATERAL jsonb_object_keys(q.attrs) AS k)
    INTO v_accounts, v_on, v_segments, v_attrs
    FROM pl.account_previews(p_org, p_body) AS p;
  v_result := v_result || coalesce((
    SELECT jsonb_agg(pl.warning('unknown_team', '/scope/teams', format('No team "%s" is known.', t)) ORDER BY t)
      FROM unnest(pl.strategy_teams(p_body)) AS t
     WHERE NOT EXISTS (SELECT 1 FROM object AS o WHERE o.org_id = p_org AND o.kind = 'team' AND o.object_id = t)), '[]');
  IF v_accounts = 0 THEN
    RETURN v_result;
  END IF;
  IF v_on > 0.4 * v_accounts THEN
    v_result := v_result || pl.warning('icp_too_broad', '/fit/tiers',
      format('%s of %s accounts fall into on-strategy tiers; more than 40 %% hardly chooses.', v_on, v_accounts));
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
  'Warnings about a document held against today''s accounts in its scope: icp_too_broad (over 40 % on strategy), unknown_attribute, '
  'unreachable_segment, unknown_team; none of the first three while there are no accounts';

CREATE FUNCTION pl.moves(p_from text[], p_to text[], p_accounts text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('from', m.was, 'to', m.now, 'n', m.n, 'sample', to_jsonb(m.ids[1:10])) ORDER BY m.n DESC, m.was, m.now), '[]')
      FROM (SELECT t.was, t.now, count(*) AS n, array_agg(t.id ORDER BY t.id COLLATE "C") AS ids
              FROM unnest(p_from, p_to, p_accounts) AS t(was, now, id)
             WHERE t.was <> t.now
             GROUP BY t.was, t.now) AS m);
END $$;
COMMENT ON FUNCTION pl.moves(text[], text[], text[]) IS 'Moves from → to with their number and up to ten ids each, largest first';

CREATE FUNCTION pl.strategy_preview(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_strategy strategy := pl.strategy_find(p_org, p_request #>> '{path,0}', false);
  v_result jsonb;
BEGIN
  SELECT jsonb_build_object(
           'id', v_strategy.strategy_id, 'status', v_strategy.status,
           'against', coalesce(to_jsonb(array_agg(DISTINCT p.was_strategy) FILTER (WHERE p.was_strategy IS NOT NULL)), '[]'),
           'accounts', count(*),
           'classes', jsonb_build_object('on', count(*) FILTER (WHERE p.class = 'on'), 'off', count(*) FILTER (WHERE p.class = 'off'),
                                         'unknown', count(*) FILTER (WHERE p.class = 'unknown')),
           'tiers', pl.moves(array_agg(p.was_tier), array_agg(p.tier), array_agg(p.account_id)),
           'segments', pl.moves(array_agg(p.was_segment), array_agg(p.segment), array_agg(p.account_id)),
           'warnings', pl.strategy_lint(p_org, v_strategy.body))
    INTO v_result
    FROM pl.account_previews(p_org, v_strategy.body) AS p;
  RETURN v_result::text;
END $$;
COMMENT ON FUNCTION pl.strategy_preview(int, jsonb) IS
  'POST /v1/strategies/{id}/preview: which accounts would move between tiers and segments, and the lint; writes nothing';
