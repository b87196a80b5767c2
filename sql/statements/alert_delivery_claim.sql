-- Leases deliveries of $1 org_id that are due: $2 at most, for $3 seconds. Columns: its number, which attempt it is, the endpoint, webhook-id, the body, and a JSON
-- list of what is stored of the endpoint: the address, then the secrets that hold, the newest first.
SELECT delivery_id, attempt, endpoint, message_id, body, secrets FROM pl.delivery_claim($1::int, $2::int, $3::int);
