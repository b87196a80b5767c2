"""The dashboard in a real browser, against the real service with the sample company: every check of the files *-checks.mjs is a test.

PLUMBLINE_CHECK=REGEX runs only the checks whose name fits. What checks note (sizes, times, rules that passed) is kept in BUILD/test-logs/web-*.txt."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from harness import BINARY, ROOT, Case

HERE = pathlib.Path(__file__).resolve().parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
LIMIT_S = 840


def why_not():
    """What is missing for a browser, or None."""
    if shutil.which("node") is None:
        return "node is not installed (make deps)"
    if not pathlib.Path(CHROMIUM).exists():
        return "chromium is not installed (make deps)"
    if not (HERE / "node_modules" / "playwright-core").exists():
        return "tests/web/node_modules is missing (make deps, with an npm registry in reach)"
    if not (BINARY.parent / "web" / "index.html").exists():
        return "the dashboard was left out of this build"
    return None


def node(*arguments, **env):
    return subprocess.run(["node", str(HERE / "run.mjs"), *arguments], env={**os.environ, "CHROMIUM": CHROMIUM, **env}, cwd=HERE,
                          capture_output=True, text=True, timeout=LIMIT_S, check=False)


def load_sample(server):
    with tempfile.TemporaryDirectory() as folder:
        tools = ROOT / "tools" / "sample"
        subprocess.run([sys.executable, "-B", tools / "generate.py", folder], check=True, capture_output=True)
        subprocess.run([sys.executable, "-B", tools / "load.py", folder, server.url], input=server.key() + "\n", text=True, check=True, capture_output=True)


def leave_something_waiting(server):
    """A source, and an event that waits in quarantine: pages that list them are not empty."""
    admin = server.client("admin", "ingest")
    for response in (admin.put("/v1/sources/crm", {"preset": "generic"}),
                     admin.post("/v1/accounts", [{"id": "a-late", "name": "Too early", "occurred_at": "2099-01-01T00:00:00Z"}])):
        assert response.status in (200, 201), response


class Dashboard(Case):
    """Runs the checks of one set, once for the class; its tests then look at what was said of each."""
    checks = None
    settings = {"PLUMBLINE_SCREENSHOTS": str(BINARY.parent / "screenshots")}
    fill = staticmethod(load_sample)
    period = "last_fy"

    @classmethod
    def setUpClass(cls):
        server = cls.start()
        cls.fill(server)
        leave_something_waiting(server)
        rep = server.client("read").get(f"/v1/alignment?by=rep&period={cls.period}").json()["rows"][0]["key"]
        done = node(cls.checks, PLUMBLINE_URL=server.url, PLUMBLINE_KEY=server.key(), PLUMBLINE_INGEST_KEY=server.key("ingest"), PLUMBLINE_REP=rep,
                    PLUMBLINE_REP_KEY=server.key("read", read_scope="self", rep=rep), **cls.settings)
        cls.said = {outcome["name"]: outcome for outcome in map(json.loads, done.stdout.splitlines())}
        cls.errors = done.stderr
        if os.environ.get("PLUMBLINE_TEST_LOGS"):
            notes = [f"{outcome['name']}: {outcome['note']}\n" for outcome in cls.said.values() if outcome["ok"] and outcome["note"]]
            pathlib.Path(os.environ["PLUMBLINE_TEST_LOGS"], f"web-{cls.checks}.txt").write_text("".join(notes))

    def look_up(self, name):
        outcome = self.said.get(name)
        if outcome is None and os.environ.get("PLUMBLINE_CHECK"):
            self.skipTest("not asked for")
        self.assertIsNotNone(outcome, f"nothing was said of it; stderr: {self.errors[-4000:]}")
        self.assertTrue(outcome["ok"], outcome["note"])


def cases(name, **attributes):
    """A class with a test for each check of a set; skips where there is no browser. attributes: what of Dashboard is to be another."""
    if why_not():
        raise unittest.SkipTest(why_not())
    listed = node(name, "--list")
    if listed.returncode != 0:
        raise RuntimeError(listed.stderr)
    tests = {"test_" + re.sub(r"\W+", "_", check).strip("_"): lambda self, check=check: self.look_up(check) for check in listed.stdout.splitlines()}
    return type("Checks", (Dashboard,), {"checks": name, **attributes, **tests})
