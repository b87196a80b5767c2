-- Accounts and how well they fit.

CREATE OR REPLACE VIEW reporting.account_fits WITH (security_barrier) AS
SELECT f.org_id, f.account_id::text AS account_id, f.strategy_id::text AS strategy_id, f.segment, f.tier, f.class, f.reason, f.score, f.coverage,
       CASE WHEN isfinite(f.valid_from) THEN f.valid_from END AS valid_from, CASE WHEN isfinite(f.valid_to) THEN f.valid_to END AS valid_to,
       f.valid_from <= now() AND f.valid_to > now() AS is_current
  FROM reporting.organisations AS g
  JOIN public.strategy AS s ON s.org_id = g.org_id AND s.status = 'published'
  JOIN public.account_fit AS f ON f.org_id = s.org_id AND f.strategy_id = s.strategy_id;
COMMENT ON VIEW reporting.account_fits IS 'Every account judged by every published strategy over time, overrides included';
COMMENT ON COLUMN reporting.account_fits.org_id IS 'Organisation';
COMMENT ON COLUMN reporting.account_fits.account_id IS 'Account';
COMMENT ON COLUMN reporting.account_fits.strategy_id IS 'Strategy that judges';
COMMENT ON COLUMN reporting.account_fits.segment IS 'Segment of the strategy; other, or unknown';
COMMENT ON COLUMN reporting.account_fits.tier IS 'Tier of the strategy; excluded, or unknown';
COMMENT ON COLUMN reporting.account_fits.class IS 'on, off or unknown';
COMMENT ON COLUMN reporting.account_fits.reason IS 'Why it is unknown or excluded, or override; null otherwise';
COMMENT ON COLUMN reporting.account_fits.score IS 'Score, 0 to 100; null: not enough is known';
COMMENT ON COLUMN reporting.account_fits.coverage IS 'Share of the criteria whose attribute is known, 0 to 1';
COMMENT ON COLUMN reporting.account_fits.valid_from IS 'First instant; null: always before';
COMMENT ON COLUMN reporting.account_fits.valid_to IS 'First instant after; null: still';
COMMENT ON COLUMN reporting.account_fits.is_current IS 'True: holds now';

CREATE OR REPLACE VIEW reporting.accounts WITH (security_barrier) AS
SELECT a.org_id, a.object_id::text AS account_id, a.doc ->> 'name' AS name, a.doc ->> 'status' AS status,
       CASE WHEN g.shows_reps THEN a.doc ->> 'owner' END AS owner_rep_id, (a.doc ->> 'is_target')::boolean AS is_target,
       a.doc ->> 'parent' AS parent_account_id, s.strategy_id, f.segment, f.tier, f.class, f.reason, f.score
  FROM reporting.organisations AS g
  JOIN public.object AS a ON a.org_id = g.org_id AND a.kind = 'account' AND a.deleted_at IS NULL AND a.merged_into IS NULL
  LEFT JOIN reporting.strategies AS s ON s.org_id = a.org_id AND s.is_in_force_for_all
  LEFT JOIN public.account_fit AS f ON f.org_id = a.org_id AND f.strategy_id = s.strategy_id AND f.account_id = a.object_id
                                   AND f.valid_from <= now() AND f.valid_to > now();
COMMENT ON VIEW reporting.accounts IS 'Accounts as they are now, judged by the strategy that holds for everybody (account_fits has the others)';
COMMENT ON COLUMN reporting.accounts.org_id IS 'Organisation';
COMMENT ON COLUMN reporting.accounts.account_id IS 'Id of the account in its source';
COMMENT ON COLUMN reporting.accounts.name IS 'What it is called';
COMMENT ON COLUMN reporting.accounts.status IS 'As the source words it: prospect, customer, …';
COMMENT ON COLUMN reporting.accounts.owner_rep_id IS 'Owner; null where rep_metrics=off';
COMMENT ON COLUMN reporting.accounts.is_target IS 'Named as a target account';
COMMENT ON COLUMN reporting.accounts.parent_account_id IS 'The account it belongs to';
COMMENT ON COLUMN reporting.accounts.strategy_id IS 'Strategy that judges; null: none is in force';
COMMENT ON COLUMN reporting.accounts.segment IS 'Segment of the strategy; other, or unknown';
COMMENT ON COLUMN reporting.accounts.tier IS 'Tier of the strategy; excluded, or unknown';
COMMENT ON COLUMN reporting.accounts.class IS 'on, off or unknown';
COMMENT ON COLUMN reporting.accounts.reason IS 'Why it is unknown or excluded, or override; null otherwise';
COMMENT ON COLUMN reporting.accounts.score IS 'Score, 0 to 100; null: not enough is known';
