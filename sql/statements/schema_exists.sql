-- Whether plumbline migrate has ever run on this database.
SELECT to_regclass('public.schema_migration') IS NOT NULL;
