"""docs/operations.md as its reader does it: every block of commands, from top to bottom, on a PostgreSQL of one's own. What only some machines have is
named in a block's first line and left out without it. After the recovery to a point in time every answer is the one before, byte by byte."""
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from harness import BINARY, Case, Client, ROOT, free_port

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cluster import PROGRAMS, as_owner, directory_of_owner  # noqa: E402

PAGE = ROOT / "docs/operations.md"
PORTS = (8080, 8081, 8082, 8083, 8443, 8444, 8445, 6432, 9090)  # of TCP, and so may be taken here
QUESTIONS = ("/v1/opportunities?format=ndjson", "/v1/accounts?format=ndjson", "/v1/strategies", "/v1/audit?limit=100", "/v1/alignment?by=rep&period=2026-Q1",
             "/v1/metrics/bookings_share?by=segment&period=2026-Q1", "/v1/metrics/win_rate?by=team&period=2026-Q1&as_of=2026-03-01")
STRATEGY = {
    "name": "Care first", "effective_from": "2025-01-01",
    "segments": [{"key": "care", "label": "Care", "when": [{"attr": "industry", "eq": "care"}], "target": {"bookings": 1, "time": 1}}],
    "fit": {"criteria": [{"key": "industry", "weight": 1, "attr": "industry", "match": [{"eq": "care", "score": 1}]}],
            "required": [], "disqualify": [], "min_coverage": 0.5,
            "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]},
    "products": {"GTX": 1}, "messages": []}


def blocks():
    """(heading, commands) of the page, in its order."""
    heading = ""
    for found in re.finditer(r"^(#+ [^\n]+)$|^```(\w*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S):
        if found[1]:
            heading = found[1].lstrip("# ")
        else:
            yield heading, found[2], found[3]


class Page(unittest.TestCase):
    def test_every_block_is_one_that_is_run(self):
        self.assertEqual([(heading, text) for heading, language, text in blocks() if language != "sh"], [])
        self.assertGreater(len(list(blocks())), 15)


class Operations(Case):
    @classmethod
    def setUpClass(cls):
        cls.folder = directory_of_owner()
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.addClassCleanup(cls.end_all)
        (cls.folder / "bin").mkdir()
        shutil.copy(BINARY, cls.folder / "bin/plumbline")
        shutil.copytree(ROOT / "docker", cls.folder / "docker")
        cls.ports = {port: free_port() for port in PORTS}
        text = (cls.folder / "docker/prometheus/prometheus.yml").read_text()
        (cls.folder / "docker/prometheus/prometheus.yml").write_text(text.replace("8081", str(cls.ports[8081])))
        cls.write_files()
        if os.getuid() == 0:
            for path in (cls.folder, *cls.folder.rglob("*")):
                shutil.chown(path, "postgres")
        cls.environment = {"PATH": f"{cls.folder}/bin:{PROGRAMS[0]}:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "HOME": str(cls.folder),
                           "PGHOST": str(cls.folder), "PGPORT": "5432", "PGUSER": "postgres", "PGDATA": f"{cls.folder}/data",
                           "PLUMBLINE_LISTEN": f"127.0.0.1:{cls.ports[8080]}", "PLUMBLINE_ADMIN_LISTEN": f"127.0.0.1:{cls.ports[8081]}"}
        cls.run_script(f"initdb -A trust -E UTF8 --locale=C.UTF-8 --no-sync >initdb.log\n"
                       f"echo \"listen_addresses = ''\nunix_socket_directories = '{cls.folder}'\nfsync = off\" >>data/postgresql.conf\n"
                       "pg_ctl -l start.log -s -w start")

    @classmethod
    def write_files(cls):
        (cls.folder / "accounts.csv").write_text("id,name,occurred_at,attributes.industry\na1,Clinic,2026-01-01T00:00:00Z,care\na2,Bank,2026-01-01T00:00:00Z,bank\n")
        deals = "".join(json.dumps({"id": f"d{n}", "name": f"Deal {n}", "account": f"a{1 + n % 2}", "owner": "r1", "stage": ("won", "lost")[n % 3 == 0], "amount": f"{n}.10",
                                    "currency": "EUR", "created_at": "2026-01-05", "closed_at": f"2026-02-{n % 27 + 1:02d}", "occurred_at": "2026-02-28T00:00:00Z"}) + "\n"
                        for n in range(1, 60))
        (cls.folder / "opportunities.ndjson.gz").write_bytes(gzip.compress(deals.encode()))

    @classmethod
    def run_script(cls, script):
        """One block: what it exports holds for those after it; what it starts in the background goes on."""
        for port, free in cls.ports.items():
            script = re.sub(rf"(?<=:){port}\b|(?<=port = ){port}\b|(?<=port=){port}\b", str(free), script)
        state = cls.folder / "state"
        whole = f"[ ! -f {state} ] || . {state}\ncd {cls.folder}\nset -eu -o pipefail\n{script}\nexport -p >{state}\n"
        with tempfile.TemporaryFile() as said:
            try:
                as_owner("env", "-i", *(f"{name}={value}" for name, value in cls.environment.items()), "timeout", "120", "bash", "-c", whole, stdout=said, stderr=said)
            except subprocess.CalledProcessError as error:
                said.seek(0)
                logs = "".join(f"\n== {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in sorted(cls.folder.glob("*.log")))
                raise AssertionError(f"ended with {error.returncode}\n{script}\n{said.read().decode(errors='replace')}{logs}") from None
            said.seek(0)
            return said.read().decode()

    @classmethod
    def end_all(cls):
        """What blocks left running: processes with this folder in their environment or command."""
        mark = str(cls.folder).encode()
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if mark in (path / "environ").read_bytes() + (path / "cmdline").read_bytes():
                    os.kill(int(path.name), signal.SIGKILL)
            except (OSError, ValueError):
                pass

    def value_of(self, name):
        return self.run_script(f'printf %s "${name}"').strip()

    def client(self, port=8080):
        return Client(f"http://127.0.0.1:{self.ports[port]}", self.value_of("KEY"))

    def answers(self, port=8080):
        client = self.client(port)
        return {path: self.assert_status(client.get(path), 200).body for path in QUESTIONS}

    # ── what is looked at between the blocks ──
    def after_start(self):
        client = self.client()
        self.assert_ok(client.put("/v1/stages/won?occurred_at=2025-01-01T00:00:00Z", {"label": "Won", "outcome": "won"}))
        self.assert_ok(client.put("/v1/stages/lost?occurred_at=2025-01-01T00:00:00Z", {"label": "Lost", "outcome": "lost"}))
        self.assert_ok(client.put("/v1/teams/emea?occurred_at=2025-01-01T00:00:00Z", {"name": "EMEA"}))
        self.assert_ok(client.put("/v1/reps/r1?occurred_at=2025-01-01T00:00:00Z", {"name": "Ann", "team": "emea"}))
        strategy = self.assert_ok(client.post("/v1/strategies", STRATEGY))["id"]
        self.assert_ok(client.post(f"/v1/strategies/{strategy}/publish"))

    def after_import(self):
        answer = self.answers()
        self.assertEqual(answer[QUESTIONS[0]].count(b"\n"), 59)
        self.assertIn(b'"value":', answer[QUESTIONS[4]])

    def before_dump(self):
        self.before = self.answers()

    def after_restore(self):
        self.compare("postgresql://plumbline@/restored", self.before)

    def before_accident(self):
        self.assert_ok(self.client().put("/v1/accounts/a3?occurred_at=2026-01-02T00:00:00Z", {"name": "After the base backup", "attributes": {"industry": "care"}}))
        self.before = self.answers()
        time.sleep(0.1)

    def after_accident(self):
        self.assert_ok(self.client().put("/v1/accounts/a4", {"name": "After the accident"}))
        now = self.answers()
        for path in (QUESTIONS[1], QUESTIONS[2]):
            self.assertNotEqual(now[path], self.before[path])

    def after_recovery(self):
        self.compare("postgresql://plumbline@/plumbline?port=5434", self.before)
        self.run_script("pg_ctl -D recovered -m fast -s -w stop")

    def compare(self, url, wanted):
        """Every answer of a server on that database is the one wanted."""
        port = self.ports[8083]
        self.run_script(f"DATABASE_URL='{url}' PLUMBLINE_LISTEN=127.0.0.1:{port} PLUMBLINE_ADMIN_LISTEN=off plumbline serve 2>>compared.log &\n"
                        f"PID=$!; export PID; until curl -fsS http://127.0.0.1:{port}/readyz; do sleep 0.2; done")
        try:
            self.assertEqual(self.answers(8083), wanted)
        finally:
            self.run_script('kill -TERM "$PID"; while kill -0 "$PID" 2>/dev/null; do sleep 0.1; done')

    def test_page(self):
        between = {("Start", 1): self.after_start, ("First import", 1): self.after_import, ("Backup", 0): self.before_dump, ("Backup", 2): self.after_restore,
                   ("Point-in-time recovery", 1): self.before_accident, ("Point-in-time recovery", 2): self.after_accident,
                   ("Point-in-time recovery", 3): self.after_recovery}
        counts, called, left_out = {}, set(), []
        for heading, _, text in blocks():
            count = counts.setdefault(heading, 0)
            if count == 0 and (heading, 0) in between:
                between[heading, 0]()
                called.add((heading, 0))
            counts[heading] = count = count + 1
            needs = re.match(r"# needs (\w+)\n", text)
            with self.subTest(f"{heading} {count}"):
                if needs and not shutil.which(needs[1], path=self.environment["PATH"]):
                    left_out.append(needs[1])
                    continue
                self.run_script(text)
                if (heading, count) in between:
                    between[heading, count]()
                    called.add((heading, count))
        self.assertEqual(called, set(between))
        if left_out:
            self.skipTest(f"all was run but for what needs {', '.join(left_out)}")


if __name__ == "__main__":
    unittest.main()
