"""The binary as a program: help, version, check-config, faults of settings, exit codes."""
import os
import re
import socket
import tempfile

from harness import ROOT, Case, Database, BINARY, plumbline

URL = "postgresql://ann:s3cret@db.example/plumbline"


class Program(Case):
    def test_help(self):
        done = plumbline("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for word in ("serve", "migrate", "import", "rebuild", "key", "org", "check-config", "version", "--listen, PLUMBLINE_LISTEN"):
            self.assertIn(word, done.stdout)
        self.assertEqual(plumbline("-h").stdout, done.stdout)

    def test_help_of_every_command(self):
        commands = re.findall(r"(?m)^  ([a-z-]+) +[A-Z]", plumbline("--help").stdout)
        self.assertGreaterEqual(len(commands), 9)
        for command in commands:
            with self.subTest(command):
                done = plumbline(command, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertRegex(done.stdout, rf"^usage: plumbline {command} ")

    def test_nothing_said(self):
        done = plumbline()
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("usage: plumbline COMMAND", done.stderr)

    def test_unknown_command(self):
        done = plumbline("migrat")
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no command migrat; did you mean migrate?", done.stderr)
        self.assertNotIn("did you mean", plumbline("xyzzy").stderr)

    def test_version(self):
        version = (ROOT / "VERSION").read_text(encoding="ascii").strip()
        for words in (["version"], ["--version"]):
            done = plumbline(*words)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"plumbline {version}\n", ""))

    def test_unknown_flag(self):
        done = plumbline("serve", "--lisen", "1.2.3.4:5", database_url=URL)
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no flag --lisen; did you mean --listen?", done.stderr)


class CheckConfig(Case):
    def check(self, *arguments, **env):
        return plumbline("check-config", *arguments, env={"DATABASE_URL": URL, **env})

    def test_fine(self):
        done = self.check("--workers", "8", PLUMBLINE_QUEUE=5)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("DATABASE_URL=postgresql://ann:***@db.example/plumbline\n", done.stdout)
        self.assertIn("PLUMBLINE_WORKERS=8\n", done.stdout)
        self.assertIn("PLUMBLINE_QUEUE=5\n", done.stdout)
        self.assertNotIn("s3cret", done.stdout + done.stderr)

    def test_printed_can_be_read_again(self):
        first = self.check(PLUMBLINE_BODY_MAX="2M", PLUMBLINE_PREPARE="off").stdout
        again = plumbline("check-config", env=dict(line.split("=", 1) for line in first.splitlines()))
        self.assertEqual((again.returncode, again.stdout), (0, first))

    def test_all_faults_at_once(self):
        done = self.check("--queue=many", PLUMBLINE_WORKERS=0, PLUMBLINE_LISTN=1, PLUMBLINE_TLS_CERT="/no/such", PLUMBLINE_PREPARE="x",
                          PLUMBLINE_LISTEN="nowhere")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        for fault in ("--queue: \"many\" is not a number", "PLUMBLINE_WORKERS: \"0\"", "did you mean PLUMBLINE_LISTEN?",
                      "cannot read /no/such", "both are needed", "PLUMBLINE_PREPARE: \"x\"", "\"nowhere\" is not an address"):
            self.assertIn(fault, done.stderr)

    def test_database_url_is_needed(self):
        done = plumbline("check-config")
        self.assertEqual(done.returncode, 2)
        self.assertIn("DATABASE_URL: is needed", done.stderr)

    def test_database_url_from_a_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".url") as file:
            file.write(URL + "\n")
            file.flush()
            done = plumbline("check-config", env={"DATABASE_URL_FILE": file.name})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("postgresql://ann:***@db.example/plumbline\n", done.stdout)

    def test_other_commands_refuse_the_same(self):
        for command in ("serve", "migrate", "rebuild"):
            with self.subTest(command):
                done = plumbline(command, env={"DATABASE_URL": URL, "PLUMBLINE_WORKERS": "none"})
                self.assertEqual(done.returncode, 2)
                self.assertIn("PLUMBLINE_WORKERS: \"none\" is not a number", done.stderr)


class Start(Case):
    def test_address_in_use(self):
        database = Database(BINARY)
        self.addCleanup(database.drop)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = plumbline("serve", "--listen", address, "--admin-listen", "off", database_url=database.url)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"cannot listen on {address}: Address already in use", done.stderr)

    def test_certificate_that_is_none(self):
        database = Database(BINARY)
        self.addCleanup(database.drop)
        name = os.path.join(tempfile.mkdtemp(prefix="plumbline-tls-"), "none.pem")
        with open(name, "w", encoding="ascii") as file:
            file.write("no certificate\n")
        done = plumbline("serve", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--tls-cert", name, "--tls-key", name,
                         database_url=database.url)
        self.assertEqual(done.returncode, 1)
        self.assertIn("are certificate and key sound", done.stderr)

    def test_settings_are_logged_without_secrets(self):
        server = self.serve(env={"PLUMBLINE_WORKERS": 2})
        self.assertRegex(server.log(), r"(?m) msg=settings .*PLUMBLINE_WORKERS=2")
        self.assertNotIn("PLUMBLINE_QUEUE=", server.log())
