"""What the pages docs/connect-*.md tell to copy: shell that parses, jq programs that compile, JSON that is JSON, overrides that the service takes."""
import json
import re
import shutil
import subprocess
import unittest

from contract import ROOT
from harness import Case

PAGES = sorted((ROOT / "docs").glob("connect-*.md")) + [ROOT / "docs/mappings.md"]


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.S)


class Connect(Case):
    def test_there_are_pages(self):
        self.assertGreaterEqual(len(PAGES), 6)

    def test_shell_parses(self):
        for page in PAGES:
            for block in blocks(page, "sh"):
                done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
                self.assertEqual(done.stderr, "", page.name)

    @unittest.skipIf(shutil.which("jq") is None, "jq is not installed")
    def test_jq_programs_compile(self):
        for page in PAGES:
            for block in blocks(page, "sh"):
                for program in re.findall(r"jq (?:-c|-r|-c -s) '([^']*)'", block):
                    done = subprocess.run(["jq", "-n", f"def program: {program}; empty"], capture_output=True, text=True, check=False)
                    self.assertEqual(done.stderr, "", f"{page.name}: {program[:80]}")

    def test_json_is_json(self):
        for page in PAGES:
            for block in blocks(page, "json"):
                json.loads(block)
            for block in blocks(page, "sh"):
                for body in re.findall(r"-d '(\{.*?\})'", block, re.S):
                    json.loads(body)

    def test_documents_are_taken(self):
        server = self.start()
        admin = server.client("admin")
        for page in PAGES:
            text, preset = page.read_text(encoding="utf-8"), page.stem.removeprefix("connect-")
            overrides = [json.loads(body)["override"] for found in re.findall(r"-d '(\{\"override\".*?\})'|```json\n(\{\"override\".*?)```|`(\{\"override\".*?\})`", text, re.S)
                         for body in found if body]
            for number, override in enumerate(overrides):
                self.assert_ok(admin.put(f"/v1/sources/{preset}-{number}", {"preset": preset, "override": override}))
            if page.stem != "mappings":
                self.assertGreaterEqual(len(overrides), 1, page.name)
        document = json.loads(blocks(ROOT / "docs/mappings.md", "json")[0])
        self.assert_ok(admin.put("/v1/sources/acme", {"override": document}))

    def test_presets_exist(self):
        known = {path.stem for path in (ROOT / "handlers/webhook/presets").glob("*.json")}
        for page in PAGES:
            for preset in re.findall(r"--preset (\w+)", page.read_text(encoding="utf-8")):
                self.assertIn(preset, known, page.name)


if __name__ == "__main__":
    unittest.main()
