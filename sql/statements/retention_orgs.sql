-- Organisations whose log is longer than they keep it, for the runner. Column: org_id.
SELECT o FROM pl.orgs_with_retention() AS o ORDER BY o;
