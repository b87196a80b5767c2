-- Distributes the schema by org_id over a Citus cluster: psql -v ON_ERROR_STOP=1 -v shards=64 -d URL -f sql/citus/distribute.sql, on
-- the coordinator, as the owner of the tables, with no instance running. Again after every plumbline migrate: what is distributed stays,
-- what is new joins it. Nothing happens when a rule of rules.sql is broken.
\if :{?shards}
\else
  \set shards 64
\endif
\ir rules.sql
BEGIN;
SELECT set_config('plumbline.shards', :'shards', true);
-- Several tables are distributed in one transaction, and the later ones refer to types the first brought along: one connection a worker.
SET LOCAL citus.multi_shard_modify_mode = 'sequential';

DO $$
DECLARE
  v_faults text := (SELECT string_agg(f.object || ' ' || f.fault, E'\n') FROM pg_temp.scale_faults() AS f);
  v_table regclass;
BEGIN
  IF v_faults IS NOT NULL THEN
    RAISE EXCEPTION E'the schema cannot be sharded:\n%', v_faults;
  END IF;
  -- org first: every other table lies where its organisation does.
  FOR v_table IN
    SELECT t FROM pg_temp.sharded_tables() AS t
     WHERE t NOT IN (SELECT c.table_name FROM citus_tables AS c)
     ORDER BY t <> 'public.org'::regclass, t::text
  LOOP
    IF v_table = 'public.org'::regclass THEN
      PERFORM create_distributed_table(v_table, 'org_id', colocate_with => 'none', shard_count => current_setting('plumbline.shards')::int);
    ELSE
      PERFORM create_distributed_table(v_table, 'org_id', colocate_with => 'public.org');
    END IF;
  END LOOP;
END $$;

-- Functions stand in what is asked of the shards, so workers need them; they came before or with the tables whose rows they take.
SELECT create_distributed_function(p.oid::regprocedure) FROM pg_proc AS p WHERE p.pronamespace = 'pl'::regnamespace ORDER BY p.oid \g /dev/null

-- All in one group, or joins would cross the network.
DO $$
DECLARE
  v_apart text := (SELECT string_agg(c.table_name::text, ', ') FROM citus_tables AS c
                    WHERE c.table_name IN (SELECT pg_temp.sharded_tables())
                      AND c.colocation_id <> (SELECT o.colocation_id FROM citus_tables AS o WHERE o.table_name = 'public.org'::regclass));
BEGIN
  IF v_apart IS NOT NULL THEN
    RAISE EXCEPTION 'not beside table org: %', v_apart;
  END IF;
END $$;
COMMIT;
