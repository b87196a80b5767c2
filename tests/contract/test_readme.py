"""The tour of the README, the questions and the strategies of docs/, typed in as they stand, against the sample company: every command works and answers in
the shape shown."""
import datetime
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from contract import ROOT
from harness import Case


PAGES = {"README.md": 7, "docs/questions.md": 6, "docs/cookbook.md": 5}  # and how many commands are shown there, at least


def commands(page):
    """(command, output shown) of every line that begins with "$ "; a command goes on in indented lines."""
    for block in re.findall(r"```\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            lines = part.splitlines()
            length = next((n for n, line in enumerate(lines[1:], 1) if not line.startswith("    ")), len(lines))
            yield "\n".join(lines[:length]), lines[length:]


# Lists of the strategy script: how many lines they have depends on the day, so they are read on their own.
LISTED = re.compile(r"move      \d+ accounts  \w+ → \w+  -?\d+\.\d\d|warning   [a-z_]+")


def fixed(lines):
    """Those that are there on every day."""
    return [line for line in lines if not LISTED.fullmatch(line)]


def shape(value):
    """What kind of thing a JSON value is, without what depends on the day."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number or null" if value is None or isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


class Tour(Case):
    @classmethod
    def setUpClass(cls):
        for program in ("bash", "curl", "jq", "column"):
            if shutil.which(program) is None:
                raise unittest.SkipTest(f"{program} is not installed")
        cls.server = cls.start()
        folder = tempfile.mkdtemp(prefix="plumbline-sample-")
        cls.addClassCleanup(shutil.rmtree, folder)
        today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        sample = ROOT / "tools/sample"
        subprocess.run([sys.executable, "-B", sample / "generate.py", folder, "--today", today], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sys.executable, "-B", sample / "load.py", folder, cls.server.url], input=cls.server.key() + "\n", text=True,
                       check=True, stdout=subprocess.DEVNULL)
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="plumbline-tour-"))  # a command may leave a file behind
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        (cls.folder / "docs").symlink_to(ROOT / "docs")

    def test_commands(self):
        for page, least in PAGES.items():
            found = list(commands(page))
            self.assertGreaterEqual(len(found), least, page)
            for command, shown in found:
                with self.subTest(command):
                    self.try_command(command, shown)

    def try_command(self, command, shown):
        script = f"pl() {{ curl -sS -H \"Authorization: Bearer $KEY\" \"$@\"; }}\nset -o pipefail\n{command}\n"
        done = subprocess.run(["bash", "-c", script], env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "KEY": self.server.key(),
                                                           "URL": self.server.url, "PLUMBLINE_KEY": self.server.key(),
                                                           "PLUMBLINE_URL": self.server.url}, cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        answered, shown = fixed(done.stdout.splitlines()), fixed(shown)
        self.assertEqual(len(answered), len(shown), done.stdout)
        for answer, line in zip(answered, shown):
            if line[:1] in "{[" or line[:1].isdigit():
                self.assertEqual(shape(json.loads(answer)), shape(json.loads(line)))
            else:
                self.assertEqual(len(answer.split("  ")[0].split()), len(line.split("  ")[0].split()), answer)
                self.assertEqual(len(re.split(r"  +", answer)), len(re.split(r"  +", line)), answer)


class Example(unittest.TestCase):
    def test_load_crm_says_what_it_needs(self):
        script = pathlib.Path(ROOT / "docs/examples/load-crm.sh")
        self.assertEqual(subprocess.run([script, "--help"], capture_output=True, check=False).returncode, 0)
        done = subprocess.run([script], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("PLUMBLINE_KEY", done.stderr)

    def test_every_strategy_is_in_the_cookbook(self):
        files = {path.name for path in (ROOT / "docs/strategies").iterdir()}
        self.assertEqual(files, set(re.findall(r"\(strategies/([^)]+)\)", (ROOT / "docs/cookbook.md").read_text(encoding="utf-8"))))

    def test_try_strategy_says_what_it_needs(self):
        script = ROOT / "docs/examples/try-strategy.sh"
        self.assertEqual(subprocess.run([script, "--help"], capture_output=True, check=False).returncode, 0)
        done = subprocess.run([script], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("FILE.json", done.stderr)


if __name__ == "__main__":
    unittest.main()
