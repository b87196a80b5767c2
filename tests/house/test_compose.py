"""docker/: that compose.yaml and the Dockerfile name only what is there, keep secrets in files and open nothing to the outside.

Images are built and run by docker/check-image.sh."""
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

import yaml

from harness import ROOT, plumbline

DOCKER = ROOT / "docker"


def setting_names():
    return set(re.findall(r"(?m)^  --\S+, (\S+)$", plumbline("--help").stdout))


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
        cls.file = yaml.safe_load(cls.text)
        cls.services = cls.file["services"]
        cls.secrets = pathlib.Path(tempfile.mkdtemp(prefix="plumbline-secrets-"))
        cls.addClassCleanup(shutil.rmtree, cls.secrets)
        subprocess.run([DOCKER / "secrets.sh", cls.secrets], check=True)

    def test_starts_the_service_with_settings_that_it_accepts(self):
        environment = self.services["plumbline"]["environment"]
        self.assertLessEqual({name.removesuffix("_FILE") for name in environment}, setting_names())
        here = {name: value.replace("/run/secrets", str(self.secrets)) for name, value in environment.items()}
        done = plumbline("check-config", env=here)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("DATABASE_URL=postgresql://plumbline:***@database/plumbline\n", done.stdout)
        self.assertIn("PLUMBLINE_MIGRATE=on\n", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^PLUMBLINE_SECRET_KEY=\S+$")

    def test_secrets_are_files_that_secrets_sh_makes_once(self):
        made = {path.name: path.read_text() for path in self.secrets.iterdir()}
        self.assertEqual({name: f"./secrets/{name}" for name in made}, {name: entry["file"] for name, entry in self.file["secrets"].items()})
        self.assertEqual(set(made), {name for service in self.services.values() for name in service.get("secrets", [])})
        for service in self.services.values():
            for name, value in service.get("environment", {}).items():
                if name.endswith("_FILE"):
                    self.assertIn(value.removeprefix("/run/secrets/"), service["secrets"])
                self.assertNotRegex(name, r"(PASSWORD|SECRET_KEY|DATABASE_URL)$", "a secret stands in the environment")
        subprocess.run([DOCKER / "secrets.sh", self.secrets], check=True)
        self.assertEqual({path.name: path.read_text() for path in self.secrets.iterdir()}, made)
        self.assertIn(made["database_password"], made["database_url"])
        self.assertRegex(made["database_password"], r"^[0-9a-f]{48}$")
        self.assertEqual(stat.S_IMODE(self.secrets.stat().st_mode), 0o700)
        ignored = subprocess.run(["git", "-C", ROOT, "check-ignore", "-q", "docker/secrets/secret_key"], check=False)
        if (ROOT / ".git").exists():
            self.assertEqual(ignored.returncode, 0, "git would take the secrets in")

    def test_ports_are_bound_to_this_machine(self):
        ports = [port for service in self.services.values() for port in service.get("ports", [])]
        self.assertIn("127.0.0.1:8080:8080", ports)
        for port in ports:
            self.assertTrue(port.startswith("127.0.0.1:"), port)

    def test_waits_only_for_what_can_be_healthy(self):
        dockerfile = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
        healthy = {name for name, service in self.services.items() if "healthcheck" in service or ("build" in service and "HEALTHCHECK" in dockerfile)}
        self.assertEqual(self.services["plumbline"]["depends_on"], {"database": {"condition": "service_healthy"}})
        for service in self.services.values():
            needs = service.get("depends_on", {})
            self.assertLessEqual(set(needs), set(self.services))
            for name, condition in needs.items() if isinstance(needs, dict) else []:
                self.assertEqual(condition, {"condition": "service_healthy"})
                self.assertIn(name, healthy)

    def test_mounts_what_is_there(self):
        for service in self.services.values():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue((DOCKER / source).exists(), source)
                else:
                    self.assertIn(source, self.file["volumes"])

    def test_prometheus_asks_the_admin_listener(self):
        here, composed = (yaml.safe_load((DOCKER / "prometheus" / name).read_text(encoding="utf-8")) for name in ("prometheus.yml", "compose.yml"))
        self.assertEqual(composed["scrape_configs"][0].pop("static_configs"), [{"targets": ["plumbline:8081"]}])
        del here["scrape_configs"][0]["static_configs"]
        self.assertEqual(composed, here)
        self.assertIn("--config.file=/etc/prometheus/compose.yml", self.services["prometheus"]["command"])
        self.assertIn("PLUMBLINE_ADMIN_LISTEN=0.0.0.0:8081", (DOCKER / "Dockerfile").read_text(encoding="utf-8"))
        sources = (DOCKER / "grafana/provisioning/datasources/plumbline.yml").read_text(encoding="utf-8")
        self.assertIn("${PROMETHEUS_URL}", sources)
        self.assertEqual(self.services["grafana"]["environment"]["PROMETHEUS_URL"], "http://prometheus:9090")

    @unittest.skipUnless(shutil.which("docker-compose"), "docker-compose is not installed")
    def test_is_what_the_schema_of_compose_files_allows(self):
        """Debian's docker-compose 1.29 checks against the schema; it is older than the name at the top."""
        done = subprocess.run(["docker-compose", "--project-directory", DOCKER, "-f", "-", "config"], capture_output=True, text=True, check=False,
                              input=re.sub(r"(?m)^name: .*\n", "", self.text))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(yaml.safe_load(done.stdout)["services"]), set(self.services))


class Dockerfile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = (DOCKER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")

    def test_copies_what_is_there_and_not_ignored(self):
        ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        self.assertEqual(ignored[0], "*")
        copied = [name for line in re.findall(r"(?m)^COPY (?!--from)(.*)$", self.text) for name in line.split()[:-1]]
        self.assertIn("server", copied)
        for name in copied:
            self.assertTrue((ROOT / name).exists(), name)
            self.assertIn(f"!{name}", ignored)

    def test_sets_what_exists_and_is_nobody_special(self):
        names = set(re.findall(r"([A-Z_]+)=\S+", re.search(r"(?m)^ENV (.*)$", self.text)[1]))
        self.assertEqual(names, {"PLUMBLINE_LISTEN", "PLUMBLINE_ADMIN_LISTEN", "PLUMBLINE_MIGRATE"})
        self.assertLessEqual(names, setting_names())
        user = re.search(r"(?m)^USER (\d+):(\d+)$", self.text)
        self.assertIn(f"--uid {user[1]} ", self.text)
        self.assertGreater(int(user[1]), 999)


if __name__ == "__main__":
    unittest.main()
