"""Signing in, addresses, errors, old answers, the budget of a first load; and the types of the sources."""
import subprocess
import unittest

from browser import HERE, cases
from harness import ROOT

Frame = cases("frame")


class Types(unittest.TestCase):
    def test_the_sources_fit_their_types(self):
        if not (ROOT / "web" / "node_modules" / "preact").exists():
            self.skipTest("web/node_modules is missing")
        done = subprocess.run(["node", str(HERE / "node_modules" / "typescript" / "bin" / "tsc"), "--noEmit", "-p", str(ROOT / "web")],
                              capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
