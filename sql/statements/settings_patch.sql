-- PATCH /v1/settings: $1 org_id, $2 request with a checked patch. Columns: the settings after it, or the job that will bring them; and the
-- job's id, null when they hold already. Raises job_running.
SELECT answer, substring(answer::jsonb ->> 'id' FROM '^j[0-9]+$') FROM pl.settings_patch($1::int, $2::jsonb) AS answer;
