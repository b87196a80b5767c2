-- Evaluates $1 org_id if the last time is $2 seconds ago and nobody else is at it; a change is told when it has held for $3 evaluations in a row. Columns: done or
-- failed, alerts to ok, warn and fail, and why it failed. No row: there was nothing to do.
SELECT state, ok, warn, fail, said FROM pl.alert_evaluate($1::int, $2::int, $3::int);
