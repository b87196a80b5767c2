"""The real binary on free ports with a database of its own. Ended by its pid, its log kept for the final checks."""
import functools
import itertools
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

from .client import Client
from .database import Database

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = pathlib.Path(os.environ.get("PLUMBLINE_TEST_BINARY") or ROOT / os.environ.get("BUILD", "build") / "plumbline")
SCOPES = ("ingest", "read", "strategy", "admin")

_numbers = itertools.count(1)


@functools.cache
def is_sanitized():
    """Whether the binary brings a sanitizer: then memory is another matter, and what is preloaded would take the same calls."""
    content = BINARY.read_bytes()
    return b"__asan_init" in content or b"__tsan_init" in content


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(**settings):
    """The caller's environment without settings of ours that would leak in."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PLUMBLINE_", "PG"))}
    clean.pop("DATABASE_URL", None)
    return {**clean, **{name: str(value) for name, value in settings.items()}}


def plumbline(*arguments, database_url=None, input=None, env=None, timeout=120):
    """Runs a command of the binary to its end: CompletedProcess with texts."""
    settings = {} if database_url is None else {"DATABASE_URL": database_url}
    return subprocess.run([str(BINARY), *map(str, arguments)], env=environment(**settings, **(env or {})), input=input,
                          capture_output=True, text=True, timeout=timeout, check=False)


class Server:
    """env: settings by their environment names. database: a Database to share (then it is not dropped here). same_port: a restart
    listens where it listened before, as proxies expect."""

    def __init__(self, env=None, arguments=(), database=None, wait=True, same_port=False):
        self.env, self.arguments = dict(env or {}), list(arguments)
        self._same_port, self.port = same_port, None
        self._own_database = database is None
        self.database = database or Database(BINARY)
        logs = os.environ.get("PLUMBLINE_TEST_LOGS") or tempfile.mkdtemp(prefix="plumbline-test-")
        self.log_path = pathlib.Path(logs) / f"server-{os.getpid()}-{next(_numbers)}.log"
        self.process, self._keys, self._default = None, {}, None
        try:
            self.start(wait)
        except BaseException:
            self.discard()
            raise

    # ── life ──
    def start(self, wait=True):
        """Starts it (again). Another process may take a port between finding and binding it: then with other ports."""
        for _ in range(5):
            self.port = self.port if self._same_port and self.port else free_port()
            self.admin_port = free_port()
            self.url, self.admin_url = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.admin_port}"
            settings = {"DATABASE_URL": self.database.url, "PLUMBLINE_LISTEN": f"127.0.0.1:{self.port}",
                        "PLUMBLINE_ADMIN_LISTEN": f"127.0.0.1:{self.admin_port}", **self.env}
            offset = self.log_path.stat().st_size if self.log_path.exists() else 0
            with open(self.log_path, "ab") as log:
                self.process = subprocess.Popen([str(BINARY), "serve", *self.arguments], env=environment(**settings),
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            if not wait or self.wait_ready():
                return
            said = self.log_path.read_bytes()[offset:].decode("utf-8", "replace")
            if "in use" not in said:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{said[-4000:]}")
        raise AssertionError("no free port in five tries")

    def wait_ready(self, seconds=60):
        """True once it is ready, False when it ended instead."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            try:
                if Client(self.url, timeout=5).get("/readyz").status == 200:
                    return True
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"not ready after {seconds} s:\n{self.log()[-4000:]}")

    def stop(self, seconds=60):
        """SIGTERM, and whatever a clean end must show: exit 0 and no report of a sanitizer."""
        if self.process is None:
            return
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"did not end within {seconds} s of SIGTERM:\n{self.log()[-4000:]}") from None
        if code != 0:
            raise AssertionError(f"the server ended with {code}:\n{self.log()[-4000:]}")
        self.check_log()

    def kill(self):
        """SIGKILL: the end nobody can prepare for."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self):
        if self.process is not None:
            self.stop()
        self.start()

    def discard(self):
        if self.process is not None:
            self.kill()
        if self._own_database:
            self.database.drop()

    def close(self):
        try:
            self.stop()
        finally:
            self.discard()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ── use ──
    def key(self, *scopes, **options):
        """A new API key: key("read", rep="r7"), key("ingest", source="crm"), key("read", read_scope="team", team="emea").
        Without scopes: all of them. Equal calls give the same key."""
        wanted = (scopes or SCOPES, tuple(sorted(options.items())))
        if wanted not in self._keys:
            arguments = [f"--{name.replace('_', '-')}={value}" for name, value in wanted[1]]
            if "org" not in options:
                arguments.append("--org=default")
            done = plumbline("key", "create", f"--scope={','.join(wanted[0])}", *arguments,
                             database_url=self.database.url)
            found = re.findall(r"pl_\d+_\S+", done.stdout)
            if done.returncode != 0 or not found:
                raise AssertionError(f"key create: {done.returncode}\n{done.stdout}{done.stderr}")
            self._keys[wanted] = found[0]
        return self._keys[wanted]

    def client(self, *scopes, timeout=30, **options):
        return Client(self.url, self.key(*scopes, **options), timeout)

    def anonymous(self, timeout=30):
        return Client(self.url, None, timeout)

    def admin(self, timeout=30):
        """The admin listener: health and metrics."""
        return Client(self.admin_url, None, timeout)

    def request(self, method, path, body=None, headers=None):
        """With a key that may do everything."""
        return self.client().request(method, path, body, headers)

    def sql(self, query):
        return self.database.sql(query)

    def value(self, query):
        return self.database.value(query)

    def plumbline(self, *arguments, **options):
        return plumbline(*arguments, database_url=self.database.url, **options)

    def log(self):
        return self.log_path.read_text("utf-8", "replace")

    def check_log(self):
        text = self.log()
        for sign in ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:"):
            if sign in text:
                at = text.index(sign)
                raise AssertionError(text[max(0, at - 500):at + 6000])
