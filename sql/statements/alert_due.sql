-- Organisations whose last evaluation is $1 seconds ago. Column: org_id.
SELECT o FROM pl.alert_due($1::int) AS o;
