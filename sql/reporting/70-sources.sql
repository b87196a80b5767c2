-- Where data comes from, and what of it waits.

CREATE OR REPLACE VIEW reporting.sources WITH (security_barrier) AS
SELECT s.org_id, s.source::text AS source, s.preset, s.enabled AS is_enabled, s.last_delivery_at
  FROM reporting.organisations AS g
  JOIN public.source AS s ON s.org_id = g.org_id;
COMMENT ON VIEW reporting.sources IS 'Systems that deliver webhooks; never their secrets';
COMMENT ON COLUMN reporting.sources.org_id IS 'Organisation';
COMMENT ON COLUMN reporting.sources.source IS 'Its name';
COMMENT ON COLUMN reporting.sources.preset IS 'Mapping it is made of; null: one of its own';
COMMENT ON COLUMN reporting.sources.is_enabled IS 'False: switched off';
COMMENT ON COLUMN reporting.sources.last_delivery_at IS 'Last verified delivery, to within a minute';

CREATE OR REPLACE VIEW reporting.quarantine_counts WITH (security_barrier) AS
SELECT q.org_id, q.source::text AS source, q.reason, q.kind::text AS kind, q.status, count(*) AS items, sum(q.times)::bigint AS times,
       min(q.received_at) AS first_received_at, max(coalesce(q.last_received_at, q.received_at)) AS last_received_at
  FROM reporting.organisations AS g
  JOIN public.quarantine AS q ON q.org_id = g.org_id
 GROUP BY q.org_id, q.source, q.reason, q.kind, q.status;
COMMENT ON VIEW reporting.quarantine_counts IS 'What was set aside, counted; never what it held';
COMMENT ON COLUMN reporting.quarantine_counts.org_id IS 'Organisation';
COMMENT ON COLUMN reporting.quarantine_counts.source IS 'Source it came from';
COMMENT ON COLUMN reporting.quarantine_counts.reason IS 'Why, a code as in the API';
COMMENT ON COLUMN reporting.quarantine_counts.kind IS 'Kind of object; null: not known';
COMMENT ON COLUMN reporting.quarantine_counts.status IS 'open, replayed or discarded';
COMMENT ON COLUMN reporting.quarantine_counts.items IS 'Items';
COMMENT ON COLUMN reporting.quarantine_counts.times IS 'How often they came: the same again counts here only';
COMMENT ON COLUMN reporting.quarantine_counts.first_received_at IS 'When the first came';
COMMENT ON COLUMN reporting.quarantine_counts.last_received_at IS 'When the last came';
