-- Organisations with a delivery that is due, for the sender. Column: org_id.
SELECT o FROM pl.orgs_with_deliveries() AS o ORDER BY o;
