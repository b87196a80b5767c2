-- What was applied to this database. Columns: name, checksum, when (UTC).
SELECT name, checksum, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM public.schema_migration ORDER BY name;
