"""The rules that let the schema be sharded by org_id, held against the catalogue, and the script that does it.

Debian has no Citus: functions that note how they are called stand in for the extension. What they cannot show is said in docs/scale.md.
"""
import subprocess
import unittest

from harness import BINARY, ROOT
from harness.database import PSQL, Database

RULES = (ROOT / "sql/citus/rules.sql").read_text()
FAULTS = RULES + "\nSELECT object, fault FROM pg_temp.scale_faults();"

STAND_IN = """
CREATE SCHEMA cluster;
CREATE TABLE cluster.placed (number serial, table_name regclass PRIMARY KEY, distribution_column text, colocation_id int, shard_count int);
CREATE VIEW public.citus_tables AS SELECT table_name, distribution_column, colocation_id, shard_count FROM cluster.placed;
CREATE FUNCTION public.create_distributed_table(p_table regclass, p_column text, colocate_with text, shard_count int DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF colocate_with = 'none' THEN
    INSERT INTO cluster.placed (table_name, distribution_column, colocation_id, shard_count) VALUES (p_table, p_column, 1, shard_count);
  ELSE
    INSERT INTO cluster.placed (table_name, distribution_column, colocation_id, shard_count)
    SELECT p_table, p_column, o.colocation_id, o.shard_count FROM cluster.placed AS o WHERE o.table_name = colocate_with::regclass;
  END IF;
END $$;
CREATE TABLE cluster.function (name regprocedure PRIMARY KEY);
CREATE FUNCTION public.create_distributed_function(p_function regprocedure) RETURNS void
LANGUAGE sql AS 'INSERT INTO cluster.function VALUES (p_function) ON CONFLICT DO NOTHING';
"""


class Rules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database = Database(BINARY)
        cls.addClassCleanup(cls.database.drop)

    def faults(self, change):
        """What is found after a change, which is taken back."""
        return self.database.sql(f"BEGIN;\n{change};\n{FAULTS}\nROLLBACK;")

    def assert_found(self, change, name, words):
        found = self.faults(change)
        self.assertTrue(any(name in row[0] and words in row[1] for row in found), (change, found))

    def test_the_schema_keeps_them(self):
        self.assertEqual(self.database.sql(FAULTS), [])
        tables = self.database.sql(RULES + "\nSELECT t::text FROM pg_temp.sharded_tables() AS t;")
        self.assertIn(["event"], tables)
        self.assertIn(["alert_delivery"], tables)
        self.assertNotIn(["schema_migration"], tables)
        self.assertGreater(len(tables), 25)

    def test_a_new_table_that_breaks_one_is_found(self):
        self.assertEqual(self.faults("CREATE TABLE fine (org_id int, id text, PRIMARY KEY (org_id, id), "
                                     "FOREIGN KEY (org_id) REFERENCES org (org_id) ON DELETE CASCADE)"), [])
        for change, name, words in (
                ("CREATE TABLE loose (id int PRIMARY KEY)", "loose", "no column org_id"),
                ("CREATE TABLE loose (org_id bigint PRIMARY KEY)", "loose", "no column org_id"),
                ("CREATE TABLE loose (org_id int NOT NULL)", "loose", "no primary key"),
                ("CREATE TABLE loose (org_id int, id text, PRIMARY KEY (id, org_id))", "loose_pkey", "does not start with org_id"),
                ("CREATE UNIQUE INDEX slugs ON org (slug)", "slugs", "does not start with org_id"),
                ("CREATE UNIQUE INDEX slugs ON org (lower(slug), org_id)", "slugs", "does not start with org_id"),
                ("ALTER TABLE org ADD CONSTRAINT apart EXCLUDE USING btree (slug WITH =)", "apart", "does not start with org_id"),
                ("CREATE TABLE loose (org_id int PRIMARY KEY, other int REFERENCES org (org_id))", "loose_other_fkey", "from org_id to org_id"),
                ("CREATE TABLE loose (org_id int PRIMARY KEY, name text REFERENCES schema_migration (name))", "loose_name_fkey", "from org_id to org_id"),
                ("CREATE TABLE loose (org_id int PRIMARY KEY REFERENCES org (org_id) ON DELETE SET NULL)", "loose_org_id_fkey", "to null"),
                ("CREATE FUNCTION pg_temp.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'; "
                 "CREATE TRIGGER late BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION pg_temp.t()", "event", "trigger late"),
                ("CREATE TABLE loose (org_id int PRIMARY KEY, n serial)", "loose", "column n by a sequence"),
                ("CREATE TABLE loose (org_id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY)", "loose", "column n by a sequence"),
                ("CREATE FUNCTION pl.loose(p_org int) RETURNS SETOF text LANGUAGE sql AS 'SELECT label FROM api_key WHERE org_id = p_org'",
                 "pl.loose", "reads api_key"),
        ):
            with self.subTest(change=change):
                self.assert_found(change, name, words)


class Distribute(unittest.TestCase):
    def setUp(self):
        self.database = Database(BINARY)
        self.addCleanup(self.database.drop)
        self.database.sql(STAND_IN)

    def distribute(self, *options):
        return subprocess.run([PSQL, "-X", "-q", "-v", "ON_ERROR_STOP=1", *options, "-d", self.database.url, "-f", ROOT / "sql/citus/distribute.sql"],
                              capture_output=True, text=True, check=False)

    def placed(self):
        return self.database.sql("SELECT table_name, distribution_column, colocation_id, shard_count FROM cluster.placed ORDER BY number")

    def test_every_table_lies_beside_its_organisation(self):
        done = self.distribute("-v", "shards=32")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        placed = self.placed()
        self.assertEqual(placed[0][0], "org")
        self.assertEqual({tuple(row[1:]) for row in placed}, {("org_id", "1", "32")})
        wanted = self.database.sql("SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'")
        self.assertEqual({row[0] for row in placed}, {row[0] for row in wanted} - {"schema_migration"})
        functions = self.database.sql("SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace = 'pl'::regnamespace ORDER BY 1")
        self.assertGreater(len(functions), 300)
        self.assertEqual(self.database.sql("SELECT name FROM cluster.function ORDER BY 1"), functions)

    def test_again_after_a_migration(self):
        self.assertEqual(self.distribute().returncode, 0)
        before = self.placed()
        self.assertEqual(before[0][3], "64")
        self.database.sql("CREATE TABLE public.later (org_id int PRIMARY KEY)")
        done = self.distribute()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.placed(), [*before, ["later", "org_id", "1", "64"]])

    def test_a_broken_rule_stops_it(self):
        self.database.sql("CREATE TABLE public.loose (id int PRIMARY KEY)")
        done = self.distribute()
        self.assertEqual(done.returncode, 3)
        self.assertIn("the schema cannot be sharded:\nloose has no column org_id int NOT NULL", done.stderr)
        self.assertEqual(self.placed(), [])

    def test_tables_that_lie_elsewhere_are_named(self):
        self.assertEqual(self.distribute().returncode, 0)
        self.database.sql("UPDATE cluster.placed SET colocation_id = 2 WHERE table_name = 'job'::regclass")
        done = self.distribute()
        self.assertEqual(done.returncode, 3)
        self.assertIn("not beside table org: job", done.stderr)


if __name__ == "__main__":
    unittest.main()
