-- What a metric sees (the resolved question, and facts summed to cells) and what it says (rows): the types all metrics share.

-- The dictionary. Each file of sql/metrics/ adds its own row; GET /v1/metrics reads it. It is code, replaced with the functions,
-- the same for every organisation.
CREATE TABLE pl.metric (
  key        text PRIMARY KEY,
  id         text NOT NULL UNIQUE,
  version    int  NOT NULL DEFAULT 1,
  name       text NOT NULL,
  formula    text NOT NULL,
  unit       text NOT NULL CHECK (unit IN ('fraction', 'money', 'hours', 'days', 'index', 'ratio', 'money_per_day', 'hours_per_win', 'count')),
  terms      text NOT NULL CHECK (terms IN ('money', 'count', 'hours', 'number')),
  basis      text NOT NULL,
  groupings  text[] NOT NULL,
  nulls      text NOT NULL,
  note       text,
  needs      text[] NOT NULL,
  core       int,
  drill      text,
  narrows    text[],
  overs      text[],
  adds       text
);
COMMENT ON TABLE pl.metric IS 'one row a metric: what it means, how it is computed, when it is null, by what it can be grouped';
COMMENT ON COLUMN pl.metric.terms IS 'what numerator and denominator are';
COMMENT ON COLUMN pl.metric.needs IS
  'the facts its function reads: closed, open, created, hours (summed to cells); segment, family, kind, cost: how finely the cells are split; '
  'weight, over, metric: what the parameter of that name asks for (pl.metric_needs)';
COMMENT ON COLUMN pl.metric.core IS 'place among the metrics of /v1/alignment; null: not among them';
COMMENT ON COLUMN pl.metric.drill IS
  'which rows stand behind the number (/v1/metrics/{key}/rows): those of function pl.drill_<drill>(pl.metric_query, pl.metric); null: none do';
COMMENT ON COLUMN pl.metric.narrows IS
  'filters its rows take beside rep, team and its groupings; null: segment, tier, product and origin when they are closed, open or created deals, else none';
COMMENT ON COLUMN pl.metric.overs IS 'what over= may be, its default first; null: the metric does not ask';
COMMENT ON COLUMN pl.metric.adds IS 'how the rows behind the number make it; null: their numerators and denominators add up to its own';

CREATE TYPE pl.metric_query AS (
  org            int,
  grouped_by     text,
  zone           text,
  period         text,
  first_on       date,
  end_on         date,
  start_at       timestamptz,
  end_at         timestamptz,
  compare        pl.period,
  granularity    text,
  subs           pl.sub_period[],
  bounds         timestamptz[],
  as_of          timestamptz,
  known_at       timestamptz,
  as_of_shown    timestamptz,
  known_shown    timestamptz,
  upto           timestamptz,
  stock_at       timestamptz,
  stands         boolean,
  reporting      text,
  currency       text,
  credit         text,
  fit_basis      text,
  basis          text,
  plain          boolean,
  reps           text[],
  teams          text[],
  team           text,
  segment        text,
  product        text,
  tier           text,
  origin         text,
  filters        jsonb,
  min_n          int,
  unknown_limit  numeric,
  include_unspecified boolean,
  exclude_nonpositive boolean,
  include_low_n  boolean,
  over           text,
  weight         text,
  rank           text,
  window_days    int,
  window_given   int,
  metric         text,
  rolling        int,
  created_amount text,
  decided        text,
  due            text,
  prorate        boolean,
  not_real       text[],
  min_stage      text,
  min_activities int,
  grace_days     int,
  revenue_basis  text,
  include_imported boolean,
  with_segment   boolean,
  with_family    boolean,
  with_kind      boolean,
  with_cost      boolean,
  strategy       text,
  body           jsonb,
  strategies     text[],
  backdated      boolean,
  groups         text[],
  quarantined    bigint,
  data_version   bigint,
  errors         jsonb,
  page_after     text[],
  page_limit     int
);
COMMENT ON TYPE pl.metric_query IS
  'A question, resolved. as_of, known_at: null = everything known now. bounds: starts of the sub-periods when a granularity splits the rows, '
  'else null. compare: the other period, if one is asked for. upto: the last instant the answer knows of. stock_at: the instant at which stocks (open deals, clients) are taken (both inclusive). stands: as_of is a snapshot''s moment, and stocks are taken as without it. reps, teams: whose rows are in, null = all; team: the one asked about (teams: with those below it). basis: the '
  'strategy that rows are judged by instead of the one in force then. plain: the fact tables answer as they are. strategy, body: the one whose '
  'targets, labels and thresholds hold. errors: problems found so far, while it is being resolved. groups: keys that get a row even when nothing happened. window_given: window_days when the question names it, else null. '
  'min_activities, grace_days: what covers a target account, and how long after it changed hands it is not asked for (METRICS.md M16)';

-- Deals of one group, sub-period, outcome and class, summed. total: a part of the whole instead of a group.
CREATE TYPE pl.deal_cell AS (
  total          boolean,
  key            text,
  period         int,
  outcome        text,
  class          text,
  segment        text,
  family         text,
  n              numeric,
  priced         numeric,
  money          numeric,
  family_money   numeric,
  largest        numeric,
  weighted       numeric,
  no_probability numeric,
  unpriced       numeric,
  no_amount      numeric,
  no_owner       numeric,
  backcast       numeric
);
COMMENT ON TYPE pl.deal_cell IS
  'n, money …: each deal once, in the cell of its first product family. family_money: the money by family (METRICS.md R7). '
  'priced: deals with money; without: unpriced (no rate) or no_amount. weighted: money times probability. Not rounded';

CREATE TYPE pl.hour_cell AS (
  total          boolean,
  key            text,
  period         int,
  class          text,
  segment        text,
  kind           text,
  linked         boolean,
  n              numeric,
  hours          numeric,
  estimated      numeric,
  cost           numeric,
  no_cost_hours  numeric,
  no_rep         numeric,
  backcast       numeric
);
COMMENT ON TYPE pl.hour_cell IS
  'Counted activities summed (METRICS.md R9). linked: to an account; hours not linked are reported, never classed. n: activities, divided '
  'like their hours when one touches several accounts. cost: hours times the rep''s cost rate; no_cost_hours: hours without a rate';

CREATE TYPE pl.facts AS (closed pl.deal_cell[], open pl.deal_cell[], created pl.deal_cell[], hours pl.hour_cell[]);
COMMENT ON TYPE pl.facts IS 'the facts one question needs, read once and shared by all its metrics';

CREATE TYPE pl.metric_row AS (
  total       boolean,
  key         text,
  period      int,
  value       numeric,
  numerator   numeric,
  denominator numeric,
  n           numeric,
  ci          numeric[],
  reason      text,
  excluded    json,
  quality     json,
  forms       json,
  parts       json
);
COMMENT ON TYPE pl.metric_row IS
  'What a metric says of a group (or of the total). reason: why value is null, or what to know about it. Not rounded but inside json';
