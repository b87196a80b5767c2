"""`make run` as its user sees it: what it prints works, Ctrl-C leaves nothing behind, the second start is quick."""
import os
import pathlib
import re
import shlex
import signal
import socket
import stat
import subprocess
import tempfile
import unittest

from harness import BINARY, ROOT, Client
from harness.server import environment


class Run:
    """tools/run.sh in a process group of its own, read up to its last line of greeting."""

    def __init__(self, local):
        self.process = subprocess.Popen([ROOT / "tools" / "run.sh"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env=environment(PLUMBLINE_LOCAL=local, BUILD=BINARY.parent), start_new_session=True,
                                        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # ignored in what a shell runs with &
        self.text = ""
        for line in self.process.stdout:
            self.text += line
            if line.startswith("Ctrl-C stops it"):
                break
        else:
            raise AssertionError(f"ended with {self.process.wait()}:\n{self.text}")
        self.url = re.search(r"listens on (http://\S+)", self.text)[1]
        self.key = re.search(r"API key: (pl_\S+)", self.text)[1]

    def interrupt(self):
        """Ctrl-C: SIGINT to the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.text += self.process.stdout.read()
        return self.process.wait(60)


def pids_of(text):
    """Processes whose command line holds the text."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text in path.read_bytes().decode("utf-8", "replace").replace("\0", " "):
                found.append(int(path.parent.name))
        except OSError:
            pass
    return found


class RunTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.local = pathlib.Path(tempfile.mkdtemp(prefix="plumbline-run-"))
        cls.local.chmod(0o711)
        cls.addClassCleanup(lambda: subprocess.run(["rm", "-rf", cls.local], check=False))
        cls.addClassCleanup(lambda: subprocess.run([ROOT / "tools" / "pg.sh", "destroy", cls.local / "pg"], check=False))
        # Somebody else's program on the usual port.
        cls.squatter = socket.socket()
        cls.addClassCleanup(cls.squatter.close)
        cls.squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            cls.squatter.bind(("127.0.0.1", 8080))
            cls.squatter.listen()
        except OSError:
            pass  # taken already: as good
        cls.run_ = Run(cls.local)

    def test_1_busy_port_is_said(self):
        self.assertIn("port 8080 is taken", self.run_.text)
        self.assertNotIn(":8080", self.run_.url)

    def test_2_key_is_private(self):
        key = self.local / "key"
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        self.assertEqual(key.read_text().strip(), self.run_.key)

    def test_3_printed_lines_work(self):
        lines = [line.strip() for line in self.run_.text.splitlines() if line.strip().startswith("curl ")]
        self.assertEqual(len(lines), 3)
        for line in lines:
            arguments = shlex.split(line)
            done = subprocess.run([*arguments, "-sS", "-w", "\n%{http_code}"], capture_output=True, text=True, check=False)
            self.assertTrue(done.stdout.endswith("\n200"), f"{line}\n{done.stdout}{done.stderr}")

    def test_4_sample_tells_its_story(self):
        answer = Client(self.run_.url, self.run_.key).get("/v1/alignment?by=rep&period=last_365d")
        self.assertEqual(answer.status, 200, answer)
        shares = {row["key"]: float(row["metrics"]["bookings_share"]["value"]) for row in answer.json()["rows"]
                  if row["metrics"]["bookings_share"]["value"] is not None}
        self.assertGreaterEqual(len(shares), 23)
        for rep in ("anna-keller", "priya-shah", "aisha-brown", "wei-tan"):
            self.assertGreater(shares[rep], 0.75, rep)
        for rep in ("rick-dalton", "sam-ortega", "dana-white"):
            self.assertLess(shares[rep], 0.5, rep)

    def test_5_second_run_of_the_checkout_is_refused(self):
        done = subprocess.run([ROOT / "tools" / "run.sh"], env=environment(PLUMBLINE_LOCAL=self.local, BUILD=BINARY.parent),
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"already running here (process {self.run_.process.pid})", done.stderr)

    def test_6_ctrl_c_leaves_nothing(self):
        server = int((self.local / "server.pid").read_text())
        self.assertEqual(self.run_.interrupt(), 0, self.run_.text)
        self.assertIn("all requests answered", self.run_.text)
        self.assertFalse(pathlib.Path(f"/proc/{server}").exists())
        self.assertEqual(pids_of(f"-D {self.local}/pg/data"), [])

    def test_7_second_start_keeps_key_and_data(self):
        again = Run(self.local)
        try:
            self.assertEqual(again.key, self.run_.key)
            self.assertNotIn("loading the sample", again.text)
            self.assertEqual(Client(again.url, again.key).get("/v1/accounts/riverside").status, 200)
        finally:
            self.assertEqual(again.interrupt(), 0)

    def test_8_start_after_a_kill(self):
        killed = Run(self.local)
        server = int((self.local / "server.pid").read_text())
        killed.process.kill()
        killed.process.wait()
        killed.process.stdout.close()
        again = Run(self.local)
        try:
            self.assertFalse(pathlib.Path(f"/proc/{server}").exists(), "the orphan still runs")
            self.assertEqual(again.key, self.run_.key)
        finally:
            self.assertEqual(again.interrupt(), 0)


if __name__ == "__main__":
    unittest.main()
