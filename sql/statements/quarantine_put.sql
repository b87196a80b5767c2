-- Puts items of a delivery into quarantine. $1 org_id, $2 source, then parallel text arrays, an element an item: $3 reason,
-- $4 pointer, $5 message, $6 kind (null: unknown), $7 object id, $8 event id, $9 occurred_at, $10 what came, $11 text or base64,
-- $12 headers as JSON (null: none). A row an item, in their order: its place and the quarantine row it lies in.
SELECT idx, quarantine_id
  FROM pl.quarantine_put($1::int, $2::text, $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                         $11::text[], $12::text[]);
