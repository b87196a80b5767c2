"""What docs/alerts.md tells to copy works: the way to Slack, and the check of a signature."""
import json
import re
import subprocess
import textwrap

from contract import ROOT, Contract, closed, load
from harness import Case
from harness.alerts import FAIL, Team
from harness.receiver import Receiver

PAGE = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")


def blocks(language):
    return [textwrap.dedent(block) for block in re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)]


class Page(Case):
    def setUp(self):
        self.server = self.start(env={"PLUMBLINE_ALERT_INTERVAL": "0", "PLUMBLINE_ALERT_HTTP": "on"})
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)

    def shell(self, block):
        """Runs it against this server, with the receiver for Slack."""
        done = subprocess.run(["bash", "-euc", block.replace("https://hooks.slack.com/services/T000/B000/XXXX", self.receiver.url)], capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin", "URL": self.server.url, "KEY": self.server.key()}, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), block)
        return json.loads(done.stdout)

    def test_slack_and_signature(self):
        add, test = blocks("sh")
        self.assertEqual(self.shell(add)["format"], "slack")
        self.assertEqual(self.shell(test)["state"], "delivered")
        self.assertEqual(list(self.receiver.wait(1)[0].json()), ["text"])

        team = Team(self, self.server)
        secret = team.endpoint(self.receiver.url)["secret"]
        team.deals("r1", FAIL)
        team.evaluate()
        programs = {}
        exec(blocks("python")[0], programs)
        received = next(one for one in self.receiver.wait(3) if b"alert.status_changed" in one.body)
        self.assertTrue(programs["verify"](secret, received.headers, received.body))
        self.assertFalse(programs["verify"](secret, received.headers, received.body + b" "))
        self.assertFalse(programs["verify"]("whsec_" + "A" * 32, received.headers, received.body))
        # What arrives is the alert of the contract, and nothing else.
        self.assertEqual(Contract(closed(load())).problems({"$ref": "#/components/schemas/Alert"}, received.json()["data"]), [])


if __name__ == "__main__":
    import unittest

    unittest.main()
