-- What keeps a table or function of the schema from being sharded by org_id, read from the catalogue: no row, nothing does.
-- psql -f, then: SELECT * FROM pg_temp.scale_faults(). The tests hold every new migration to it, cluster or not.

-- Tables that belong to no organisation: they stay on the coordinator, and no statement joins them with others.
CREATE FUNCTION pg_temp.sharded_tables() RETURNS SETOF regclass
LANGUAGE sql STABLE AS $$
  SELECT c.oid::regclass
    FROM pg_class AS c
   WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'schema_migration'
$$;

CREATE FUNCTION pg_temp.org_column(p_table regclass) RETURNS smallint
LANGUAGE sql STABLE AS $$
  SELECT a.attnum FROM pg_attribute AS a
   WHERE a.attrelid = p_table AND a.attname = 'org_id' AND a.attnotnull AND a.atttypid = 'int'::regtype
$$;

CREATE FUNCTION pg_temp.scale_faults() RETURNS TABLE (object text, fault text)
LANGUAGE sql STABLE AS $$
  SELECT t::text, 'has no column org_id int NOT NULL' FROM pg_temp.sharded_tables() AS t WHERE pg_temp.org_column(t) IS NULL
  UNION ALL
  SELECT t::text, 'has no primary key' FROM pg_temp.sharded_tables() AS t
   WHERE NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = t AND i.indisprimary)
  UNION ALL
  SELECT i.indexrelid::regclass::text, 'is unique or excludes, and does not start with org_id'
    FROM pg_temp.sharded_tables() AS t
    JOIN pg_index AS i ON i.indrelid = t AND (i.indisunique OR i.indisexclusion)
   WHERE i.indkey[0] IS DISTINCT FROM pg_temp.org_column(t)
  UNION ALL
  -- Both sides in the same organisation: the place of org_id is the same, and nothing sets it to null.
  SELECT k.conname::text, 'is a foreign key that does not lead from org_id to org_id'
    FROM pg_constraint AS k
   WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
     AND array_position(k.conkey, pg_temp.org_column(k.conrelid)) IS DISTINCT FROM
         coalesce(array_position(k.confkey, pg_temp.org_column(k.confrelid)), -1)
  UNION ALL
  SELECT k.conname::text, 'is a foreign key that sets columns to null or to their default'
    FROM pg_constraint AS k
   WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
     AND (k.confdeltype IN ('n', 'd') OR k.confupdtype IN ('n', 'd'))
  UNION ALL
  SELECT t::text, 'has trigger ' || g.tgname
    FROM pg_temp.sharded_tables() AS t JOIN pg_trigger AS g ON g.tgrelid = t AND NOT g.tgisinternal
  UNION ALL
  -- Values that a worker makes start elsewhere.
  SELECT t::text, 'numbers column ' || a.attname || ' by a sequence'
    FROM pg_temp.sharded_tables() AS t
    JOIN pg_attribute AS a ON a.attrelid = t AND NOT a.attisdropped
    LEFT JOIN pg_attrdef AS d ON d.adrelid = t AND d.adnum = a.attnum
   WHERE a.attidentity <> '' OR pg_get_expr(d.adbin, t) LIKE '%nextval(%'
  UNION ALL
  SELECT p.oid::regprocedure::text, 'returns sets, is in language SQL with parameters, and reads ' || t::text
    FROM pg_proc AS p
    JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'sql'
    JOIN pg_temp.sharded_tables() AS t ON p.prosrc ~* ('\m(from|join|update|into)\s+(only\s+)?(public\.)?' || t::text || '\M')
   WHERE p.pronamespace = 'pl'::regnamespace AND p.proretset AND p.pronargs > 0
  ORDER BY 1, 2
$$;
