"""The documentation says what the code says. PLUMBLINE_DOCS=write (make docs) writes what is made from the code instead of checking it."""
import json
import os
import re
import subprocess
import sys
import unittest

from contract import ROOT, error_codes
from harness import Case, plumbline

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def docs_tool(*arguments, **options):
    if os.environ.get("PLUMBLINE_DOCS") != "write":
        arguments = (*arguments, "--check")
    return subprocess.run([sys.executable, "-B", str(ROOT / "tools/docs.py"), *arguments], capture_output=True, text=True, check=False, **options)


class Pages(unittest.TestCase):
    def test_settings_table(self):
        done = docs_tool("settings")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_links_lead_somewhere(self):
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
                if "://" not in target:
                    self.assertTrue((page.parent / target).exists(), f"{page.name}: {target}")

    def test_files_that_are_named_exist(self):
        for page in PAGES:
            for path in re.findall(r"`((?:server|handlers|sql|tests|tools|docs)/[\w./-]+\.\w+)`", page.read_text(encoding="utf-8")):
                self.assertTrue((ROOT / path).exists(), f"{page.name}: {path}")

    def test_tests_that_are_named_exist(self):
        """docs/security.md: `file` Class.test_method, Class.test_method …; rows of a table about one file name no file."""
        text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
        named = [(path, name) for path, names in re.findall(r"`(tests/[\w/]+\.py)`((?:,? \w+\.test_\w+)+)", text) for name in re.findall(r"\w+\.test_\w+", names)]
        named += [("tests/house/test_hardening.py", name) for name in re.findall(r"\bHardening\.test_\w+", text)]
        self.assertEqual(sorted({name for _, name in named}), sorted(set(re.findall(r"\b\w+\.test_\w+", text))))
        self.assertGreater(len(named), 50)
        for path, name in named:
            source, (case, method) = (ROOT / path).read_text(encoding="utf-8"), name.split(".")
            found = re.search(rf"^class {case}\b.*?(?=^class |\Z)", source, re.M | re.S)
            self.assertTrue(found and re.search(rf"^    def {method}\(", found[0], re.M), f"{path}: {name}")

    def test_commands_that_are_named_exist(self):
        known = set(re.findall(r"^  ([a-z-]+) ", plumbline("--help").stdout.split("Settings")[0], re.M))
        self.assertIn("serve", known)
        for page in PAGES:
            for command in re.findall(r"\bplumbline ([a-z][a-z-]+)\b", page.read_text(encoding="utf-8")):
                if page.name != "CHANGELOG.md":
                    self.assertIn(command, known, page.name)

    def test_variables_that_are_named_exist(self):
        known = set(re.findall(r"\b(PLUMBLINE_\w+)", plumbline("--help").stdout))
        for page in PAGES:
            for name in re.findall(r"`(PLUMBLINE_[A-Z_]+[A-Z])`", page.read_text(encoding="utf-8")):
                self.assertIn(name, known, page.name)

    def test_every_error_is_in_the_guide(self):
        text = (ROOT / "docs/api.md").read_text(encoding="utf-8")
        rows = {code: int(status) for status, codes in re.findall(r"^\| (\d{3}) \| ([^|]+) \|", text, re.M) for code in re.findall(r"`(\w+)`", codes)}
        self.assertEqual(rows, error_codes())


VIEWS = """SELECT json_agg(x) FROM (
    SELECT c.relname AS view, obj_description(c.oid) AS means,
           json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'means', col_description(c.oid, a.attnum)) ORDER BY a.attnum) AS columns
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE c.relnamespace = 'reporting'::regnamespace AND c.relkind = 'v' GROUP BY c.oid, c.relname ORDER BY c.relname) AS x"""


class Made(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()

    def test_metrics_page_is_the_dictionary(self):
        done = docs_tool("metrics", "-", input=self.assert_status(self.server.client("read").get("/v1/metrics"), 200).text)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_reporting_page_tells_every_column(self):
        told = self.server.value(VIEWS)
        for view in json.loads(told):
            self.assertTrue(view["means"], view["view"])
            for column in view["columns"]:
                self.assertTrue(column["means"], f"{view['view']}.{column['name']}")
        done = docs_tool("reporting", "-", input=told)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
