-- The register of what was applied: not data of an organisation, but what this database is. Made by the first migrate.
CREATE TABLE IF NOT EXISTS public.schema_migration (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL);
