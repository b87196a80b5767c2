"""Many objects in one request: arrays, NDJSON, CSV, gzip; and `plumbline import`, which takes the same way."""
import gzip
import http.client
import json
import os
import pathlib
import pty
import subprocess
import tempfile
import zlib

from harness import BINARY, Case, plumbline

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
CSV = {"Content-Type": "text/csv"}
T1 = "2017-01-01T00:00:00Z"
MIB = 1024 * 1024


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


class Bulk(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.api = cls.server.client("ingest", timeout=300)

    def events(self):
        return int(self.server.value("SELECT count(*) FROM event"))

    def errors(self, document):
        return [(error["index"], error["pointer"], error["code"]) for error in document["errors"]]

    def kept(self, kind, object_id):
        return self.assert_ok(self.api.get(f"/v1/{kind}/{object_id}"))


class Arrays(Bulk):
    def test_good_items_are_stored_although_others_are_bad(self):
        rows = [{"id": "g1", "name": "One"}, {"id": "g2", "nam": "Two"}, {"id": "g3"}, 7, {"name": "x"},
                {"id": "g6", "name": "Six", "attributes": {"n": 1}}, {"id": "g1", "status": "lead"}, {"id": "g1", "status": "customer"}]
        document = self.assert_counts(self.api.post("/v1/accounts", rows), accepted=3, rejected=5)
        self.assertEqual(self.errors(document), [(1, "/nam", "unknown_attribute"), (2, "/name", "required"), (3, "", "wrong_type"),
                                                 (4, "/id", "required"), (6, "/status", "not_one_of")])
        self.assertEqual([error.get("id") for error in document["errors"]], ["g2", "g3", None, None, "g1"])
        self.assertEqual(self.kept("accounts", "g1")["status"], "customer")
        self.assertEqual(document["data_version"], int(self.server.value("SELECT data_version FROM org_version WHERE org_id = 1")))

    def test_decimals_travel_as_text(self):
        body = '[{"id":"x1","stage":"open","amount":12345678901234567890.10},{"id":"x2","stage":"open","amount":1e400}]'
        document = self.assert_counts(self.api.post("/v1/opportunities", body, JSON), accepted=1, rejected=1)
        self.assertEqual(self.errors(document), [(1, "/amount", "out_of_range")])
        self.assertIn('"amount": 12345678901234567890.10', self.api.get("/v1/opportunities/x1").text)

    def test_what_is_not_json_changes_nothing(self):
        before = self.events()
        for body in ('[{"id":"n1","name":"N"},{"id":"n2"', '[{"id":"n1","name":"N"},]', '[{"id":"n1","name":"N"}] x', '[{"id":"n1","name":NaN}]'):
            self.assert_problem(self.api.post("/v1/accounts", body, JSON), 400, "invalid_json", ("", "invalid_json"))
        self.assertEqual(self.events(), before)

    def test_empty_array(self):
        self.assertEqual(self.assert_counts(self.api.post("/v1/accounts", []))["errors"], [])

    def test_atomic(self):
        before = self.events()
        rows = [{"id": "t1", "name": "One"}, {"id": "t2"}, {"id": "t3", "nam": 1}]
        document = self.assert_problem(self.api.post("/v1/accounts?atomic=true", rows), 422, "validation_failed",
                                       ("/1/name", "required"), ("/2/nam", "unknown_attribute"))
        self.assertEqual(document["detail"], "2 of 3 items cannot be accepted; nothing was stored")
        self.assertEqual(self.events(), before)
        self.assert_counts(self.api.post("/v1/accounts?atomic=true", rows[:1]), accepted=1)
        self.assertEqual(self.events(), before + 1)

    def test_dry_run(self):
        before = self.server.sql("SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM quarantine), data_version FROM org_version")
        rows = [{"id": "dry", "name": "Dry"}, {"id": "dry", "status": "customer"}, {"id": "dry2"},
                {"id": "dry", "name": "Future", "occurred_at": "2999-01-01T00:00:00Z"}]
        document = self.assert_counts(self.api.post("/v1/accounts?dry_run=true", rows), accepted=2, rejected=2)
        self.assertEqual((document["dry_run"], document["quarantined"]), (True, 1))
        self.assertNotIn("data_version", document)
        after = self.server.sql("SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM quarantine), data_version FROM org_version")
        self.assertEqual(after, before)

    def test_operations(self):
        self.api.post("/v1/accounts", [{"id": f"o{i}", "name": str(i)} for i in range(4)])
        rows = [{"id": "o0", "operation": "delete", "event_id": "od"}, {"id": "o1", "operation": "merge", "merged_into": "o2"},
                {"id": "o3", "operation": "delete"}, {"id": "o3", "operation": "restore"}, {"id": "o2", "operation": "patch", "status": "former"},
                {"id": "o9", "operation": "delete"}, {"id": "o2", "operation": "delete", "name": "x"}]
        document = self.assert_counts(self.api.post("/v1/accounts", rows), accepted=5, rejected=2)
        self.assertEqual(self.errors(document), [(5, "/id", "unknown_object"), (6, "/name", "not_allowed")])
        self.assert_problem(self.api.get("/v1/accounts/o0"), 404, "not_found")
        self.assertEqual(self.kept("accounts", "o1")["merged_into"], "o2")
        self.assertEqual(self.kept("accounts", "o2")["status"], "former")
        self.assertEqual(self.kept("accounts", "o3")["name"], "3")

    def test_times_and_event_ids(self):
        rows = [{"id": "w", "name": "Late", "occurred_at": "2017-03-01T00:00:00Z", "event_id": "w2"},
                {"id": "w", "name": "Early", "occurred_at": "2017-02-01T00:00:00Z", "event_id": "w1"}, {"id": "w", "status": "former"}]
        self.assert_counts(self.api.post(f"/v1/accounts?occurred_at={T1}", rows), accepted=1, stale=2)
        self.assertEqual(self.kept("accounts", "w")["name"], "Late")
        document = self.assert_counts(self.api.post(f"/v1/accounts?occurred_at={T1}", rows), duplicate=3)
        changed = [{**rows[0], "name": "Other"}, rows[1]]
        document = self.assert_counts(self.api.post("/v1/accounts", changed), duplicate=1, rejected=1)
        self.assertEqual((document["quarantined"], self.errors(document)), (1, [(0, "/event_id", "event_id_reused")]))
        self.assertEqual(self.kept("accounts", "w")["name"], "Late")

    def test_idempotency_key_of_a_batch(self):
        rows = [{"id": "k1", "name": "One"}, {"id": "k2", "name": "Two", "event_id": "own"}]
        key = {"Idempotency-Key": "batch-7"}
        self.assert_counts(self.api.post("/v1/accounts", rows, key), accepted=2)
        self.assert_counts(self.api.post("/v1/accounts", rows, key), duplicate=2)
        ids = self.server.sql("SELECT event_id FROM event WHERE object_id IN ('k1', 'k2') ORDER BY 1")
        self.assertEqual(ids, [["batch-7:0"], ["own"]])
        self.assert_problem(self.api.post("/v1/accounts?event_id=e", rows), 400, "invalid_parameter", ("event_id", "not_allowed"))

    def test_unknown_stage_waits_for_its_stage(self):
        self.api.put("/v1/stages/known", {"label": "Known", "outcome": "open"})
        self.assert_counts(self.api.post("/v1/opportunities", [{"id": "s1", "stage": "not-yet"}]), accepted=1)
        self.assert_problem(self.api.post("/v1/opportunities", {"id": "s2", "stage": "not-yet"}), 422, "validation_failed", ("/stage", "unknown_stage"))

    def test_errors_are_capped(self):
        document = self.assert_counts(self.api.post("/v1/accounts", [{"id": i} if i else {"id": "z", "name": "Z"} for i in range(1201)]),
                                      accepted=1, rejected=1200)
        self.assertEqual((len(document["errors"]), document["errors_omitted"]), (1000, 200))

    def test_more_than_a_chunk(self):
        rows = [{"id": f"c{i:04}", "name": f"Name {i}", "attributes": {"pad": "x" * 200}} for i in range(2500)]
        document = self.assert_counts(self.api.post("/v1/accounts", rows), accepted=2500)
        self.assertEqual(self.server.value("SELECT count(*) FROM object WHERE org_id = 1 AND object_id ~ '^c[0-9]{4}$'"), "2500")
        self.assertEqual(document["errors"], [])

    def test_array_of_the_largest_size(self):
        item = '{"id":"big","nam":"' + "x" * 1000 + '"}'
        body = "[" + ",".join([item] * (16 * MIB // (len(item) + 1) - 1)) + "]"
        document = self.assert_ok(self.api.post("/v1/accounts", body, JSON))
        self.assertEqual(document["rejected"], body.count("nam"))
        self.assert_problem(self.api.post("/v1/accounts", body[:-1] + "," + item * 20 + "]", JSON), 413, "body_too_large")

    def test_item_of_more_than_a_mebibyte(self):
        rows = [{"id": "h1", "name": "H", "attributes": {"text": "x" * (MIB + 1)}}, {"id": "h2", "name": "H"}]
        document = self.assert_counts(self.api.post("/v1/accounts", rows), accepted=1, rejected=1)
        self.assertEqual(self.errors(document), [(0, "", "too_long")])


class Ndjson(Bulk):
    def test_lines(self):
        body = ('\ufeff{"id":"l1","name":"One"}\r\n\r\n{"id":"l2","name":\n{"id":"l3","name":"Three","name":"3"}\n   \n'
                '{"id":"l4"}\n{"id":"l5","name":"Five"}')
        document = self.assert_counts(self.api.post("/v1/accounts", body, NDJSON), accepted=2, rejected=3)
        self.assertEqual([(e["index"], e["line"], e["pointer"], e["code"]) for e in document["errors"]],
                         [(1, 3, "", "invalid_json"), (2, 4, "", "duplicate_key"), (3, 6, "/name", "required")])

    def test_line_of_more_than_a_mebibyte(self):
        body = '{"id":"m1","name":"One"}\n{"id":"m2","name":"' + "x" * (2 * MIB) + '"}\n{"id":"m3","name":"Three"}\n'
        document = self.assert_counts(self.api.post("/v1/accounts", body, NDJSON), accepted=2, rejected=1)
        self.assertEqual([(e["line"], e["code"]) for e in document["errors"]], [(2, "too_long")])

    def test_atomic_and_dry_run(self):
        before = self.events()
        rows = [{"id": f"a{i}", "name": str(i)} for i in range(1500)]
        self.assert_problem(self.api.post("/v1/accounts?atomic=true", lines(rows + [{"id": "bad"}]), NDJSON), 422, "validation_failed",
                            ("/1500/name", "required"))
        self.assert_counts(self.api.post("/v1/accounts?dry_run=true", lines(rows), NDJSON), accepted=1500)
        self.assertEqual(self.events(), before)
        self.assert_counts(self.api.post("/v1/accounts?atomic=true", lines(rows), NDJSON), accepted=1500)
        self.assertEqual(self.events(), before + 1500)

    def test_atomic_beyond_its_size(self):
        before = self.events()
        line = json.dumps({"id": "x", "name": "X", "attributes": {"pad": "x" * 1000}}) + "\n"
        document = self.assert_problem(self.api.post("/v1/accounts?atomic=true", line * (17 * MIB // len(line)), NDJSON), 413, "body_too_large")
        self.assertIn("nothing was stored", document["detail"])
        self.assertEqual(self.events(), before)

    def test_gzip(self):
        rows = [{"id": f"z{i}", "name": str(i)} for i in range(1200)]
        packed = gzip.compress(lines(rows).encode())
        headers = {**NDJSON, "Content-Encoding": "gzip"}
        self.assert_counts(self.api.post("/v1/teams", packed, headers), accepted=1200)
        cut = self.assert_problem(self.api.post("/v1/teams", packed[:-20], headers), 400, "invalid_encoding")
        self.assertIn("until then:", cut["detail"])
        self.assert_problem(self.api.post("/v1/teams", b"not gzip", headers), 400, "invalid_encoding")
        self.assert_counts(self.api.post("/v1/teams", gzip.compress(json.dumps(rows[:3]).encode()), {**JSON, "Content-Encoding": "gzip"}), unchanged=3)


class Streams(Case):
    """What does not fit into memory; each on a server of its own, whose peak nothing else has raised."""

    def setUp(self):
        self.server = self.serve()
        self.api = self.server.client("ingest", timeout=300)
        self.assert_counts(self.api.post_ndjson("/v1/accounts", [{"id": "warm", "name": "Warm"}]), accepted=1)

    def peak_bytes(self):
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024

    def stream(self, parts, headers):
        """Sends parts as they are made; the body is never held whole."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=300)
        connection.request("POST", "/v1/accounts", parts, {"Authorization": f"Bearer {self.api.key}", **headers}, encode_chunked=True)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        self.assertEqual(answer.status, 200, body[:1000])
        return json.loads(body)

    def hundred_mebibytes(self):
        """Mostly large records that are refused, so that the test is about reading and not about PostgreSQL."""
        bad = (json.dumps({"id": "bad", "nam": "x" * 950}) + "\n") * 64
        for i in range(100 * MIB // len(bad)):
            yield (bad + json.dumps({"id": f"stream{i}", "name": "S"}) + "\n").encode()

    def check_stream(self, parts, headers):
        total = 100 * MIB // (64 * (len(json.dumps({"id": "bad", "nam": "x" * 950})) + 1))
        before = self.peak_bytes()
        document = self.stream(parts, {**NDJSON, "Transfer-Encoding": "chunked", **headers})
        self.assertEqual((document["accepted"] + document["unchanged"], document["rejected"]), (total, 64 * total))
        self.assertEqual((len(document["errors"]), document["errors_omitted"]), (1000, 64 * total - 1000))
        if b"__asan_init" not in BINARY.read_bytes() and b"__tsan_init" not in BINARY.read_bytes():  # they keep freed memory
            self.assertLess(self.peak_bytes() - before, 16 * MIB, "memory grew with the body")

    def test_100_mib_in_bounded_memory(self):
        self.check_stream(self.hundred_mebibytes(), {})

    def test_100_mib_of_gzip_in_bounded_memory(self):
        def packed():
            packer = zlib.compressobj(1, wbits=31)
            for part in self.hundred_mebibytes():
                yield packer.compress(part)
            yield packer.flush()

        self.check_stream((part for part in packed() if part), {"Content-Encoding": "gzip"})


class Csv(Bulk):
    def test_rows(self):
        body = ('\ufeffid,name,status,is_target,attributes.industry,attributes.employees\r\n'
                'c1,"Nut ""X"", Inc",customer,yes,health,250\r\n'
                'c2,Bolt,,,,\r\n'
                '\r\n'
                'c3,"two\r\nlines",lead,maybe,,\r\n'
                'c4,short\r\n'
                ',No id,,,,\r\n')
        document = self.assert_counts(self.api.post("/v1/accounts", body, CSV), accepted=2, rejected=3)
        self.assertEqual([(e["index"], e["line"], e.get("id"), e["pointer"], e["code"]) for e in document["errors"]],
                         [(2, 5, "c3", "/status", "not_one_of"), (2, 5, "c3", "/is_target", "wrong_type"),
                          (3, 7, None, "", "wrong_column_count"), (4, 8, None, "/id", "required")])
        kept = self.kept("accounts", "c1")
        self.assertEqual((kept["name"], kept["status"], kept["is_target"]), ('Nut "X", Inc', "customer", True))
        self.assertEqual(kept["attributes"], {"industry": "health", "employees": 250})
        self.assertNotIn("attributes", self.kept("accounts", "c2"))

    def test_every_type(self):
        body = ('id,kind,starts_at,duration_s,reps,messages,questions,occurred_at,event_id\n'
                f'v1,call,2017-01-31T09:00:00Z,900.5,r1;r2,"[""up;time""]",7,{T1},e1\n')
        self.assert_counts(self.api.post("/v1/activities", body, CSV), accepted=1)
        self.assert_counts(self.api.post("/v1/activities", body, CSV), duplicate=1)
        kept = self.kept("activities", "v1")
        self.assertEqual((kept["reps"], kept["messages"], kept["questions"], kept["duration_s"]), (["r1", "r2"], ["up;time"], 7, "900.5"))
        self.assertEqual(kept["occurred_at"], T1)

    def test_amounts_are_exact(self):
        self.assert_counts(self.api.post("/v1/opportunities", "id,stage,amount\nx1,open,12345678901234567890.10\n", CSV), accepted=1)
        self.assertEqual(self.kept("opportunities", "x1")["amount"], "12345678901234567890.10")

    def test_headers_are_checked_before_anything_is_stored(self):
        before = self.events()
        document = self.assert_problem(self.api.post("/v1/accounts", "id,nme,industry\na,A,x\n", CSV), 422, "validation_failed",
                                       ("/nme", "unknown_attribute"), ("/industry", "unknown_attribute"))
        self.assertIn('did you mean "name"?', document["errors"][0]["message"])
        self.assertIn("attributes.<name>", document["errors"][1]["message"])
        self.assert_problem(self.api.post("/v1/accounts", "name\nA\n", CSV), 422, "validation_failed", ("/id", "required"))
        document = self.assert_problem(self.api.post("/v1/accounts", "id;name\na;A\n", CSV), 422, "validation_failed")
        self.assertIn("commas", document["errors"][0]["message"])
        self.assertEqual(self.events(), before)

    def test_what_is_not_csv(self):
        document = self.assert_problem(self.api.post("/v1/accounts", 'id,name\nq1,A\nq2,B"C\nq3,D\n', CSV), 400, "invalid_csv", ("", "invalid_csv"))
        self.assertIn("line 3:", document["detail"])
        document = self.assert_problem(self.api.post("/v1/accounts", 'id,name\nq1,"A\n', CSV), 400, "invalid_csv")
        self.assertIn("does not end", document["detail"])
        self.assert_problem(self.api.post("/v1/accounts", "id,name\na,Ä\n".encode("utf-16"), CSV), 400, "invalid_csv")
        self.assert_problem(self.api.post("/v1/accounts", "\n\n", CSV), 400, "invalid_csv")
        document = self.assert_counts(self.api.post("/v1/accounts", b"id,name\nl1,\xc4\n", CSV), rejected=1)
        self.assertEqual(self.errors(document), [(0, "/name", "invalid_text")])

    def test_gzip(self):
        body = gzip.compress(("id,name\n" + "".join(f"g{i},Name {i}\n" for i in range(1500))).encode())
        self.assert_counts(self.api.post("/v1/teams", body, {**CSV, "Content-Encoding": "gzip"}), accepted=1500)


class Import(Bulk):
    """Exit status 0 all stored, 1 failed, 2 wrong use, 3 some rejected."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="plumbline-import-"))

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def imports(self, status, *arguments, **options):
        done = self.server.plumbline("import", *arguments, **options)
        self.assertEqual(done.returncode, status, f"{done.stdout}\n{done.stderr}")
        return done

    def test_formats(self):
        rows = [{"id": f"i{n}", "name": str(n)} for n in range(3)]
        done = self.imports(0, self.file("teams.csv", "id,name\ni0,0\n"), self.file("teams.ndjson.gz", gzip.compress(lines(rows[1:2]).encode())),
                            self.file("teams.json", json.dumps(rows[2:])))
        self.assertEqual([line.split(": ", 1)[1] for line in done.stdout.splitlines()],
                         ["1 accepted, 0 duplicate, 0 stale, 0 unchanged, 0 rejected"] * 3)
        self.assertEqual(self.server.sql("SELECT object_id FROM object WHERE kind = 'team' ORDER BY 1"), [["i0"], ["i1"], ["i2"]])
        self.assertEqual(self.server.value("SELECT DISTINCT source FROM event WHERE kind = 'team'"), "import")
        self.assertEqual(done.stderr, "", "a progress bar goes to terminals only")

    def test_options(self):
        data = self.file("list.txt", "id,name\no1,One\n")
        self.imports(0, "--kind", "accounts", "--format=csv", "--source", "crm", "--occurred-at", T1, data)
        self.assertEqual(self.server.sql("SELECT source, occurred_at = '2017-01-01Z' FROM event WHERE object_id = 'o1'"), [["crm", "t"]])
        done = self.imports(0, "--kind", "accounts", "--format=csv", "--source", "crm", "--occurred-at", T1, data)
        self.assertIn("0 accepted, 1 duplicate", done.stdout)
        done = self.imports(0, "--kind", "accounts", "--format", "ndjson", "--dry-run", "-", input='{"id":"o2","name":"Two"}\n')
        self.assertIn("dry run", done.stdout)
        self.assertEqual(self.server.value("SELECT count(*) FROM object WHERE object_id = 'o2'"), "0")

    def test_rejects_are_printed_with_their_line(self):
        path = self.file("accounts.csv", "id,name,status\nr1,One,\nr2,Two,lead\nr3,,\n")
        done = self.imports(3, path)
        self.assertEqual(done.stderr.splitlines(), [
            f'{path}:3: r2: /status not_one_of: "lead" is not one of prospect, customer, former',
            f"{path}:4: r3: /name required: The first record of this account must carry name."])
        done = self.imports(3, "--atomic", self.file("accounts.ndjson", '{"id":"r8","name":"Eight"}\n{"id":"r9"}\n'))
        self.assertIn("nothing was stored", done.stderr)
        self.assertEqual(self.server.value("SELECT count(*) FROM object WHERE object_id = 'r8'"), "0")

    def test_mistakes(self):
        self.assertIn("which file?", self.imports(2).stderr)
        self.assertIn("say --kind with one of reps, teams,", self.imports(2, self.file("clients.csv", "id\n")).stderr)
        self.assertIn("Say --format", self.imports(2, "--kind=accounts", self.file("accounts.txt", "id\n")).stderr)
        self.assertIn("No such file", self.imports(1, str(self.folder / "accounts.csv")).stderr)
        self.assertIn("did you mean --kind?", self.imports(2, "--kin", "accounts", "x.csv").stderr)
        self.assertIn("--occurred-at", self.imports(2, "--occurred-at", "today", "x.csv").stderr)
        self.assertIn("line 2:", self.imports(1, self.file("accounts.csv", 'id,name\na,"x\n')).stderr)
        self.assertIn("broken", self.imports(1, self.file("teams.csv.gz", gzip.compress(b"id,name\na,b\n")[:-9])).stderr)
        self.assertIn("no organisation nowhere", self.imports(1, "--org", "nowhere", self.file("reps.csv", "id,name\n")).stderr)
        self.assertEqual(plumbline("import", "x.csv").returncode, 2, "needs DATABASE_URL")

    def test_many_rows(self):
        body = "id,name\n" + "".join(f"big{i},Name {i}\n" for i in range(5000))
        self.assertIn("5000 accepted", self.imports(0, self.file("teams.csv", body)).stdout)

    def test_progress_bar_on_a_terminal(self):
        path = self.file("accounts.csv", "id,name\n" + "".join(f"bar{i},Name {i}\n" for i in range(5000)))
        try:
            ours, theirs = pty.openpty()
        except OSError as error:
            self.skipTest(f"no pseudo-terminal to be had: {error}")
        with subprocess.Popen([str(BINARY), "import", path], stdout=subprocess.PIPE, stderr=theirs, text=True,
                              env={**os.environ, "DATABASE_URL": self.server.database.url}) as process:
            os.close(theirs)
            shown = b""
            while True:
                try:
                    shown += os.read(ours, 4096)
                except OSError:  # its end is closed
                    break
            self.assertIn("5000 accepted", process.stdout.read())
        os.close(ours)
        self.assertEqual(process.returncode, 0)
        self.assertRegex(shown.decode(), r"accounts\.csv \[#*-*\] +\d+%  \d+ rows/s  \d+:\d\d left")
        self.assertTrue(shown.endswith(b"\r\x1b[K"), "the bar is wiped at the end")
