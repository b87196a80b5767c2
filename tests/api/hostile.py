"""Inputs that break things: two collections of other people's, and what they do not have."""
import json
import zipfile

from harness import ROOT

SUITES = ROOT / "tests/suites"
DEEP = 100000
HANDMADE = {
    "n_deep_arrays.json": b"[" * DEEP + b"]" * DEEP, "n_deep_objects.json": b'{"a":' * DEEP + b"1" + b"}" * DEEP, "n_overlong_utf8.json": b'{"id":"\xc0\xaf"}',
    "n_surrogate_in_utf8.json": b'{"id":"\xed\xa0\x80"}', "n_beyond_unicode.json": b'{"id":"\xf4\x90\x80\x80"}', "n_duplicate_key.json": b'{"id":"a","id":"b"}',
    "n_nul_byte.json": b'{"id":"a\x00b"}',
    "i_nul_escape.json": b'{"id":"a\\u0000b"}', "i_huge_exponent.json": b'{"id":1e999999999}',
    "i_huge_integer.json": b'{"id":' + b"9" * 100000 + b"}", "i_tiny.json": b'{"id":1e-999999999}',
    "i_many_keys.json": json.dumps({f"k{n}": n for n in range(20000)}).encode(),
    "i_many_items.json": b"[" + b",".join([b"{}"] * 100000) + b"]", "i_long_key.json": b'{"' + b"k" * 1000000 + b'":1}', "i_prototype.json": b'{"__proto__":{"a":1},"constructor":null}',
}
INJECTIONS = ("'", "'; DROP TABLE event; --", "1' OR '1'='1", "$1", "\\", "%00", "a\u0000b", "=cmd|' /C calc'!A0", "@SUM(1+1)", "\r\nX-Injected: 1", "{\"$gt\":\"\"}", "../../etc/passwd",
              "%s%n%x", "\ufeff", "\u202e", "9" * 400, "-1", "NaN", "infinity", "2026-02-30", "a" * 5000, "", " ", "*", "\U0001f600")


def json_files():
    """name → bytes; the first letter says whether it is JSON: y, n, or either (i)."""
    with zipfile.ZipFile(SUITES / "JSONTestSuite.zip") as suite:
        return {name: suite.read(name) for name in suite.namelist() if name.endswith(".json")} | HANDMADE


def naughty_strings():
    return json.loads((SUITES / "blns.json").read_text("utf-8"))
