"""migrate, key, org and rebuild as an operator uses them."""
import concurrent.futures
import re
import socket
import time

from harness import Case
from harness.database import Database
from harness.server import BINARY, plumbline

KEY = r"^pl_1_[0-9a-f]{12}_[A-Za-z0-9_-]{43}\n$"


class Commands(Case):
    def database(self, empty=False):
        database = Database(BINARY, empty=empty)
        self.addCleanup(database.drop)
        return database

    def run_in(self, database, *arguments, code=0):
        done = plumbline(*arguments, database_url=database.url)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done


class Health(Commands):
    def test_asks_the_service_that_the_settings_start(self):
        server = self.start()
        for address in (f"127.0.0.1:{server.admin_port}", f"0.0.0.0:{server.admin_port}", f"localhost:{server.admin_port}", f":{server.admin_port}"):
            done = plumbline("check-health", "--admin-listen", address)
            self.assertEqual((done.returncode, done.stderr), (0, ""), address)
            self.assertEqual(done.stdout, server.admin().get("/healthz").text)
        ready = plumbline("check-health", "--ready", env={"PLUMBLINE_ADMIN_LISTEN": f"127.0.0.1:{server.admin_port}"})
        self.assertEqual((ready.returncode, ready.stderr), (0, ""))
        self.assertEqual(ready.stdout, server.admin().get("/readyz").text)

    def test_fails_when_it_is_not_ready_or_not_there(self):
        server = self.serve(env={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, wait=False)
        admin = f"--admin-listen=127.0.0.1:{server.admin_port}"
        deadline = time.monotonic() + 60
        while plumbline("check-health", admin).returncode != 0:
            self.assertLess(time.monotonic(), deadline, server.log())
        done = plumbline("check-health", "--ready", admin)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, '{"status":"no_database"}\n')
        done = plumbline("check-health", "--admin-listen=127.0.0.1:1")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("nothing answers on 127.0.0.1:1", done.stderr)

    def test_says_what_is_wrong_with_its_arguments(self):
        for arguments, said in ((["--redy"], "--redy is not understood"), (["--ready", "x"], "--ready is not understood"),
                                (["--admin-listen=off"], "admin-listen is off")):
            done = plumbline("check-health", *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn(said, done.stderr)

    def test_gives_up_on_who_takes_the_connection_and_says_nothing(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            done = plumbline("check-health", f"--admin-listen=127.0.0.1:{silent.getsockname()[1]}")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no answer from 127.0.0.1:", done.stderr)


class Migrate(Commands):
    def objects(self, database):
        return database.sql("SELECT nspname, relname, relkind, relfilenode FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
                            "WHERE nspname IN ('public', 'pl') ORDER BY 1, 2") + \
            database.sql("SELECT p.oid, proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'pl' ORDER BY 1") + \
            database.sql("SELECT * FROM schema_migration ORDER BY name")

    def test_twice_changes_nothing(self):
        database = self.database(empty=True)
        self.assertIn("0001-foundation pending", self.run_in(database, "migrate", "--status", code=1).stdout)
        self.assertEqual(database.sql("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public'"),
                         [["0"]], "--status changed something")
        first = self.run_in(database, "migrate").stdout
        self.assertRegex(first, r"0001-foundation applied\n(.* applied\n)*functions applied\nthe schema is current\n")
        before = self.objects(database)
        self.assertEqual(self.run_in(database, "migrate").stdout, "the schema is current\n")
        self.assertEqual(self.objects(database), before)
        self.assertNotIn("pending", self.run_in(database, "migrate", "--status").stdout)

    def test_several_at_a_time(self):
        database = self.database(empty=True)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            done = list(pool.map(lambda _: plumbline("migrate", database_url=database.url), range(4)))
        self.assertEqual([one.returncode for one in done], [0] * 4, "".join(one.stderr for one in done))
        applied = sum(one.stdout.count("0001-foundation applied") for one in done)
        self.assertEqual(applied, 1)

    def test_functions_are_replaced_whole(self):
        database = self.database()
        database.sql("CREATE FUNCTION pl.left_over() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        database.sql("UPDATE schema_migration SET checksum = 'older' WHERE name = 'functions'")
        self.assertIn("functions outdated", self.run_in(database, "migrate", "--status", code=1).stdout)
        self.run_in(database, "migrate")
        self.assertEqual(database.sql("SELECT 1 FROM pg_proc WHERE proname = 'left_over'"), [])

    def test_refuses_what_it_does_not_know(self):
        database = self.database()
        database.sql("INSERT INTO schema_migration VALUES ('9999-future', 'x', now())")
        self.assertIn("9999-future was applied by a newer version", self.run_in(database, "migrate", code=1).stderr)
        done = self.run_in(database, "serve", "--listen=127.0.0.1:0", "--admin-listen=off", code=1)
        self.assertIn("9999-future", done.stderr)
        database.sql("DELETE FROM schema_migration WHERE name = '9999-future'")
        database.sql("UPDATE schema_migration SET checksum = 'tampered' WHERE name = '0001-foundation'")
        self.assertIn("0001-foundation was changed after it was applied", self.run_in(database, "migrate", code=1).stderr)

    def test_serve_refuses_an_old_schema_and_can_bring_it_up(self):
        database = self.database(empty=True)
        done = self.run_in(database, "serve", "--listen=127.0.0.1:0", "--admin-listen=off", code=1)
        self.assertIn("plumbline migrate", done.stderr)
        server = self.serve(database=database, arguments=["--migrate"])
        self.assert_ok(server.client().put("/v1/reps/r1", {"name": "Ann"}))
        self.assertNotIn("statement_refused", server.log(), "PostgreSQL refuses to prepare a statement")

    def test_database_away(self):
        done = plumbline("migrate", database_url="postgresql://nobody@127.0.0.1:1/none")
        self.assertEqual(done.returncode, 1)
        self.assertIn("database", done.stderr)


class Key(Commands):
    @classmethod
    def setUpClass(cls):
        cls.shared = Database(BINARY)
        cls.addClassCleanup(cls.shared.drop)

    def key(self, *arguments, code=0):
        return self.run_in(self.shared, "key", *arguments, code=code)

    def test_create_prints_it_once(self):
        done = self.key("create", "--scope", "read,ingest", "--label", "for Zoë", "--rep", "r1", "--read-scope=self")
        self.assertRegex(done.stdout, KEY)
        number, secret = done.stdout.strip().split("_", 3)[2:]
        listed = self.key("list").stdout
        self.assertNotIn(secret, listed)
        self.assertRegex(listed, rf"(?m)^{number} +for Zoë +read,ingest +self +rep r1 .* active$")
        stored = self.shared.sql(f"SELECT * FROM api_key WHERE key_id = '{number}'")
        self.assertNotIn(secret, str(stored))
        self.assertEqual(self.shared.value(f"SELECT encode(digest, 'hex') = encode(sha256('{secret}'), 'hex') FROM api_key "
                                           f"WHERE key_id = '{number}'"), "t")

    def test_wrong_uses(self):
        for arguments, code, said in (
                ([], 2, "say what to do"),
                (["destroy"], 2, "say what to do"),
                (["create"], 2, "--scope"),
                (["create", "--scope"], 2, "--scope needs a value"),
                (["create", "--scope=read", "--scope=read"], 2, "given twice"),
                (["create", "--scop=read"], 2, "did you mean --scope"),
                (["create", "--scope=read", "--grace=1"], 2, "create does not take --grace"),
                (["create", "--scope=read", "extra"], 2, "create takes options only"),
                (["revoke"], 2, "revoke takes the id of one key"),
                (["rotate", "x", "--grace=soon"], 2, "number of hours"),
                (["create", "--scope=reed"], 1, "there is no scope reed"),
                (["create", "--scope="], 1, "a key needs a scope"),
                (["create", "--scope=read", "--read-scope=none"], 1, "there is no read scope none"),
                (["create", "--scope=read", "--read-scope=self"], 1, "needs the rep"),
                (["create", "--scope=read", "--read-scope=team"], 1, "needs the team"),
                (["create", "--scope=read", "--expires=2020-01-01"], 1, "expired already"),
                (["create", "--scope=read", "--expires=tomorrow-ish"], 1, "neither a date nor a time"),
                (["create", "--scope=read", "--org=nobody"], 1, "there is no organisation nobody"),
                (["revoke", "nothing"], 1, "there is no key nothing")):
            with self.subTest(arguments=arguments):
                before = self.shared.value("SELECT count(*) FROM api_key")
                done = self.key(*arguments, code=code)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stdout, "")
                self.assertEqual(self.shared.value("SELECT count(*) FROM api_key"), before)

    def test_rotate(self):
        old = self.key("create", "--scope=strategy", "--source=crm", "--label=turning").stdout.split("_")[2]
        done = self.key("rotate", old, "--grace=2")
        self.assertRegex(done.stdout, KEY)
        new = done.stdout.split("_")[2]
        self.assertNotEqual(new, old)
        rows = self.shared.sql("SELECT key_id, label, scopes, source, revoked_at IS NULL, expires_at BETWEEN now() + '119 min' AND now() + '2 h' "
                               f"FROM api_key WHERE key_id IN ('{old}', '{new}') ORDER BY created_at")
        self.assertEqual(rows, [[old, "turning", "{strategy}", "crm", "t", "t"], [new, "turning", "{strategy}", "crm", "t", ""]])
        self.key("rotate", new)
        self.assertIn("revoked already", self.key("rotate", new, code=1).stderr)

    def test_audit(self):
        number = self.key("create", "--scope=admin").stdout.split("_")[2]
        self.key("revoke", number)
        rows = self.shared.sql("SELECT actor, action, before IS NULL, after ->> 'revoked_at' IS NULL, coalesce(before::text, '') || after::text "
                               f"FROM audit WHERE object = 'key/{number}' ORDER BY audit_id")
        self.assertEqual([row[:4] for row in rows], [["cli", "key.create", "t", "t"], ["cli", "key.revoke", "f", "f"]])
        self.assertNotRegex("".join(row[4] for row in rows), "digest")


class Org(Commands):
    def test_create_and_list(self):
        database = self.database()
        self.assertEqual(self.run_in(database, "org", "create", "acme", "--name", "Acme & Söhne").stdout, "organisation acme made with id 2\n")
        listed = self.run_in(database, "org", "list").stdout
        self.assertRegex(listed, r"(?m)^1 +default +")
        self.assertRegex(listed, r"(?m)^2 +acme +Acme & Söhne +")
        self.assertIn("acme", self.run_in(database, "org", "create", "acme", code=1).stderr)
        self.run_in(database, "org", "create", "Not A Slug", code=1)
        self.run_in(database, "org", "create", code=2)
        self.run_in(database, "org", code=2)


class Rebuild(Commands):
    def test_changes_no_answer(self):
        server = self.serve()
        client = server.client()
        self.assert_ok(client.put("/v1/reps/r1", {"name": "Ann"}))
        self.assert_ok(client.put("/v1/accounts/a1", {"name": "Acme", "attributes": {"industry": "healthcare"}}))
        self.assert_ok(client.put("/v1/stages/won", {"label": "Won", "outcome": "won"}))
        self.assert_ok(client.put("/v1/opportunities/o1", {"stage": "won", "owner": "r1", "account": "a1", "amount": "100.10",
                                                             "currency": "EUR", "created_at": "2026-01-05T00:00:00Z",
                                                             "closed_at": "2026-02-05T00:00:00Z"}))
        paths = ("/v1/opportunities/o1", "/v1/accounts", "/v1/alignment?by=rep&period=2026-Q1", "/v1/metrics/win_rate?period=2026-Q1")
        before = [client.get(path).body for path in paths]
        done = server.plumbline("rebuild", "--org", "default")
        self.assertEqual((done.returncode, done.stdout), (0, "default: 4 objects from 4 events\n"), done.stderr)
        self.assertEqual([client.get(path).body for path in paths], before)
        self.assertTrue(re.search(r"default: 4 objects", server.plumbline("rebuild").stdout))
        self.assertEqual(server.plumbline("rebuild", "--org=nobody").returncode, 1)
        self.assertEqual(server.plumbline("rebuild", "now").returncode, 2)
        job = self.assert_ok(client.get("/v1/jobs?kind=rebuild"))["data"][0]
        self.assertEqual((job["status"], job["result"], job["progress"]["done"]), ("done", {"objects": 4, "events": 4, "changed": 0}, job["progress"]["total"]))

    def test_mends_what_the_log_does_not_say(self):
        server = self.serve()
        client = server.client()
        for name in ("a1", "a2"):
            self.assert_ok(client.put(f"/v1/accounts/{name}", {"name": "Acme"}))
        self.assert_ok(client.put("/v1/stages/won", {"label": "Won", "outcome": "won"}))
        self.assert_ok(client.put("/v1/opportunities/o1", {"stage": "won", "account": "a1", "amount": "100.10", "currency": "EUR"}))
        kept = server.sql("SELECT * FROM object ORDER BY kind, object_id"), server.sql("SELECT * FROM deal_fact_of"), server.sql("SELECT * FROM account_version ORDER BY 2")
        server.sql("""UPDATE object SET doc = doc || '{"name": "Other"}' WHERE object_id = 'a2';
                      INSERT INTO object SELECT org_id, kind, 'zz', doc, track, first_at, last_at, last_seq, last_event, last_received FROM object WHERE object_id = 'o1';
                      UPDATE deal_fact_of SET amount = 7; INSERT INTO account_version SELECT org_id, 'stray', valid_from, valid_to, attrs, backcast, times FROM account_version LIMIT 1""")
        done = server.plumbline("rebuild")
        self.assertEqual((done.returncode, done.stdout), (0, "default: 4 objects from 4 events, 2 of them were not what the log says\n"), done.stderr)
        self.assertEqual((server.sql("SELECT * FROM object ORDER BY kind, object_id"), server.sql("SELECT * FROM deal_fact_of"),
                          server.sql("SELECT * FROM account_version ORDER BY 2")), kept)

    def test_not_beside_another_job(self):
        server = self.serve()
        server.sql("INSERT INTO job (org_id, job_id, kind, object, status, phase, chunk, actor, created_at, failures) VALUES (1, 1, 'publish', 'strategy/s1', 'running', 'accounts', 1, 'x', now(), -1000)")
        done = server.plumbline("rebuild")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("Job j1 (publish strategy/s1) is not finished", done.stderr)


if __name__ == "__main__":
    import unittest
    unittest.main()
