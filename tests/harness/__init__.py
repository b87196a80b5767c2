"""What tests of the running service stand on: a fresh database, the real binary on free ports, an HTTP client, assertions.

    from harness import Case, Server

    class Reps(Case):
        @classmethod
        def setUpClass(cls):
            cls.server = cls.start()              # Server(); stopped and its exit checked when the class is done

        def test_unknown(self):
            self.assert_problem(self.server.client("read").get("/v1/reps/nobody"), 404, "not_found")

Run one file with `tests/run.py tests/api/test_x.py` (it brings its own PostgreSQL unless PLUMBLINE_TEST_PG names one).
"""
from .case import Case, shared_data
from .client import Client, Response
from .database import Database
from .server import BINARY, ROOT, Server, free_port, is_sanitized, plumbline

__all__ = ["BINARY", "Case", "Client", "Database", "ROOT", "Response", "Server", "free_port", "is_sanitized", "plumbline", "shared_data"]
