"""unittest.TestCase with what tests of an HTTP API ask over and over."""
import os
import pathlib
import unittest

from .server import ROOT, Server


def shared_data(*parts):
    """A file of the shared data sets, or a skip that says where it was looked for."""
    root = pathlib.Path(os.environ.get("PLUMBLINE_SHARED") or ROOT.parent / "shared")
    path = root.joinpath(*parts)
    if not path.exists():
        raise unittest.SkipTest(f"{'/'.join(parts)} is neither under PLUMBLINE_SHARED nor in ../shared beside the checkout")
    return path


class Case(unittest.TestCase):
    maxDiff = None

    @classmethod
    def start(cls, *arguments, **options):
        """A server for the whole class; its clean end is part of the test."""
        server = Server(*arguments, **options)
        cls.addClassCleanup(server.close)
        return server

    def serve(self, *arguments, **options):
        """A server for this one test."""
        server = Server(*arguments, **options)
        self.addCleanup(server.close)
        return server

    def assert_status(self, response, status):
        self.assertEqual(response.status, status, response)
        return response

    def assert_ok(self, response):
        """2xx; gives the JSON body."""
        self.assertIn(response.status, range(200, 300), response)
        return response.json() if response.body else None

    def assert_problem(self, response, status, code, *errors):
        """An RFC 9457 answer with this code; errors: (pointer, code) pairs that must all be named. Gives the document."""
        self.assertEqual(response.status, status, response)
        self.assertEqual(response.headers.get_content_type(), "application/problem+json", response)
        document = response.json()
        self.assertEqual(document.get("status"), status, response)
        self.assertEqual(document.get("code"), code, response)
        for member in ("type", "title", "request_id"):
            self.assertIsInstance(document.get(member), str, response)
        named = [(error.get("pointer"), error.get("code")) for error in document.get("errors", [])]
        for error in errors:
            self.assertIn(error, named, response)
        return document

    def assert_counts(self, response, **counts):
        """The answer to a write: 200 and these counts, all others 0. Gives the document."""
        self.assertEqual(response.status, 200, response)
        document = response.json()
        names = ("accepted", "duplicate", "stale", "unchanged", "rejected")
        self.assertEqual({name: document.get(name) for name in names}, {name: counts.get(name, 0) for name in names}, response)
        return document
