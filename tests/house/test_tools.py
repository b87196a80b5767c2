"""The tools of the repository: private PostgreSQL, sample generator, lint of SQL."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from harness import ROOT
from harness.database import rows


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)


class PrivatePostgreSQL(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="plumbline pg'"))  # a name that has to be quoted everywhere
        self.folder.chmod(0o711)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(run, ROOT / "tools" / "pg.sh", "destroy", self.folder / "pg")

    def start(self):
        done = run(ROOT / "tools" / "pg.sh", "start", self.folder / "pg", "--throw-away")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def postmaster(self, url):
        return int(rows(url, "SELECT pg_read_file('postmaster.pid')")[0][0].splitlines()[0])

    def test_starts_stops_and_keeps_data(self):
        url = self.start()
        rows(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        self.assertEqual(self.start(), url)
        self.assertEqual(rows(url, "SHOW listen_addresses"), [[""]])
        self.assertEqual(run(ROOT / "tools" / "pg.sh", "stop", self.folder / "pg").returncode, 0)
        with self.assertRaises(RuntimeError):
            rows(url, "SELECT 1")
        self.assertEqual(rows(self.start(), "SELECT answer FROM kept"), [["42"]])

    def test_starts_after_a_crash(self):
        url = self.start()
        os.kill(self.postmaster(url), signal.SIGKILL)
        time.sleep(0.3)
        self.assertEqual(rows(self.start(), "SELECT 1"), [["1"]])

    def test_starts_although_the_pid_file_names_another_program(self):
        url = self.start()
        pid_file = pathlib.Path(rows(url, "SHOW data_directory")[0][0]) / "postmaster.pid"
        content = rows(url, "SELECT pg_read_file('postmaster.pid')")[0][0]
        self.assertEqual(run(ROOT / "tools" / "pg.sh", "stop", self.folder / "pg").returncode, 0)
        owner = os.stat(pid_file.parent)
        pid_file.write_text(content.replace(content.splitlines()[0], str(os.getpid()), 1))
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        self.assertEqual(rows(self.start(), "SELECT 1"), [["1"]])

    def test_destroy_leaves_nothing(self):
        self.start()
        self.assertEqual(run(ROOT / "tools" / "pg.sh", "destroy", self.folder / "pg").returncode, 0)
        self.assertFalse((self.folder / "pg").exists())


class Sample(unittest.TestCase):
    def generate(self, *arguments):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="plumbline-sample-"))
        self.addCleanup(shutil.rmtree, folder)
        done = run("/usr/bin/python3", "-B", ROOT / "tools" / "sample" / "generate.py", folder, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    def test_same_day_and_seed_give_the_same_bytes(self):
        first = self.generate("--today", "2026-03-31")
        self.assertEqual(first, self.generate("--today", "2026-03-31"))
        self.assertNotEqual(first, self.generate("--today", "2026-03-31", "--seed", "8"))

    def test_nothing_lies_in_the_future_and_sizes_are_as_told(self):
        files = self.generate("--today", "2028-02-29")
        for name, content in files.items():
            for moment in re.findall(rb'"(?:occurred_at|starts_at|closed_at|created_at)":"([^"]+)"', content):
                self.assertLess(moment, b"2028-02-29T00:00:00Z", name)
        deals = set(re.findall(rb'"id":"(d\d+)"', files["7-opportunities.ndjson"]))
        self.assertEqual(len(deals), 2500)
        self.assertGreater(files["8-activities.ndjson"].count(b"\n"), 8000)


class LintSql(unittest.TestCase):
    """The checker finds what it is for, in a copy with a fault planted."""

    def check(self, statement):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="plumbline-lint-"))
        self.addCleanup(shutil.rmtree, folder)
        shutil.copytree(ROOT / "sql", folder / "sql")
        (folder / "tools").mkdir()
        shutil.copy(ROOT / "tools" / "lint_sql.py", folder / "tools")
        (folder / "sql" / "statements" / "planted.sql").write_text(statement)
        done = run("/usr/bin/python3", "-B", folder / "tools" / "lint_sql.py")
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line for line in done.stdout.splitlines() if "planted" in line]

    def test_tree_is_clean(self):
        self.assertEqual(run("/usr/bin/python3", "-B", ROOT / "tools" / "lint_sql.py").stdout, "")

    def test_finds_statement_without_org(self):
        self.assertEqual(len(self.check("SELECT 1 FROM object WHERE object_id = $1; -- org_id\n")), 1)
        self.assertEqual(len(self.check("SELECT 1 FROM object o JOIN deal_fact d ON d.deal_id = o.object_id WHERE o.org_id = $1;\n")), 1)
        self.assertEqual(self.check("SELECT 1 FROM object o JOIN deal_fact d ON d.org_id = o.org_id AND d.deal_id = o.object_id WHERE o.org_id = $1;\n"), [])

    def test_finds_what_the_schema_forbids(self):
        self.assertEqual(len(self.check("CREATE TRIGGER t AFTER INSERT ON event EXECUTE FUNCTION f();\n")), 1)
        self.assertEqual(len(self.check("CREATE TABLE x (org_id int REFERENCES org (org_id));\n")), 1)
        self.assertEqual(len(self.check("INSERT INTO org_version (org_id) VALUES (1) ON CONFLICT (org_id) DO UPDATE SET x = now();\n")), 1)


if __name__ == "__main__":
    unittest.main()
