"""What `make install` puts where, and that it works there: program, settings, man page, completion, unit."""
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

from harness import BINARY, ROOT, plumbline
from harness.server import environment

FILES = {"usr/bin/plumbline": 0o755, "usr/lib/systemd/system/plumbline.service": 0o644, "usr/lib/sysusers.d/plumbline.conf": 0o644,
         "usr/share/bash-completion/completions/plumbline": 0o644, "usr/share/man/man1/plumbline.1": 0o644, "etc/default/plumbline": 0o640}


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)


def flags(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def make(target, **variables):
    """The binary under test is put in, whatever flags it was built with: nothing is built again."""
    done = run("make", "-C", ROOT, f"BUILD={BINARY.parent}", "-o", "build", "-o", BINARY, target,
               *(f"{name}={value}" for name, value in variables.items()), preexec_fn=lambda: os.umask(0o077))
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.target = pathlib.Path(tempfile.mkdtemp(prefix="plumbline-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.target)
        for made in ("plumbline.1", "plumbline.default"):  # of another binary, maybe
            (BINARY.parent / made).unlink(missing_ok=True)
        make("install", DESTDIR=cls.target, PREFIX="/usr")

    def test_files_and_their_modes(self):
        found = {str(path.relative_to(self.target)): stat.S_IMODE(path.stat().st_mode) for path in self.target.rglob("*") if path.is_file()}
        self.assertEqual(found, FILES)
        self.assertEqual((self.target / "usr/bin/plumbline").read_bytes(), BINARY.read_bytes())
        self.assertEqual(run(self.target / "usr/bin/plumbline", "version", env=environment()).stdout, plumbline("version").stdout)

    def test_uninstall_leaves_nothing_but_settings_that_were_changed(self):
        target = pathlib.Path(tempfile.mkdtemp(prefix="plumbline-install-"))
        self.addCleanup(shutil.rmtree, target)
        settings = target / "etc/default/plumbline"
        make("install", DESTDIR=target, PREFIX="/opt/x")
        self.assertTrue((target / "opt/x/bin/plumbline").exists())
        make("uninstall", DESTDIR=target, PREFIX="/opt/x")
        self.assertEqual([path for path in target.rglob("*") if path.is_file()], [])
        make("install", DESTDIR=target, PREFIX="/opt/x")
        settings.write_text("PLUMBLINE_WORKERS=7\n")
        make("install", DESTDIR=target, PREFIX="/opt/x")
        self.assertIn(f"left: {settings}", make("uninstall", DESTDIR=target, PREFIX="/opt/x"))
        self.assertEqual([path for path in target.rglob("*") if path.is_file()], [settings])
        self.assertEqual(settings.read_text(), "PLUMBLINE_WORKERS=7\n")

    def test_settings_name_all_there_are_with_the_values_they_have(self):
        written = re.findall(r"(?m)^#([A-Z_]+)=(.*)$", (self.target / "etc/default/plumbline").read_text())
        known = re.findall(r"(?m)^  --\S+, (\S+)$", plumbline("--help").stdout)
        self.assertEqual([name for name, _ in written], known)
        url = {"DATABASE_URL": dict(written)["DATABASE_URL"]}
        done = plumbline("check-config", env=dict(written))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, plumbline("check-config", env=url).stdout)


class Unit(unittest.TestCase):
    """Installed where the paths in it are real ones."""

    @classmethod
    def setUpClass(cls):
        cls.target = pathlib.Path(tempfile.mkdtemp(prefix="plumbline-unit-"))
        cls.addClassCleanup(shutil.rmtree, cls.target)
        make("install", PREFIX=cls.target / "usr", SYSCONFDIR=cls.target / "etc")
        cls.path = cls.target / "usr/lib/systemd/system/plumbline.service"

    def test_refers_to_what_is_there(self):
        unit = self.path.read_text()
        self.assertNotIn("@", re.sub(r"@[a-z-]+\b(?!@)", "", unit), "a path was not put in")
        for path in re.findall(r"(?m)^(?:ExecStart|ExecReload|EnvironmentFile)=-?(/\S+)", unit):
            self.assertTrue(pathlib.Path(path).is_file(), path)
        user = re.search(r"(?m)^User=(\S+)$", unit)[1]
        self.assertRegex((self.target / "usr/lib/sysusers.d/plumbline.conf").read_text(), rf"(?m)^u {user} ")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_systemd_understands_it_and_finds_little_exposed(self):
        done = run("systemd-analyze", "verify", "--man=no", self.path)
        self.assertEqual([line for line in (done.stdout + done.stderr).splitlines() if "plumbline" in line], [])
        done = run("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", self.path)
        self.assertEqual(done.returncode, 0, done.stdout[-400:])
        self.assertRegex(done.stdout, r"Overall exposure level for plumbline\.service: [01]\.\d")


class ManPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = run("/usr/bin/python3", "-B", ROOT / "tools" / "man.py", BINARY, "1.2.3")
        cls.file = tempfile.NamedTemporaryFile("w", suffix=".1")
        cls.addClassCleanup(cls.file.close)
        cls.file.write(cls.page.stdout)
        cls.file.flush()

    def test_names_every_command_and_setting(self):
        self.assertEqual(self.page.returncode, 0, self.page.stderr)
        page = self.page.stdout.replace("\\-", "-")
        told = plumbline("--help").stdout
        settings = set(re.findall(r"\b(?:PLUMBLINE_[A-Z_]+|DATABASE_URL)\b", told))
        commands = set(re.findall(r"^  ([a-z-]+)\s", told, re.MULTILINE))
        self.assertGreater(len(settings), 15)
        self.assertLessEqual({"serve", "migrate", "import", "rebuild", "key", "check-config", "version"}, commands)
        for name in sorted(settings | commands):
            self.assertIn(name, page)

    @unittest.skipUnless(shutil.which("man"), "man is not installed")
    def test_man_shows_it_without_a_warning(self):
        done = run("man", "--warnings", "--local-file", self.file.name, env={**os.environ, "MANROFFSEQ": "", "MANWIDTH": "100", "LC_ALL": "C.UTF-8"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("plumbline check-health", done.stdout)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_mandoc_finds_nothing(self):
        done = run("mandoc", "-T", "lint", "-W", "warning", self.file.name)
        self.assertEqual(done.stdout + done.stderr, "")


class Completion(unittest.TestCase):
    def complete(self, *words):
        """What bash would offer, by the function that `complete` has on record for the program."""
        script = f"""source {ROOT}/tools/plumbline.bash; COMP_WORDS=({' '.join(words)} {'""' if words[-1] == '' else ''}); COMP_CWORD={len(words) - 1}
            "$(complete -p plumbline | sed 's/.* -F \\([^ ]*\\) .*/\\1/')"; printf '%s\\n' "${{COMPREPLY[@]}}\""""
        environment = {**os.environ, "PATH": f"{BINARY.parent}:{os.environ['PATH']}"}
        return run("bash", "-c", script, env=environment).stdout.split()

    def test_offers_all_commands(self):
        commands = re.findall(r"(?m)^  ([a-z-]+) +[A-Z]", plumbline("--help").stdout)
        self.assertGreaterEqual(len(commands), 11)
        self.assertEqual(sorted(self.complete("plumbline", "")), sorted(commands))
        self.assertEqual(self.complete("plumbline", "check-h"), ["check-health"])

    def test_offers_the_flags_of_each_command(self):
        for command in re.findall(r"(?m)^  ([a-z-]+) +[A-Z]", plumbline("--help").stdout):
            with self.subTest(command):
                told = flags(plumbline(command, "--help").stdout) | flags(plumbline("--help").stdout)
                self.assertEqual(set(self.complete("plumbline", command, "--")), told)
        self.assertIn("--ready", self.complete("plumbline", "check-health", "--re"))


if __name__ == "__main__":
    unittest.main()
