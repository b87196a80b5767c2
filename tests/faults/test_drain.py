"""SIGTERM: what is under way is finished and answered, nothing new is taken, the exit code is 0."""
import json
import re
import signal
import socket
import subprocess
import threading
import time

from harness import Case, Client


class Drain(Case):
    def setUp(self):
        self.server = self.serve(env=getattr(self, self._testMethodName).__dict__.get("env", {}))

    def terminate(self):
        self.server.process.send_signal(signal.SIGTERM)

    def wait(self, seconds):
        """The exit code, once it ended."""
        return self.server.process.wait(seconds)

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=30)
        self.addCleanup(connection.close)
        return connection

    def put_head(self, id, size):
        return (f"PUT /v1/accounts/{id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.server.key('ingest')}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n").encode()

    def read_to_end(self, connection):
        said = b""
        while piece := connection.recv(65536):
            said += piece
        return said

    def wait_refused(self, seconds=5):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.server.port), timeout=1).close()
            except OSError:
                return
            time.sleep(0.02)
        self.fail("connections are still taken")

    def test_idle(self):
        started = time.monotonic()
        self.terminate()
        self.assertEqual(self.wait(10), 0)
        self.assertLess(time.monotonic() - started, 3)

    def test_idle_keep_alive_connections_do_not_hold_it_up(self):
        connection = self.connect()
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertRegex(connection.recv(65536), rb"^HTTP/1\.1 200 ")
        silent = self.connect()
        started = time.monotonic()
        self.terminate()
        self.assertEqual(connection.recv(65536), b"")
        self.assertEqual(silent.recv(65536), b"")
        self.assertEqual(self.wait(10), 0)
        self.assertLess(time.monotonic() - started, 3)

    def test_clients_not_accepted_yet_are_answered(self):
        """They connect and ask while the process cannot run; it learns of all of them and of its end at once."""
        self.server.process.send_signal(signal.SIGSTOP)
        connections = [self.connect() for _ in range(200)]
        for connection in connections:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        self.terminate()
        self.server.process.send_signal(signal.SIGCONT)
        for connection in connections:
            self.assertRegex(self.read_to_end(connection), rb"^HTTP/1\.1 200 ")
        self.assertEqual(self.wait(10), 0)

    def test_request_half_sent_is_finished(self):
        body = json.dumps({"name": "Half"}).encode()
        connection = self.connect()
        connection.sendall(self.put_head("half", len(body)) + body[:5])
        time.sleep(0.2)
        self.terminate()
        self.wait_refused()
        self.assertEqual(Client(self.server.admin_url).get("/readyz").json(), {"status": "draining"})
        connection.sendall(body[5:])
        answer = self.read_to_end(connection)
        self.assertRegex(answer, rb"^HTTP/1\.1 200 ")
        self.assertIn(b"Connection: close", answer)
        self.assertEqual(self.wait(10), 0)
        self.assertEqual(self.server.database.value("SELECT count(*) FROM object WHERE kind = 'account' AND object_id = 'half'"), "1")

    def test_request_at_the_database_is_finished(self):
        """A write that waits for a lock when SIGTERM comes gets its 200."""
        self.assert_ok(self.server.client("ingest").put("/v1/accounts/before", {"name": "Before"}))
        lock = subprocess.Popen(["psql", "-X", "-q", "-d", self.server.database.url], stdin=subprocess.PIPE,
                                stdout=subprocess.DEVNULL, text=True)
        self.addCleanup(lock.wait)
        lock.stdin.write("BEGIN; SELECT * FROM org_version FOR UPDATE; SELECT pg_sleep(0);\n")
        lock.stdin.flush()
        time.sleep(0.5)
        body = json.dumps({"name": "Waits"}).encode()
        connection = self.connect()
        connection.sendall(self.put_head("waits", len(body)) + body)
        time.sleep(0.3)
        self.terminate()
        self.wait_refused()
        lock.stdin.write("COMMIT;\n")
        lock.stdin.close()
        self.assertRegex(self.read_to_end(connection), rb"^HTTP/1\.1 200 ")
        self.assertEqual(self.wait(10), 0)

    def test_time_to_drain_is_bounded(self):
        connection = self.connect()
        connection.sendall(self.put_head("never", 1000) + b"{")
        time.sleep(0.2)
        started = time.monotonic()
        self.terminate()
        self.assertEqual(self.wait(15), 0)
        self.assertLess(time.monotonic() - started, 6)
        self.assertNotIn(b" 200 ", self.read_to_end(connection)[:20])
    test_time_to_drain_is_bounded.env = {"PLUMBLINE_DRAIN_TIMEOUT": 1}

    def test_job_that_outlives_the_drain_is_answered_503(self):
        """The database holds a write longer than there is time: its client is told, and the process still ends with 0."""
        self.assert_ok(self.server.client("ingest").put("/v1/accounts/before", {"name": "Before"}))
        lock = subprocess.Popen(["psql", "-X", "-q", "-d", self.server.database.url], stdin=subprocess.PIPE,
                                stdout=subprocess.DEVNULL, text=True)
        self.addCleanup(lock.wait)
        lock.stdin.write("BEGIN; SELECT * FROM org_version FOR UPDATE;\n")
        lock.stdin.flush()
        time.sleep(0.5)
        body = json.dumps({"name": "Late"}).encode()
        connection = self.connect()
        connection.sendall(self.put_head("late", len(body)) + body)
        time.sleep(0.3)
        self.terminate()
        answer = self.read_to_end(connection)
        lock.stdin.close()
        self.assertRegex(answer, rb"^HTTP/1\.1 503 ")
        self.assertIn(b'"code":"shutting_down"', answer)
        self.assertIn(b"Retry-After: ", answer)
        self.assertEqual(self.wait(30), 0)
    test_job_that_outlives_the_drain_is_answered_503.env = {"PLUMBLINE_DRAIN_TIMEOUT": 1, "PLUMBLINE_STATEMENT_TIMEOUT": 8000}

    def test_second_signal_ends_at_once(self):
        connection = self.connect()
        connection.sendall(self.put_head("never", 1000) + b"{")
        time.sleep(0.2)
        self.terminate()
        self.wait_refused()
        started = time.monotonic()
        self.terminate()
        self.assertEqual(self.wait(5), 1)
        self.assertLess(time.monotonic() - started, 3)
        self.server.process = None  # its end was no clean one, and was meant so

    def test_delay_lets_balancers_see_it(self):
        """During the delay /readyz says no and everything is still served."""
        client = self.server.client("ingest")
        self.terminate()
        deadline = time.monotonic() + 1
        while client.get("/readyz").status == 200 and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(client.get("/readyz").json(), {"status": "draining"})
        self.assert_ok(client.put("/v1/accounts/delayed", {"name": "Delayed"}))
        self.assertEqual(self.wait(15), 0)
    test_delay_lets_balancers_see_it.env = {"PLUMBLINE_DRAIN_DELAY": 2}

    def test_under_load_every_acknowledged_write_is_kept(self):
        acknowledged, cut, other, lock = set(), [], [], threading.Lock()
        key, stop = self.server.key("ingest"), threading.Event()

        def write(worker):
            client, i = Client(self.server.url, key, timeout=20), 0
            while not stop.is_set():
                i += 1
                id = f"w{worker}-{i}"
                try:
                    status = client.put(f"/v1/accounts/{id}", {"name": id}).status
                except (OSError, Exception) as error:  # refused or cut: not acknowledged
                    with lock:
                        cut.append(repr(error))
                    return
                with lock:
                    acknowledged.add(id) if status == 200 else other.append(status)

        threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        self.terminate()
        self.assertEqual(self.wait(20), 0)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertGreater(len(acknowledged), 50)
        self.assertEqual(set(other) - {503}, set(), other)
        kept = {row[0] for row in self.server.database.sql("SELECT object_id FROM object WHERE kind = 'account'")}
        self.assertEqual(acknowledged - kept, set())

    def test_log_says_so(self):
        self.terminate()
        self.assertEqual(self.wait(10), 0)
        log = self.server.log()
        for msg in ("listening", "draining", "stopped"):
            self.assertTrue(re.search(rf"(?m) msg={msg}( |$)", log), log)
