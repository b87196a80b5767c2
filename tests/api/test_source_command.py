"""plumbline source, as somebody uses it who connects a CRM."""
import json
import pathlib
import re
import tempfile

from harness import Case
from harness.database import Database
from harness.server import BINARY, plumbline

SECRET = "a1b2c3d4-0000-4000-8000-5e6f7a8b9c0d"


class SourceCommand(Case):
    def setUp(self):
        self.database = Database(BINARY)
        self.addCleanup(self.database.drop)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="plumbline-test-"))

    def run_it(self, *arguments, code=0, **options):
        done = plumbline("source", *arguments, database_url=self.database.url, **options)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done

    def file(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def rows(self):
        return [line.split() for line in self.run_it("list").stdout.splitlines()[1:]]

    def test_from_adding_to_switching_off(self):
        added = self.run_it("add", "crm", "--preset", "generic", "--secret-file", self.file("secret", SECRET + "\n"))
        self.assertIn("source crm added", added.stderr)
        self.assertEqual((added.stdout, SECRET in added.stderr), ("", False))
        self.assertEqual([row[:5] for row in self.rows()], [["crm", "generic", "enabled", "1", "0"]])
        made = self.run_it("rotate", "crm", "--overlap", "2")
        self.assertRegex(made.stdout, r"^[0-9a-f]{64}\n$")
        self.assertEqual(self.rows()[0][3], "2")
        self.run_it("rotate", "crm", "--secret-file", "-", "--overlap", "0", input=SECRET)
        self.assertEqual(self.rows()[0][3], "1")
        self.assertIn("disabled", self.run_it("disable", "crm").stderr)
        self.assertEqual(self.rows()[0][2], "disabled")
        self.run_it("enable", "crm")
        self.assertEqual(self.rows()[0][2], "enabled")
        actors = self.database.sql("SELECT DISTINCT actor FROM audit WHERE object = 'source/crm'")
        self.assertEqual(actors, [["operator"]])

    def test_a_secret_is_made_up_when_asked(self):
        made = self.run_it("add", "hooks", "--preset", "standard", "--generate-secret")
        self.assertRegex(made.stdout, r"^whsec_[A-Za-z0-9+/]{43}=\n$")

    def test_an_override(self):
        override = self.file("override.json", json.dumps({"title": "Ours", "defaults": {"currency": "EUR"}}))
        self.run_it("add", "crm", "--preset", "pipedrive", "--override", override, "--url", "https://hooks.example.com/crm")
        self.assertEqual(self.database.sql("SELECT preset, url, override ->> 'title' FROM source"), [["pipedrive", "https://hooks.example.com/crm", "Ours"]])

    def test_a_delivery_is_tried(self):
        self.run_it("add", "crm", "--preset", "generic", "--secret-file", self.file("secret", SECRET))
        body = self.file("body.json", '[{"object": "account", "id": "a1", "name": "One"}, {"object": "account", "id": "a2", "size": 1}]')
        answer = json.loads(self.run_it("test", "crm", body, "--headers", self.file("headers", f"Content-Type: application/json\nX-Api-Key:  {SECRET}\n")).stdout)
        self.assertEqual((answer["verification"]["code"], answer["accepted"], answer["quarantined"]), ("verified", 1, 1))
        self.assertEqual(answer["events"][0]["changes"], {"name": {"before": None, "after": "One"}})
        self.assertEqual(json.loads(self.run_it("test", "crm", body).stdout)["verification"]["code"], "signature_missing")
        self.assertEqual(self.database.value("SELECT count(*) FROM event"), "0")

    def test_what_is_wrong_is_said(self):
        for arguments, said in ((("add", "crm"), "problem"), (("add", "crm", "--preset", "genric"), "there is no such preset; there are:"),
                                (("add", "CRM!", "--preset", "generic"), "/source"), (("rotate", "nobody"), "no source \"nobody\""), (("disable", "nobody"), "no such source"),
                                (("test", "nobody", self.file("x", "{}")), "no such source"), (("add", "crm", "--preset", "generic", "--override", "/nowhere"), "cannot read /nowhere"),
                                (("list", "--org", "nobody"), "nobody")):
            with self.subTest(arguments):
                self.assertIn(said, self.run_it(*arguments, code=1).stderr)
        for arguments, said in (((), "say what to do"), (("ad", "crm"), "say what to do"), (("add",), "takes the name of one source"), (("list", "crm"), "takes options only"),
                                (("list", "--preset", "x"), "does not take --preset"), (("rotate", "crm", "--overlap", "soon"), "number of hours"),
                                (("test", "crm"), "the name of a source and a file"), (("add", "crm", "--presett", "x"), "--preset")):
            with self.subTest(arguments):
                self.assertIn(said, self.run_it(*arguments, code=2).stderr)
        self.assertIn("--preset", re.sub(r"\s+", " ", self.run_it("--help").stdout))

    def test_another_organisation(self):
        self.assertEqual(plumbline("org", "create", "acme", database_url=self.database.url).returncode, 0)
        self.run_it("add", "crm", "--preset", "generic", "--org", "acme")
        self.assertEqual(self.rows(), [])
        self.assertIn("/v1/webhooks/acme.crm", self.run_it("list", "--org", "acme").stdout)


if __name__ == "__main__":
    import unittest

    unittest.main()
