-- A space after each colon of the JSON: pgbench takes :name for a variable, also inside a literal.
\set id random(1, :ids)
\set amount random(1, 9000000)
\set account :id % 100000
\set owner :id % 200
INSERT INTO object (org_id, kind, object_id, doc, first_at, last_at, last_seq, last_event, last_received)
VALUES (2, 'opportunity', 'd' || :id, ('{"name":"Renewal and extension of the care platform, site ' || :id || '","account":"a' || :account
  || '","owner":"r' || :owner || '","stage":"s1","amount":"' || :amount || '.00","currency":"EUR","created_at":"2026-03-14",'
  '"expected_close":"2026-12-21","probability": 0.5,"origin":"inbound","contacts_external": 3,"value_case": true,'
  '"lines": [{"id":"1","product":"p4","quantity": 3,"amount":"10.00"}],"attributes": {"region":"north","campaign":"autumn-3","competitor":"none known"}}')::jsonb,
  now(), now(), 0, '', now())
ON CONFLICT (org_id, kind, object_id) DO UPDATE SET doc = excluded.doc, last_at = excluded.last_at, last_received = excluded.last_received;
