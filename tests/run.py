#!/usr/bin/env python3
"""Runs suites and counts: tests/run.py [SUITE|FILE …] [-k PATTERN] [-j JOBS]. Without arguments everything.

unit      Check: functions of the C code                  api       the real server and PostgreSQL, route by route
fuzz      the corpora through the fuzz targets            property  generated histories: laws that always hold
sql       pgTAP: functions and formulas in PostgreSQL     faults    kills, lost databases, broken clients
contract  the published contract against the code         house     tools of this repository
web       the dashboard in a real browser

Brings a throw-away PostgreSQL of its own (tools/pg.sh), unless PLUMBLINE_TEST_PG names a cluster to use.
The last line says "N passed, N failed". Exits 1 when anything failed, or nothing ran.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", "build"))
BUILD = BUILD if BUILD.is_absolute() else ROOT / BUILD
LOGS = BUILD / "test-logs"
TESTS = ROOT / "tests"
PYTHON_SUITES = ("api", "property", "contract", "web", "house", "faults")
SUITES = ("unit", "fuzz", "sql", *PYTHON_SUITES)
ALONE = ("house", "faults")  # they measure time or kill things: nothing runs beside them
JOB_LIMIT_S = int(os.environ.get("PLUMBLINE_TEST_LIMIT") or 900)  # a file may take so many seconds

running = set()      # processes to end when we are interrupted
running_lock = threading.Lock()


class Job:
    def __init__(self, suite, name, command=None, call=None, alone=False):
        self.suite, self.name, self.command, self.call, self.alone = suite, name, command, call, alone
        self.passed, self.skips, self.failures, self.seconds = 0, [], [], 0.0

    def read(self, output, code):
        """TAP, strictly: a plan that does not match or an exit that says failure is a failure."""
        planned, seen, said = None, 0, []
        for line in output.splitlines():
            plan = re.match(r"1\.\.(\d+)(?:\s*# SKIP\s*(.*))?$", line)
            result = re.match(r"(not )?ok\b\s*\d*\s*-?\s*(.*?)(?:\s+#\s*(SKIP|TODO)\b\s*(.*))?$", line, re.IGNORECASE)
            if plan:
                planned = int(plan[1])
                if planned == 0 and plan[2] is not None:
                    self.skips.append(f"{self.name}: {plan[2]}")
            elif result:
                seen += 1
                if result[3] and result[3].upper() == "SKIP":
                    self.skips.append(f"{self.name}: {result[2]}: {result[4]}")
                elif result[1] is None:
                    self.passed += 1
                else:
                    self.failures.append([f"{self.name}: {result[2]}"])
            elif self.failures and line.startswith("#"):
                self.failures[-1].append(line)
            else:
                said.append(line)
        if planned is None or planned != seen:
            self.failures.append([f"{self.name}: {seen} results of {'no plan' if planned is None else planned}", *said[-60:]])
        elif code != 0 and not self.failures:
            self.failures.append([f"{self.name}: ended with {code}", *said[-60:]])

    def run(self):
        start = time.monotonic()
        try:
            if self.call:
                self.read(*self.call())
            else:
                self.read(*execute(self.command))
        except Exception as error:
            self.failures.append([f"{self.name}: {type(error).__name__}: {error}"])
        self.seconds = time.monotonic() - start
        return self


def execute(command, env=None):
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace", cwd=ROOT, start_new_session=True, env={**os.environ, **(env or {})})
    with running_lock:
        running.add(process)
    try:
        output, _ = process.communicate(timeout=JOB_LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return output + f"\nnot ok - ended after {JOB_LIMIT_S} s", 1
    finally:
        with running_lock:
            running.discard(process)
    return output, process.returncode


def run_sql(path):
    """A pgTAP file on a fresh migrated database."""
    sys.path.insert(0, str(TESTS))
    from harness.database import PSQL, Database
    from harness.server import BINARY
    database = Database(BINARY)
    try:
        database.sql("CREATE EXTENSION IF NOT EXISTS pgtap")
        return execute([PSQL, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-P", "pager=off", "-d", database.url, "-f", path])
    finally:
        database.drop()


def run_routes():
    """Every route was answered with a 2xx at least once, as the servers' own logs tell."""
    from harness.routes import unexercised
    listed, missing = unexercised(LOGS)
    lines = [f"{'not ok' if route in missing else 'ok'} - {route} was exercised with a 2xx" for route in listed]
    return "\n".join([*lines, f"1..{len(lines)}"]), 0


def python_job(suite, path, pattern):
    command = [sys.executable, TESTS / "harness" / "tap.py", path] + (["-k", pattern] if pattern else [])
    return Job(suite, str(path.relative_to(ROOT)), command, alone=suite in ALONE)


