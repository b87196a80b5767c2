-- Organisations that have a job to do, for the runner. Column: org_id.
SELECT o FROM pl.orgs_with_jobs() AS o ORDER BY o;
