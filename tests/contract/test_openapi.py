"""The published contract and the code say the same: routes, parameters, media types, errors, examples."""
import json
import re
import unittest

from contract import ROOT, Contract, error_codes
from harness import plumbline

FORMATS = {"json": "application/json", "csv": "text/csv", "ndjson": "application/x-ndjson"}


def binary_routes():
    """What the binary serves under the contract. OPTIONS answers every path alike and is described in info."""
    done = plumbline("routes", "--json")
    if done.returncode != 0:
        raise AssertionError(f"plumbline routes: {done.returncode}\n{done.stderr}")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {(row["method"], row["path"]): row for row in rows if row["method"] != "OPTIONS"}


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.contract = Contract()
        cls.operations = list(cls.contract.operations())

    def test_version_is_the_program_s(self):
        self.assertEqual(self.contract.document["info"]["version"], (ROOT / "VERSION").read_text().strip())

    def test_operation_ids_are_unique(self):
        ids = [operation["operationId"] for _, _, operation in self.operations]
        self.assertEqual(sorted(ids), sorted(set(ids)))

    def test_operations_are_described(self):
        tags = {tag["name"] for tag in self.contract.document["tags"]}
        for method, path, operation in self.operations:
            with self.subTest(operation=f"{method} {path}"):
                self.assertTrue(operation.get("summary"))
                self.assertEqual([tag for tag in operation.get("tags", []) if tag not in tags], [])
                self.assertTrue(operation.get("tags"))
                self.assertIn("default", operation["responses"])

    def test_path_parameters_are_declared(self):
        for method, path, operation in self.operations:
            declared = sorted(p["name"] for p in operation["parameters"] if p["in"] == "path")
            self.assertEqual(declared, sorted(re.findall(r"{(\w+)}", path)), f"{method} {path}")

    def test_protected_operations_document_the_refusals(self):
        for method, path, operation in self.operations:
            if operation.get("security") == []:
                continue
            with self.subTest(operation=f"{method} {path}"):
                self.assertLessEqual({"401", "403", "503"}, set(operation["responses"]))
                if any(p["in"] == "query" for p in operation["parameters"]):
                    self.assertIn("400", operation["responses"])
                if "requestBody" in operation:
                    self.assertLessEqual({"400", "413", "415"}, set(operation["responses"]))

    def bodies(self):
        """(where, status or None, media type object) of every request and response body."""
        for method, path, operation in self.operations:
            name = operation["operationId"]
            request = self.contract.resolve(operation.get("requestBody", {}))
            for media, content in request.get("content", {}).items():
                yield f"{name}: request {media}", None, media, content
            for status, response in operation["responses"].items():
                for media, content in self.contract.resolve(response).get("content", {}).items():
                    yield f"{name}: {status} {media}", status, media, content

    def examples(self, content):
        if "example" in content:
            yield "example", content["example"]
        for name, example in content.get("examples", {}).items():
            yield name, self.contract.resolve(example)["value"]

    def test_every_body_has_a_valid_example(self):
        for where, _, media, content in self.bodies():
            with self.subTest(where):
                examples = list(self.examples(content))
                self.assertTrue(examples, "no example")
                for name, value in examples:
                    self.assertEqual(self.contract.problems(content["schema"], value), [], name)
                    if media == "application/x-ndjson":
                        self.assertTrue(all(isinstance(json.loads(line), dict) for line in value.splitlines()), name)

    def test_every_parameter_example_and_default_is_valid(self):
        for method, path, operation in self.operations:
            for parameter in operation["parameters"]:
                schema = self.contract.resolve(parameter["schema"])
                values = [parameter[k] for k in ("example",) if k in parameter] + [schema[k] for k in ("default",) if k in schema]
                for value in values + list(schema.get("examples", [])):
                    self.assertEqual(self.contract.problems(parameter["schema"], value), [], f"{method} {path} {parameter['name']}")

    def test_problem_examples_bear_the_status_of_their_code(self):
        codes = error_codes()
        for where, status, media, content in self.bodies():
            if media != "application/problem+json":
                continue
            for name, value in self.examples(content):
                with self.subTest(where, example=name):
                    self.assertEqual(name, value["code"])
                    self.assertEqual(value["status"], codes[value["code"]])
                    self.assertEqual(value["type"], f"urn:plumbline:problem:{value['code']}")
                    if status != "default":
                        self.assertEqual(value["status"], int(status))

    def test_problem_codes_are_those_of_the_service(self):
        documented = self.contract.document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
        self.assertEqual(sorted(documented), sorted(error_codes()))

    def test_every_problem_code_has_an_example(self):
        shown = {name for _, _, media, content in self.bodies() if media == "application/problem+json"
                 for name, _ in self.examples(content)}
        self.assertEqual(sorted(set(error_codes()) - shown), [])

    def test_every_component_is_used(self):
        text = json.dumps(self.contract.document)
        for kind, components in self.contract.document["components"].items():
            for name in components:
                if kind != "securitySchemes":
                    self.assertTrue(f'"#/components/{kind}/{name}"' in text, f"{kind}/{name} is not used")


