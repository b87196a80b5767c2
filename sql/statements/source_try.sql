-- Writes events one by one and tells what each changed, for a transaction that is rolled back. Parameters as those of ingest.
SELECT idx, outcome, event_id, occurred_at, code, pointer, message, changes
  FROM pl.source_try($1::int, $2::text, $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[]);
