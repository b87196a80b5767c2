-- Derives every row of state and of the projections of $1 org_id anew from its log. Columns: objects, events, and states that were not what the log says.
SELECT objects, events, changed FROM pl.rebuild($1::int);
