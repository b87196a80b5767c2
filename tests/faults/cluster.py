"""A PostgreSQL of one's own that may be stopped, crashed, copied and pooled."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse

from harness.database import psql, rows
from harness.server import ROOT, plumbline

PROGRAMS = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def as_owner(*command, **options):
    """As the user the cluster belongs to: PostgreSQL and PgBouncer refuse to run as root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    return subprocess.run([*prefix, *map(str, command)], check=True, stdin=subprocess.DEVNULL, **options)


def directory_of_owner():
    """A short one: paths of sockets are."""
    made = tempfile.mkdtemp(prefix="pl-", dir="/tmp")
    if os.getuid() == 0:
        os.chown(made, pwd.getpwnam("postgres").pw_uid, -1)
    return pathlib.Path(made)


class Cluster:
    """With one migrated database."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="plumbline-faults-")
        os.chmod(self.directory, 0o755)
        self.admin_url = self.tool("start")
        self.url = self.admin_url.replace("/postgres?", "/faults?")
        psql(self.admin_url, "CREATE DATABASE faults")
        done = plumbline("migrate", database_url=self.url)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)

    def tool(self, action):
        done = subprocess.run([str(ROOT / "tools" / "pg.sh"), action, self.directory], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def start(self):
        self.tool("start")

    def stop(self):
        self.tool("stop")

    @property
    def data(self):
        home = pathlib.Path(self.directory, "home")
        return pathlib.Path(home.read_text().strip() if home.exists() else self.directory, "data")

    @property
    def socket(self):
        return urllib.parse.parse_qs(urllib.parse.urlsplit(self.admin_url).query)["host"][0]

    def crash(self):
        """Every process of it ends at once, nothing is written down: as after a power cut."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        while pathlib.Path(f"/proc/{pid}").exists():
            time.sleep(0.02)

    def kill_postmaster(self):
        """kill -9 of the first process alone; the others notice and end, and until then nobody may start it again."""
        os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        deadline = time.monotonic() + 60
        while self.processes():
            if time.monotonic() > deadline:
                raise AssertionError(f"these do not end: {self.processes()}")
            time.sleep(0.02)

    def processes(self):
        """Pids of all processes of it: they work in its data directory."""
        found, data = [], str(self.data)
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.readlink(entry / "cwd") == data:
                    found.append(int(entry.name))
            except OSError:
                pass  # gone in the meantime, or somebody else's
        return found

    def sql(self, query):
        return rows(self.url, query)

    def value(self, query):
        return self.sql(query)[0][0]

    def destroy(self):
        self.tool("destroy")
        shutil.rmtree(self.directory, ignore_errors=True)


class Standby:
    """A hot standby of a cluster: a copy that follows it and takes reads."""

    def __init__(self, primary):
        self.primary, self.directory = primary, directory_of_owner()
        self.data = self.directory / "data"
        as_owner(PROGRAMS[0] / "pg_basebackup", "-D", self.data, "-R", "-h", primary.socket, "-p", "5432", "-U", "postgres", "-c", "fast")
        as_owner(PROGRAMS[0] / "pg_ctl", "-D", self.data, "-l", self.directory / "log", "-w", "-s", "-o",
                 f"-p 5432 -c unix_socket_directories={self.directory}", "start", stdout=subprocess.DEVNULL)
        self.url = f"postgresql://postgres@/faults?host={self.directory}&port=5432"

    def catch_up(self):
        """Returns when it has all that the primary has committed."""
        wanted = self.primary.value("SELECT pg_current_wal_lsn()")
        deadline = time.monotonic() + 20
        while rows(self.url, f"SELECT pg_last_wal_replay_lsn() >= '{wanted}'") != [["t"]]:
            if time.monotonic() > deadline:
                raise AssertionError("the standby does not follow")
            time.sleep(0.02)

    def promote(self):
        """From now on it is the primary."""
        as_owner(PROGRAMS[0] / "pg_ctl", "-D", self.data, "-w", "-s", "promote", stdout=subprocess.DEVNULL)

    def sql(self, query):
        return rows(self.url, query)

    def value(self, query):
        return self.sql(query)[0][0]

    def destroy(self):
        as_owner(PROGRAMS[0] / "pg_ctl", "-D", self.data, "-m", "immediate", "-w", "-s", "stop", stdout=subprocess.DEVNULL)
        shutil.rmtree(self.directory, ignore_errors=True)


class Pooler:
    """PgBouncer in transaction mode in front of a cluster, with fewer connections than its clients want."""

    def __init__(self, cluster, connections):
        self.directory = directory_of_owner()
        (self.directory / "pgbouncer.ini").write_text(
            f"[databases]\nfaults = host={cluster.socket} port=5432 dbname=faults user=postgres\n"
            f"[pgbouncer]\nlisten_addr =\nlisten_port = 6432\nunix_socket_dir = {self.directory}\nauth_type = any\n"
            f"pool_mode = transaction\ndefault_pool_size = {connections}\nlogfile = {self.directory}/log\n"
            f"pidfile = {self.directory}/pid\n")
        (self.directory / "pgbouncer.ini").chmod(0o644)
        as_owner(shutil.which("pgbouncer") or "/usr/sbin/pgbouncer", "-q", "-d", self.directory / "pgbouncer.ini")
        self.url = f"postgresql://postgres@/faults?host={self.directory}&port=6432"
        self.cluster = cluster

    def sql(self, query):
        return self.cluster.sql(query)

    def value(self, query):
        return self.cluster.value(query)

    def destroy(self):
        os.kill(int((self.directory / "pid").read_text()), signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)
