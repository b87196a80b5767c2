"""The page of the API reference in a real browser: it shows the contract, tries requests out, breaks no policy and asks nobody else."""
import json
import os
import pathlib
import shutil
import subprocess
import unittest

from contract import ROOT
from harness import Case

HERE = pathlib.Path(__file__).resolve().parent


class Reference(Case):
    def test_shown_and_tried_out(self):
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        if shutil.which("node") is None or chromium is None:
            raise unittest.SkipTest("node or chromium is not installed")
        if not (ROOT / "tests/web/node_modules/playwright-core").exists():
            raise unittest.SkipTest("playwright-core is not installed: run npm ci in tests/web")
        server = self.start()
        if "swagger-ui-bundle.js" not in server.anonymous().get("/docs").text:
            raise unittest.SkipTest("this binary was built without the page of the reference")
        done = subprocess.run(["node", HERE / "reference.mjs", server.url, server.key()], capture_output=True, text=True, timeout=800,
                              env={**os.environ, "CHROMIUM": chromium}, check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-4000:])
        seen = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((seen["violations"], seen["outside"], seen["errors"]), ([], [], []))
        self.assertEqual(seen["tags"], seen["contract"])
        self.assertIn("Not signed in", seen["who"][0])
        self.assertIn("Signed in to Default organisation", seen["who"][1])
        self.assertEqual(seen["status"], 200)
        self.assertNotIn("Authorization", seen["curl"])
        self.assertEqual(self.assert_ok(server.client().get("/v1/reps/tried"))["name"], "Ann Lee")


if __name__ == "__main__":
    unittest.main()
