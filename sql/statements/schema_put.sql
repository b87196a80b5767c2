-- Notes that $1 name with $2 checksum is applied.
INSERT INTO public.schema_migration AS old (name, checksum, applied_at)
SELECT $1::text, $2::text, clock_timestamp()
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = excluded.applied_at;
