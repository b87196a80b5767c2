"""openapi.yaml through the linters of the field. They are npm packages: `make deps`, or `npm ci` in tests/contract."""
import json
import pathlib
import shutil
import subprocess
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def tool(package):
    """The command line of an npm package's program, or a skip that says what is missing."""
    if shutil.which("node") is None:
        raise unittest.SkipTest("node is not installed")
    folder = HERE / "node_modules" / package
    if not (folder / "package.json").exists():
        raise unittest.SkipTest(f"{package} is not installed: run npm ci in tests/contract")
    programs = json.loads((folder / "package.json").read_text())["bin"]
    program = programs if isinstance(programs, str) else next(iter(programs.values()))
    return ["node", str(folder / program)]


class Lint(unittest.TestCase):
    def run_tool(self, *command):
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}")

    def test_redocly(self):
        self.run_tool(*tool("@redocly/cli"), "lint", "--config", str(HERE / "redocly.yaml"), str(ROOT / "openapi.yaml"))

    def test_spectral(self):
        self.run_tool(*tool("@stoplight/spectral-cli"), "lint", "--fail-severity", "warn", "--ruleset", str(HERE / "spectral.yaml"),
                      str(ROOT / "openapi.yaml"))


if __name__ == "__main__":
    unittest.main()
