"""docker/prometheus and docker/grafana: the rules say what their unit tests want, a real Prometheus scrapes the real server, and every expression of
the dashboard is one that Prometheus answers from what the server gives. (Grafana is in no Debian release: its JSON is held to names and answers.)"""
import datetime
import hashlib
import hmac
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import yaml

from contract import ROOT
from harness import Case, free_port

FOLDER = ROOT / "docker/prometheus"
RULES = FOLDER / "rules/plumbline.yml"
TESTS = ROOT / "tests/contract/alerts.yml"
DASHBOARD = ROOT / "docker/grafana/dashboards/plumbline.json"
QUIET = {"topk(10, route:plumbline_slow:ratio_rate5m{job=\"plumbline\"} > 0)"}  # of the dashboard, what only something bad would fill
SECRET = "a1b2c3d4-0000-4000-8000-5e6f7a8b9c0d"


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def alerts():
    return [rule for rule in rules() if "alert" in rule]


def expressions():
    """(title, expression) of every panel, variable and annotation of the dashboard."""
    document = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for panel in document["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for annotation in document["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


def anchors(page):
    """What headings are called in links, as GitHub and GitLab make it."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Files(unittest.TestCase):
    def test_every_alert_has_a_runbook(self):
        self.assertGreater(len(alerts()), 20)
        for alert in alerts():
            page, _, anchor = alert["annotations"]["runbook"].partition("#")
            self.assertIn(anchor, anchors(ROOT / page), alert["alert"])
            self.assertIn(alert["labels"]["severity"], ("page", "ticket", "info"), alert["alert"])

    def test_every_runbook_has_its_alert(self):
        told = re.findall(r"^#+ (Plumbline[A-Z]\w+)$", (ROOT / "docs/operations.md").read_text(encoding="utf-8"), re.M)
        self.assertEqual(sorted(told), sorted(alert["alert"] for alert in alerts()))

    def test_every_alert_is_tested_firing_and_silent(self):
        cases = yaml.safe_load(TESTS.read_text(encoding="utf-8"))["tests"]
        self.assertEqual([case["name"] for case in cases], [alert["alert"] for alert in alerts()])
        for case in cases:
            silent, firing = case["promql_expr_test"]
            self.assertEqual(silent["exp_samples"], [], case["name"])
            self.assertIn(f'"{case["name"]}"', firing["exp_samples"][0]["labels"])

    def test_dashboard_names_its_own_variables(self):
        document = json.loads(DASHBOARD.read_text(encoding="utf-8"))
        known = {variable["name"] for variable in document["templating"]["list"]} | {"__rate_interval", "__all"}
        self.assertEqual(set(re.findall(r"\$\{?(\w+)", json.dumps(document))) - known, set())
        self.assertEqual(len({panel["id"] for panel in document["panels"]}), len(document["panels"]))

    def test_provisioning_is_yaml(self):
        for path in (ROOT / "docker/grafana/provisioning").glob("*/*.yml"):
            self.assertEqual(yaml.safe_load(path.read_text(encoding="utf-8"))["apiVersion"], 1, path)


@unittest.skipIf(shutil.which("promtool") is None, "promtool (package prometheus) is not installed")
class Promtool(unittest.TestCase):
    def promtool(self, *arguments):
        done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_configuration(self):
        self.assertIn("SUCCESS", self.promtool("check", "config", FOLDER / "prometheus.yml"))

    def test_rules(self):
        self.assertIn(f"{len(rules())} rules found", self.promtool("check", "rules", RULES))

    def test_alerts_fire_and_are_silent(self):
        self.assertIn("SUCCESS", self.promtool("test", "rules", TESTS))


class Prometheus:
    """A real one, with the configuration of docker/prometheus but for where and how often."""

    def __init__(self, targets):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="plumbline-prometheus-"))
        shutil.copytree(FOLDER, self.folder / "etc")
        text = (FOLDER / "prometheus.yml").read_text(encoding="utf-8")
        text = text.replace('["127.0.0.1:8081"]', json.dumps(targets)).replace("interval: 15s", "interval: 1s")
        (self.folder / "etc/prometheus.yml").write_text(text, encoding="utf-8")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(["prometheus", f"--config.file={self.folder}/etc/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
                                         f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"], stdout=self.log, stderr=self.log)

    def ask(self, path, **parameters):
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(parameters)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        return self.ask("/api/v1/query", query=expression)["result"]

    def wait(self, expression, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            try:
                found = self.query(expression)
                if found:
                    return found
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise AssertionError(f"{expression} has no value after {seconds} s\n{(self.folder / 'log').read_text()}")
            time.sleep(0.2)

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()
        shutil.rmtree(self.folder)


STRATEGY = {
    "name": "Care first", "effective_from": "2020-01-01",
    "segments": [{"key": "care", "label": "Care", "when": [{"attr": "industry", "eq": "care"}], "target": {"bookings": 1, "time": 1}}],
    "fit": {"criteria": [{"key": "industry", "weight": 1, "attr": "industry", "match": [{"eq": "care", "score": 1}]}],
            "required": [], "disqualify": [], "min_coverage": 0.5,
            "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]},
    "products": {"GTX": 1}, "messages": [], "opportunistic": {"limit": 0.15, "easy_origins": ["inbound"]}}


@unittest.skipIf(shutil.which("prometheus") is None, "prometheus is not installed")
class Scrape(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start(env={"PLUMBLINE_GAUGE_INTERVAL": 1, "PLUMBLINE_GAUGE_REPS": "on"})
        cls.client = cls.server.client()
        cls.fill(cls("test_scraped"))
        cls.prometheus = Prometheus([f"127.0.0.1:{cls.server.admin_port}"])
        cls.addClassCleanup(cls.prometheus.close)
        cls.prometheus.wait("plumbline_ready")
        # What a dashboard shows of a busy quarter of a minute.
        ends = time.monotonic() + 12
        while time.monotonic() < ends:
            cls.traffic(cls("test_scraped"))

    def fill(self):
        today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        strategy = self.assert_ok(self.client.post("/v1/strategies", STRATEGY))["id"]
        self.assert_ok(self.client.post(f"/v1/strategies/{strategy}/publish"))
        for path, records in {
                "stages": [{"id": "talk", "label": "Talk", "outcome": "open"}, {"id": "won", "label": "Won", "outcome": "won"}, {"id": "lost", "label": "Lost", "outcome": "lost"}],
                "teams": [{"id": "north", "name": "North"}, {"id": "south", "name": "South"}],
                "reps": [{"id": "ann", "name": "Ann", "team": "north"}, {"id": "bob", "name": "Bob", "team": "south"}],
                "products": [{"id": "p", "name": "P", "family": "GTX"}],
                "accounts": [{"id": "clinic", "name": "Clinic", "attributes": {"industry": "care"}}, {"id": "bank", "name": "Bank", "attributes": {"industry": "bank"}}],
                "opportunities": [{"id": f"d{n}", "name": f"Deal {n}", "owner": "ann" if n % 2 else "bob", "account": "bank" if n % 4 == 0 else "clinic",
                                   "stage": ("won", "lost", "talk")[n % 3], "amount": "100.00", "currency": "EUR", "created_at": today, "closed_at": today,
                                   "lines": [{"id": "1", "product": "p", "amount": "100.00"}]} for n in range(24)],
                "activities": [{"id": f"v{n}", "kind": "meeting", "starts_at": f"{today}T00:00:00Z", "rep": "ann" if n % 2 else "bob",
                                "account": "bank" if n % 3 else "clinic", "duration_s": 3600, "outcome": "held"} for n in range(12)]}.items():
            self.assert_counts(self.client.post(f"/v1/{path}?occurred_at=2026-01-01T00:00:00Z", records), accepted=len(records))
        self.assert_status(self.client.post("/v1/sources", {"source": "crm", "preset": "generic"}), 201)
        self.assert_status(self.client.post("/v1/sources/crm/secrets", {"secret": SECRET}), 201)

    def traffic(self):
        number = time.monotonic_ns()
        self.assert_ok(self.client.put(f"/v1/accounts/new-{number}", {"name": "New"}))
        for path in ("/v1/alignment?by=team", "/v1/alignment?by=team", "/v1/metrics/win_rate"):
            self.assert_ok(self.client.get(path))
        self.assert_problem(self.client.get("/v1/accounts/nobody"), 404, "not_found")
        self.client.put("/v1/accounts/late?occurred_at=2099-01-01T00:00:00Z", {"name": f"Late {number}"})
        body = json.dumps([{"object": "account", "id": f"w{number}", "name": "W", "colour": "red"}, {"object": "opportunity", "id": "w", "stage": "talk", "amount": str(number) + "?"}]).encode()
        for secret, status in ((SECRET, 200), ("another", 401)):
            signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            self.assert_status(self.server.anonymous().request("POST", "/v1/webhooks/crm", body, {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}), status)

    def exposition(self):
        return self.server.admin().get("/metrics").text

    def test_scraped(self):
        target = self.prometheus.ask("/api/v1/targets")["activeTargets"]
        self.assertEqual([(entry["health"], entry["lastError"]) for entry in target], [("up", "")])
        self.assertEqual(self.prometheus.query('up{job="plumbline"}')[0]["value"][1], "1")

    def test_rules_are_evaluated(self):
        deadline = time.monotonic() + 30
        while True:
            loaded = [rule for group in self.prometheus.ask("/api/v1/rules")["groups"] for rule in group["rules"]]
            if all(rule["health"] == "ok" for rule in loaded) or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        self.assertEqual([(rule["name"], rule.get("lastError")) for rule in loaded if rule["health"] != "ok"], [])
        self.assertEqual(len(loaded), len(rules()))
        for name in ("route:plumbline_requests:rate5m", "route:plumbline_slow:ratio_rate5m"):
            self.assertTrue(self.prometheus.query(name), name)

    def test_names_in_rules_and_dashboard_exist(self):
        families = set(re.findall(r"^# TYPE (\S+)", self.exposition(), re.M))
        recorded = {rule["record"] for rule in rules() if "record" in rule}
        texts = [rule["expr"] for rule in rules()] + [expression for _, expression in expressions()]
        named = {name for text in texts for name in re.findall(r"(?<![\w:])(?:plumbline|process)_\w+(?![\w:])", re.sub(r'"[^"]*"', "", text))}
        unknown = {name for name in named if name not in families and re.sub(r"_(bucket|sum|count)$", "", name) not in families}
        self.assertEqual(unknown, set())
        self.assertGreater(len(named), 30)
        used = {name for text in texts for name in re.findall(r"\w+:\w+:\w+", text)}
        self.assertEqual(used - recorded, set())

    def test_dashboard_is_answered(self):
        empty = []
        for title, expression in expressions():
            asked = expression.replace("$__rate_interval", "10s")
            for name in ("instance", "org", "team"):
                asked = asked.replace(f"${name}", ".*")
            try:
                found = self.prometheus.query(asked)
            except urllib.error.HTTPError as error:
                self.fail(f"{title}: {asked}: {error.read().decode()}")
            if not any(series["value"][1] != "NaN" for series in found) and expression not in QUIET and title != "Alerts":
                empty.append((title, asked))
        self.assertEqual(empty, [])

    def test_gauges_are_the_answers_of_the_api(self):
        for by, family in (("team", "plumbline_team_alignment"), ("rep", "plumbline_rep_alignment")):
            answer = self.assert_ok(self.client.get(f"/v1/alignment?by={by}"))
            wanted = {(row["key"], name): metric["value"] for row in answer["rows"] for name, metric in row["metrics"].items()
                      if isinstance(metric["value"], (int, float))}
            self.assertGreaterEqual(len(wanted), 10)
            found = {(series["metric"][by], series["metric"]["metric"]): float(series["value"][1]) for series in self.prometheus.wait(family)}
            self.assertEqual(found, wanted)

    def test_works_council(self):
        """Without figures of single reps neither has /metrics any."""
        self.prometheus.wait("plumbline_rep_alignment")
        self.assert_ok(self.client.patch("/v1/settings", {"rep_metrics": "off"}))
        self.addCleanup(self.client.patch, "/v1/settings", {"rep_metrics": "on"})
        deadline = time.monotonic() + 20
        while "plumbline_rep_alignment{" in self.exposition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        self.assertIn("plumbline_team_alignment{", self.exposition())

    @unittest.skipIf(shutil.which("promtool") is None, "promtool (package prometheus) is not installed")
    def test_exposition_pleases_promtool(self):
        done = subprocess.run(["promtool", "check", "metrics"], input=self.exposition(), capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


class ByDefault(Case):
    def test_no_gauges_of_reps(self):
        server = self.start(env={"PLUMBLINE_GAUGE_INTERVAL": 1})
        self.assert_ok(server.client().put("/v1/teams/north", {"name": "North"}))
        self.assert_ok(server.client().put("/v1/reps/ann", {"name": "Ann", "team": "north"}))
        deadline = time.monotonic() + 20
        while 'plumbline_alignment_groups_left_out{org="default",by="team"} 0' not in (text := server.admin().get("/metrics").text):
            self.assertLess(time.monotonic(), deadline, text)
            time.sleep(0.1)
        self.assertNotIn("plumbline_rep_alignment{", text)
        self.assertNotIn('by="rep"', text)


if __name__ == "__main__":
    unittest.main()
