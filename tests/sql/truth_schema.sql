-- The rules that let one schema run on a single PostgreSQL and, sharded by org_id, on a cluster.
BEGIN;
SELECT plan(7);

SELECT isnt_empty(
  $$SELECT 1 FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique$$,
  'there are unique indexes to look at');

SELECT is_empty(
  $$SELECT i.indexrelid::regclass FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
     WHERE c.relnamespace = 'public'::regnamespace AND (i.indisunique OR i.indisprimary)
       AND pg_get_indexdef(i.indexrelid, 1, true) <> 'org_id'
       AND c.relname <> 'schema_migration'$$,
  'every unique index starts with org_id');

SELECT is_empty(
  $$SELECT c.oid::regclass FROM pg_class AS c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'schema_migration'
       AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)$$,
  'every table has a primary key');

SELECT is_empty(
  $$SELECT c.oid::regclass FROM pg_class AS c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'schema_migration'
       AND NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'org_id' AND a.attnotnull)$$,
  'every table has org_id');

SELECT is_empty('SELECT tgname FROM pg_trigger WHERE NOT tgisinternal', 'there is no trigger');
SELECT is_empty($$SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace$$, 'there is no foreign key');

SELECT is_empty(
  $$SELECT p.oid::regprocedure FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
     WHERE p.pronamespace = 'pl'::regnamespace AND l.lanname = 'sql' AND p.proretset AND p.pronargs > 0
       AND p.prosrc ~* '\m(from|join)\s+(public\.)?(org|event|object|quarantine|fx_rate|rep_team|account_version|account_fit|deal_fact|activity_fact|strategy|api_key|audit)\M'$$,
  'no set-returning function in language SQL reads a table');

SELECT * FROM finish();
ROLLBACK;
