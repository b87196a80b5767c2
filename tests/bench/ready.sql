-- What one PUT of a deal leaves behind, ready-made, in one statement: the event, the state, the fact, the open span. Nothing is read, checked, folded or judged.
\set id random(1, :ids)
\set amount random(1, 9000000)
\set days random(1, 300)
WITH logged AS (
  INSERT INTO floor.event (org_id, source, event_id, seq, kind, object_id, occurred_at, received_at, operation, is_full, patch)
  SELECT 1, 'bench', gen_random_uuid()::text, 0, 'opportunity', o.object_id, now(), now(), 'patch', true, o.doc
  FROM floor.object AS o
  WHERE o.org_id = 1 AND o.kind = 'opportunity' AND o.object_id = 'd' || :id
), state AS (
  UPDATE floor.object AS o
     SET doc = o.doc || jsonb_build_object('amount', (:amount)::int::text), last_at = now(), last_received = now()
   WHERE o.org_id = 1 AND o.kind = 'opportunity' AND o.object_id = 'd' || :id
), fact AS (
  UPDATE floor.deal_fact_of AS f
     SET amount = (:amount)::int, created_at = now() - make_interval(days => :days)
   WHERE f.org_id = 1 AND f.deal_id = 'd' || :id
)
UPDATE floor.open_span AS s
   SET amount = (:amount)::int
 WHERE s.org_id = 1 AND s.deal_id = 'd' || :id;
