"""Every example of a request in the contract is sent to the running service, in the state it needs, and is accepted; what comes back is
what the contract says. Every example of an answer is one the service could give: no member that is not described.

None is left out: an example that SENT has no word for fails by name."""
import json
import time

from contract import Contract, closed, load
from harness import Case
from harness.hubspot import PUBLIC_URL, signature_v3

# What single examples leave open of their path. Of a kind of object: the id in the example of its POST.
PARAMETERS = {"putFitOverride": {"id": "a1"}}
KINDS = {"Team": "teams", "Rep": "reps", "Product": "products", "Stage": "stages", "Account": "accounts", "FxRate": "fx-rates",
         "Opportunity": "opportunities", "Activity": "activities"}
PLURALS = {"Teams": "Team", "Reps": "Rep", "Products": "Product", "Stages": "Stage", "Accounts": "Account", "FxRates": "FxRate",
           "Opportunities": "Opportunity", "Activities": "Activity"}
# Objects before what refers to them by a rule (stages of deals), merges after all that needs both, the erasure last.
SENT = [
    *[f"post{plural}" for plural in PLURALS], *[f"put{kind}" for kind in KINDS], *[f"patch{kind}" for kind in KINDS],
    "createStrategy", "replaceStrategy", "previewStrategy", "publishStrategy", "putFitOverride", "queryMetrics", "createSnapshot",
    "createSource", "putSource", "rotateSourceSecret", "deliverWebhook", "testSource", "patchSource", "postEvents", "patchSettings",
    "createAlertEndpoint", "putAlertEndpoint", "patchAlertEndpoint", "rotateAlertEndpointSecret",
    *[f"merge{kind}" for kind in reversed(KINDS)], "erasePerson",
]


def examples(contract, content):
    if "example" in content:
        yield "example", content["example"]
    for name, example in content.get("examples", {}).items():
        yield name, contract.resolve(example)["value"]


class Examples(Case):
    @classmethod
    def setUpClass(cls):
        cls.contract = Contract(closed(load()))
        cls.operations = {operation["operationId"]: (method, path, operation) for method, path, operation in cls.contract.operations()}

    def requests(self, name):
        """(where, method, path, media, body) of the examples of an operation."""
        method, path, operation = self.operations[name]
        for media, content in self.contract.resolve(operation.get("requestBody", {})).get("content", {}).items():
            for label, value in examples(self.contract, content):
                yield f"{name} {media} {label}", method, path, media, value

    def example_id(self, kind):
        posted = next(value for _, _, _, media, value in self.requests(f"post{next(p for p, k in PLURALS.items() if k == kind)}") if media == "application/json")
        return posted["id"]

    def prepare(self, name, media):
        """Whatever an example takes for granted: values for its path."""
        kind = next((kind for kind in KINDS if name in (f"put{kind}", f"patch{kind}", f"merge{kind}")), None)
        if kind and name.startswith("merge"):
            into = next(iter(self.requests(name)))[4]["into"]
            record = next(iter(self.requests(f"put{kind}")))[4]
            self.assert_ok(self.client.put(f"/v1/{KINDS[kind]}/{into}", record))
        if kind:
            return {"id": self.example_id(kind)}
        if name in ("replaceStrategy", "previewStrategy", "publishStrategy"):
            return {"id": self.made["createStrategy"]["id"]}
        if "Source" in name or name == "deliverWebhook":
            return {"source": "hubspot"}
        if "AlertEndpoint" in name and name != "createAlertEndpoint":
            return {"id": self.made["createAlertEndpoint"]["id"]}
        return PARAMETERS.get(name, {})

    def headers(self, name, media, path, body):
        if name != "deliverWebhook":
            return {"Content-Type": media, "Authorization": f"Bearer {self.client.key}"}
        at_ms = int(time.time() * 1000)
        secret = next(iter(self.requests("rotateSourceSecret")))[4]["secret"]
        return {"Content-Type": "application/json", "X-HubSpot-Request-Timestamp": str(at_ms),
                "X-HubSpot-Signature-v3": signature_v3(body, PUBLIC_URL + path, at_ms, secret)}

    def send(self, where, name, method, path, media, value):
        for parameter, given in self.prepare(name, media).items():
            path = path.replace(f"{{{parameter}}}", given)
        self.assertNotIn("{", path, where)
        body = (value if isinstance(value, str) else json.dumps(value)).encode()
        answer = self.server.anonymous().request(method, path, body, self.headers(name, media, path, body))
        self.assertIn(answer.status, (200, 201), f"{where}: {answer}")
        headers = {header.lower(): text for header, text in answer.headers.items()}
        self.assertEqual(self.contract.answer_problems(method, path, answer.status, headers, answer.body), [], where)
        return answer.json()

    def accepted(self, where, answer):
        """A write that was answered 200 may have refused its items: here none is, nor set aside."""
        self.assertEqual(answer.get("rejected", 0), 0, f"{where}: {answer}")
        for item in answer.get("items", []):
            self.assertNotIn(item["outcome"], ("quarantined", "rejected"), f"{where}: {answer}")

    def test_requests(self):
        named = {name for name in self.operations if list(self.requests(name))}
        self.assertEqual(named - set(SENT), set(), "examples that nothing sends")
        self.server, self.made = self.start(env={"PLUMBLINE_PUBLIC_URL": PUBLIC_URL}), {}
        self.client = self.server.client()
        for name in SENT:
            for where, method, path, media, value in self.requests(name):
                with self.subTest(where):
                    self.made[name] = self.send(where, name, method, path, media, value)
                    self.accepted(where, self.made[name])

    def test_parameters(self):
        """The examples of query parameters are taken by every route that has the parameter."""
        server = self.start()
        client = server.client()
        for name, (method, path, operation) in self.operations.items():
            if method != "GET" or "{" in path or not operation.get("security", True):
                continue
            for parameter in operation["parameters"]:
                if parameter["in"] == "query" and "example" in parameter:
                    with self.subTest(f"{name} {parameter['name']}"):
                        answer = client.get(f"{path}?{parameter['name']}={parameter['example']}")
                        problem = answer.json() if answer.status >= 400 else {}
                        # That no such rep exists here, or that the parameter has no place beside the others' defaults, is an answer to the
                        # question; that it cannot be read is not.
                        if [error["code"] for error in problem.get("errors", [])] != ["not_applicable"]:
                            self.assertIn((answer.status, problem.get("code")), ((200, None), (404, "not_found")), answer)

    def test_answers(self):
        seen = set()
        for name, (_, _, operation) in self.operations.items():
            for status, response in operation["responses"].items():
                for media, content in self.contract.resolve(response).get("content", {}).items():
                    for label, value in examples(self.contract, content):
                        key = json.dumps([content["schema"], value], sort_keys=True)
                        if key in seen or not media.endswith("json"):
                            continue
                        seen.add(key)
                        with self.subTest(f"{name} {status} {media} {label}"):
                            self.assertEqual(self.contract.problems(content["schema"], value), [])
        self.assertGreater(len(seen), 60)


if __name__ == "__main__":
    import unittest

    unittest.main()
