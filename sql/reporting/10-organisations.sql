-- Schema reporting: read-only views for Metabase, Power BI, Grafana and whoever speaks SQL. Their names and columns are a promise: columns
-- are only ever added, at the end. They are replaced with every release and stand on tables alone, so that grants on them survive.
--
-- Facts and simple sums only; every formula (rates, indexes, intervals, small numbers) stands in sql/metrics. Each view shows the rows of
-- the organisations its reader may see (reporting_reader), of the current epoch, and no rep where the organisation says rep_metrics=off.

CREATE SCHEMA IF NOT EXISTS reporting;
COMMENT ON SCHEMA reporting IS 'Read-only views for reports: docs/reporting.md';

CREATE OR REPLACE VIEW reporting.organisations WITH (security_barrier) AS
SELECT o.org_id, o.slug, o.name, coalesce(o.reporting_currency, v.first_currency) AS currency, o.time_zone, o.fiscal_year_start,
       o.rep_metrics = 'on' AS shows_reps, v.data_version, v.config_version
  FROM public.reporting_reader AS r
  JOIN public.org AS o ON o.org_id = r.org_id
  JOIN public.org_version AS v ON v.org_id = o.org_id
 WHERE r.role_name = session_user;
COMMENT ON VIEW reporting.organisations IS 'Organisations that the role may read';
COMMENT ON COLUMN reporting.organisations.org_id IS 'Number of the organisation; every view has it';
COMMENT ON COLUMN reporting.organisations.slug IS 'Its short name, as in --org';
COMMENT ON COLUMN reporting.organisations.name IS 'What it is called';
COMMENT ON COLUMN reporting.organisations.currency IS 'Reporting currency, ISO 4217: that of every column called money';
COMMENT ON COLUMN reporting.organisations.time_zone IS 'IANA time zone that days and months are of';
COMMENT ON COLUMN reporting.organisations.fiscal_year_start IS 'First month of the fiscal year, 1 to 12';
COMMENT ON COLUMN reporting.organisations.shows_reps IS 'False (rep_metrics=off): no view names a rep of this organisation';
COMMENT ON COLUMN reporting.organisations.data_version IS 'Grows with every accepted event; the data_version of the API';
COMMENT ON COLUMN reporting.organisations.config_version IS 'Grows with every change of strategy, settings or overrides';

CREATE OR REPLACE VIEW reporting.teams WITH (security_barrier) AS
SELECT t.org_id, t.object_id::text AS team_id, t.doc ->> 'name' AS name, t.doc ->> 'parent' AS parent_team_id
  FROM reporting.organisations AS g
  JOIN public.object AS t ON t.org_id = g.org_id AND t.kind = 'team' AND t.deleted_at IS NULL AND t.merged_into IS NULL;
COMMENT ON VIEW reporting.teams IS 'Teams as they are now';
COMMENT ON COLUMN reporting.teams.org_id IS 'Organisation';
COMMENT ON COLUMN reporting.teams.team_id IS 'Id of the team in its source';
COMMENT ON COLUMN reporting.teams.name IS 'What it is called';
COMMENT ON COLUMN reporting.teams.parent_team_id IS 'The team above it; null at the top';

CREATE OR REPLACE VIEW reporting.reps WITH (security_barrier) AS
SELECT r.org_id, r.object_id::text AS rep_id, r.doc ->> 'name' AS name, r.doc ->> 'team' AS team_id, r.doc ->> 'active_from' AS active_from,
       r.doc ->> 'active_to' AS active_to
  FROM reporting.organisations AS g
  JOIN public.object AS r ON r.org_id = g.org_id AND r.kind = 'rep' AND r.deleted_at IS NULL AND r.merged_into IS NULL
 WHERE g.shows_reps;
COMMENT ON VIEW reporting.reps IS 'Reps as they are now, without their addresses; none where rep_metrics=off';
COMMENT ON COLUMN reporting.reps.org_id IS 'Organisation';
COMMENT ON COLUMN reporting.reps.rep_id IS 'Id of the rep in its source';
COMMENT ON COLUMN reporting.reps.name IS 'Name; of an erased person a mark such as (erased 3)';
COMMENT ON COLUMN reporting.reps.team_id IS 'Team of now';
COMMENT ON COLUMN reporting.reps.active_from IS 'First day at work, as the source gave it';
COMMENT ON COLUMN reporting.reps.active_to IS 'Last day at work, as the source gave it';

CREATE OR REPLACE VIEW reporting.rep_teams WITH (security_barrier) AS
SELECT t.org_id, t.rep_id::text AS rep_id, t.team_id::text AS team_id, CASE WHEN isfinite(t.valid_from) THEN t.valid_from END AS valid_from,
       CASE WHEN isfinite(t.valid_to) THEN t.valid_to END AS valid_to, t.backcast AS is_backcast
  FROM reporting.organisations AS g
  JOIN public.rep_team AS t ON t.org_id = g.org_id
 WHERE g.shows_reps;
COMMENT ON VIEW reporting.rep_teams IS 'Who was in which team when; none where rep_metrics=off';
COMMENT ON COLUMN reporting.rep_teams.org_id IS 'Organisation';
COMMENT ON COLUMN reporting.rep_teams.rep_id IS 'Rep';
COMMENT ON COLUMN reporting.rep_teams.team_id IS 'Team; null: in none';
COMMENT ON COLUMN reporting.rep_teams.valid_from IS 'First instant; null: always before';
COMMENT ON COLUMN reporting.rep_teams.valid_to IS 'First instant after; null: still';
COMMENT ON COLUMN reporting.rep_teams.is_backcast IS 'True: the first team known, taken to hold before it was known';
