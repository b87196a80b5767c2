"""Runs one file of unittest cases and says what became of each test, a TAP line each: tap.py FILE [-k PATTERN].

How long each took is added to times.tsv where PLUMBLINE_TEST_LOGS says: seconds, file, test; a class that is set up counts to its first test."""
import contextlib
import importlib.util
import os
import pathlib
import sys
import time
import traceback
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))


class Tap(unittest.TestResult):
    def __init__(self, out):
        super().__init__()
        self.out, self.count = out, 0
        self.times, self.since = [], time.monotonic()

    def line(self, ok, test, note="", details=""):
        self.count += 1
        name = test.id().split(".", 1)[-1] if isinstance(test, unittest.TestCase) else str(test)
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name.replace('#', '%23')}{note}", file=self.out)
        for row in details.splitlines():
            print(f"# {row}", file=self.out)
        self.out.flush()

    def stopTest(self, test):
        super().stopTest(test)
        now = time.monotonic()
        self.times.append((now - self.since, test.id().split(".", 1)[-1]))
        self.since = now

    def addSuccess(self, test):
        self.line(True, test)

    def addSkip(self, test, reason):
        self.line(True, test, " # SKIP " + " ".join(reason.split()))

    def addFailure(self, test, error):
        self.line(False, test, details=self._exc_info_to_string(error, test))

    addError = addFailure

    def addSubTest(self, test, subtest, error):
        if error is not None:  # the test itself then gets no success of its own
            self.line(False, subtest, details=self._exc_info_to_string(error, test))

    def addExpectedFailure(self, test, error):
        self.line(True, test, " # SKIP expected failure")

    def addUnexpectedSuccess(self, test):
        self.line(False, test, details="succeeds although marked as failing")


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))
    spec.loader.exec_module(module)
    return unittest.defaultTestLoader.loadTestsFromModule(module)


def main():
    path = pathlib.Path(sys.argv[1]).resolve()
    if sys.argv[2:3] == ["-k"]:
        pattern = sys.argv[3] if "*" in sys.argv[3] else f"*{sys.argv[3]}*"
        unittest.defaultTestLoader.testNamePatterns = [pattern]
    result = Tap(sys.stdout)
    with contextlib.redirect_stdout(sys.stderr):  # what a test prints is no TAP
        try:
            load(path).run(result)
        except unittest.SkipTest as skip:
            result.line(True, path.stem, f" # SKIP {skip}")
        except Exception:
            result.line(False, path.stem, details=traceback.format_exc())
    print(f"1..{result.count}")
    logs = os.environ.get("PLUMBLINE_TEST_LOGS")
    if logs:
        with open(pathlib.Path(logs) / "times.tsv", "a", encoding="utf-8") as times:
            times.writelines(f"{seconds:.1f}\t{path.name}\t{name}\n" for seconds, name in result.times)


if __name__ == "__main__":
    main()