class Attributes(unittest.TestCase):
    """The schema of each kind names the attributes that the service's field table of that kind holds."""

    def test_attributes(self):
        contract = Contract()
        source = (ROOT / "handlers/kinds.c").read_text(encoding="utf-8")
        tables = dict(re.findall(r"struct field (\w+)_fields\[\] = \{\n(.*?)\n\};", source, re.S))
        for kind, schema in (("rep", "Rep"), ("team", "Team"), ("account", "Account"), ("product", "Product"), ("stage", "Stage"),
                             ("opportunity", "Opportunity"), ("activity", "Activity"), ("fx_rate", "FxRate"),
                             ("line", "OpportunityLine"), ("split", "OpportunitySplit")):
            with self.subTest(kind):
                named = re.findall(r'(?:\.name = |\b[A-Z]+(?:_[A-Z]+)?\()"(\w+)"', tables[kind])
                named += ["attributes"] if re.search(r"\bATTRIBUTES\b", tables[kind]) else []
                self.assertEqual(sorted(contract.document["components"]["schemas"][schema]["properties"]), sorted(named))


class Routes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.contract = Contract()
        cls.routes = binary_routes()
        cls.operations = {(method, path): operation for method, path, operation in cls.contract.operations()}

    def test_both_know_the_same_routes(self):
        self.assertEqual(sorted(self.operations), sorted(self.routes))

    def each(self):
        for key in sorted(set(self.operations) & set(self.routes)):
            yield " ".join(key), self.operations[key], self.routes[key]

    def test_operation_ids(self):
        for name, operation, route in self.each():
            with self.subTest(name):
                self.assertEqual(operation["operationId"], route["operation_id"])

    def test_query_parameters(self):
        for name, operation, route in self.each():
            with self.subTest(name):
                documented = sorted(p["name"] for p in operation["parameters"] if p["in"] == "query")
                self.assertEqual(documented, sorted(route["params"]))

    def test_media_types_of_requests(self):
        for name, operation, route in self.each():
            with self.subTest(name):
                request = self.contract.resolve(operation.get("requestBody", {}))
                self.assertEqual(sorted(request.get("content", {})), sorted(route["media"]))

    def test_formats_of_answers(self):
        for name, operation, route in self.each():
            if not route["formats"] or (len(route["formats"]) < 2 and operation.get("security") == []):
                continue  # fixed types of their own: health, the contract itself, events
            with self.subTest(name):
                success = next(status for status in operation["responses"] if status.startswith("2"))
                answer = self.contract.resolve(operation["responses"][success])
                self.assertEqual(sorted(answer["content"]), sorted(FORMATS[name] for name in route["formats"]))

    def test_public_routes_are_those_without_a_scope(self):
        for name, operation, route in self.each():
            with self.subTest(name):
                self.assertEqual(operation.get("security") == [], route["scopes"] == [])

    def test_versioned_routes_document_etag_and_304(self):
        for name, operation, route in self.each():
            if route["versioned"]:
                with self.subTest(name):
                    self.assertIn("ETag", self.contract.resolve(operation["responses"]["200"]).get("headers", {}))
                    if name.startswith("POST"):
                        continue  # a question in a body: its answer has a version too, but nobody asks for it on condition
                    self.assertIn("304", operation["responses"])
                    self.assertIn("If-None-Match", [p["name"] for p in operation["parameters"] if p["in"] == "header"])


if __name__ == "__main__":
    unittest.main()