def jobs_of(what, pattern):
    """The jobs a suite or a file stands for."""
    if what == "unit":
        return [Job("unit", "unit", [BUILD / "unit"])]
    if what == "fuzz":
        return [Job("fuzz", str(path.relative_to(BUILD)), [path, TESTS / "fuzz" / "corpus" / path.name.removeprefix("replay_")])
                for path in sorted((BUILD / "fuzz").glob("replay_*")) if path.suffix == ""]
    if what == "sql":
        return [Job("sql", f"tests/sql/{path.name}", call=lambda path=path: run_sql(path)) for path in sorted((TESTS / "sql").glob("*.sql"))]
    if what in PYTHON_SUITES:
        return [python_job(what, path, pattern) for path in sorted((TESTS / what).glob("test_*.py"))]
    path = pathlib.Path(what).resolve()
    if path.suffix == ".sql" and path.exists():
        return [Job("sql", str(path.relative_to(ROOT)), call=lambda: run_sql(path))]
    if path.suffix == ".py" and path.exists():
        return [python_job(path.parent.name, path, pattern)]
    sys.exit(f"run.py: neither a suite nor a test file: {what} (suites: {', '.join(SUITES)})")


class Cluster:
    """The throw-away PostgreSQL. What a killed run left behind is cleaned up by the next."""

    def __enter__(self):
        self.folder = None
        if os.environ.get("PLUMBLINE_TEST_PG"):
            return self
        prefix = f"plumbline-test-{os.getuid()}-"
        for left in pathlib.Path(tempfile.gettempdir()).glob(f"{prefix}*"):
            pid = left.name.removeprefix(prefix).split("-")[0]
            if left.is_dir() and pid.isdigit() and not pathlib.Path(f"/proc/{pid}").exists():
                subprocess.run([ROOT / "tools" / "pg.sh", "destroy", left / "pg"], check=False)
                shutil.rmtree(left, ignore_errors=True)
        self.folder = tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-")
        os.chmod(self.folder, 0o711)
        url = subprocess.run([ROOT / "tools" / "pg.sh", "start", f"{self.folder}/pg", "--throw-away"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout.strip()
        os.environ["PLUMBLINE_TEST_PG"] = url.replace("/postgres?", "/?")
        os.environ["PLUMBLINE_TEST_LOCK"] = f"{self.folder}/lock"
        return self

    def __exit__(self, *_):
        if self.folder:
            subprocess.run([ROOT / "tools" / "pg.sh", "destroy", f"{self.folder}/pg"], check=False)
            shutil.rmtree(self.folder, ignore_errors=True)


def end_running():
    with running_lock:
        for process in running:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def report(job):
    outcome = f"{job.passed} passed" + (f", {len(job.failures)} failed" if job.failures else "") + \
        (f", {len(job.skips)} skipped" if job.skips else "")
    print(f"{'FAIL' if job.failures else 'ok  '} {job.name}: {outcome} ({job.seconds:.1f} s)", flush=True)
    for failure in job.failures:
        print("\n".join(f"     {line}" for line in failure), flush=True)


def run_all(jobs, width):
    done = []
    together = [job for job in jobs if not job.alone]
    with concurrent.futures.ThreadPoolExecutor(width) as pool:
        for future in concurrent.futures.as_completed([pool.submit(job.run) for job in together]):
            done.append(future.result())
            report(done[-1])
    for job in jobs:
        if job.alone:
            done.append(job.run())
            report(job)
    return done


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="suites or test files")
    parser.add_argument("-k", dest="pattern", help="only tests whose name contains this (Python suites)")
    parser.add_argument("-j", dest="width", type=int, default=max(2, min(os.cpu_count() or 2, 4)), help="jobs at a time")
    options = parser.parse_args()
    whole = not options.what
    jobs = [job for what in options.what or SUITES for job in jobs_of(what, options.pattern)]
    LOGS.mkdir(parents=True, exist_ok=True)
    for old in (*LOGS.glob("*.log"), *LOGS.glob("times.tsv")):
        old.unlink()
    os.environ["PLUMBLINE_TEST_LOGS"] = str(LOGS)
    os.environ.setdefault("PLUMBLINE_TEST_BINARY", str(BUILD / "plumbline"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    start = time.monotonic()
    with Cluster():
        try:
            done = run_all(jobs, options.width)
            if whole:
                done.append(Job("routes", "routes", call=run_routes).run())
                report(done[-1])
        except BaseException:
            end_running()
            raise
    passed, failed = sum(job.passed for job in done), sum(len(job.failures) for job in done)
    skips = [skip for job in done for skip in job.skips]
    print(f"\n{time.monotonic() - start:.0f} s" + (f"; {len(skips)} skipped:" if skips else ""))
    print("".join(f"  {skip}\n" for skip in skips), end="")
    if failed:
        print("failed:\n" + "".join(f"  {failure[0].splitlines()[0]}\n" for job in done for failure in job.failures), end="")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
