-- Deliveries of $1 org_id that wait, and that were given up. Columns: pending or dead, and how many.
SELECT state, deliveries FROM pl.delivery_counts($1::int);
