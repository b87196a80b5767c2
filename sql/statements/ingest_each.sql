-- As ingest, each event in a sub-transaction of its own: for a batch in which something raised, so that the one event
-- that cannot be stored is rejected and its neighbours are not harmed. Same parameters and columns as ingest.
SELECT idx, outcome, event_id, occurred_at, code, pointer, message, quarantined, data_version
  FROM pl.ingest_each($1::int, $2::text, $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], NULL, $11::text[]);
