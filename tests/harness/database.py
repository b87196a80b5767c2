"""Fresh databases in milliseconds: copies of one that was migrated once for this binary."""
import csv
import fcntl
import hashlib
import io
import itertools
import os
import pathlib
import secrets
import shutil
import subprocess
import tempfile
import sys
import time
import urllib.parse

_numbers = itertools.count(1)
# Debian's psql in the path is a script that looks for the real one, each time anew: as long as the work itself.
PSQL = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"), key=lambda path: int(path.parts[4]), default=shutil.which("psql"))
csv.field_size_limit(sys.maxsize)


def base_url():
    url = os.environ.get("PLUMBLINE_TEST_PG")
    if not url:
        raise RuntimeError("PLUMBLINE_TEST_PG is not set: run tests with tests/run.py, or name a cluster, "
                           "for instance postgresql://postgres@/?host=/tmp&port=5432")
    return url


def url_of(name):
    parts = urllib.parse.urlsplit(base_url())
    # By hand: urlunsplit would drop the empty host of postgresql://user@/name?host=/socket.
    return f"{parts.scheme}://{parts.netloc}/{name}" + (f"?{parts.query}" if parts.query else "")


def psql(url, query, *options):
    done = subprocess.run([PSQL, "-X", "-q", "-v", "ON_ERROR_STOP=1", *options, "-d", url], input=query, text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{done.stderr.strip()}\nin: {query[:500]}")
    return done.stdout


def rows(url, query):
    """The rows of a query as lists of texts (SQL null and the empty text are both "")."""
    return [row or [""] for row in csv.reader(io.StringIO(psql(url, query, "--csv", "-t")))]


def _admin(statement):
    psql(url_of("postgres"), statement)


def _drop(name):
    _admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _copy(name, template):
    for attempt in range(50):
        try:
            return _admin(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        except RuntimeError as error:  # someone still has the template open: a moment later nobody has
            if "being accessed by other users" not in str(error) or attempt == 49:
                raise
            time.sleep(0.1)


def template(binary):
    """The name of the database migrated by this very binary; made by whoever comes first."""
    digest = hashlib.sha256(pathlib.Path(binary).read_bytes()).hexdigest()[:16]
    name = f"template_{digest}"
    with open(os.environ.get("PLUMBLINE_TEST_LOCK") or pathlib.Path(tempfile.gettempdir()) / f"plumbline-test-{os.getuid()}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not rows(url_of("postgres"), f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            making = f"{name}_making"
            _drop(making)
            _admin(f'CREATE DATABASE "{making}"')
            done = subprocess.run([str(binary), "migrate"], env={**os.environ, "DATABASE_URL": url_of(making)},
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise RuntimeError(f"migrate failed: {done.stdout}{done.stderr}")
            _admin(f'ALTER DATABASE "{making}" RENAME TO "{name}"')
    return name


class Database:
    """A database of its own; drop() removes it. empty: without schema."""

    def __init__(self, binary, empty=False):
        self.name = f"t_{os.getpid()}_{secrets.token_hex(4)}_{next(_numbers)}"
        if empty:
            _admin(f'CREATE DATABASE "{self.name}"')
        else:
            _copy(self.name, template(binary))
        self.url = url_of(self.name)

    def sql(self, query):
        return rows(self.url, query)

    def value(self, query):
        """The first column of the only row."""
        answer = self.sql(query)
        if len(answer) != 1:
            raise AssertionError(f"{len(answer)} rows from: {query}")
        return answer[0][0]

    def drop(self):
        _drop(self.name)
