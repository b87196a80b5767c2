"""Every answer of the running service is what the contract says: status, media type, schema, no member that is not described."""
import json

from contract import Contract, closed, load
from harness import Case
from tour import Tour


def parts_problems(contract, method, path, body):
    """Parts of a metric against the schema that names the metric; a metric that none names has parts of its own."""
    schemas = {key: name for name, schema in contract.document["components"]["schemas"].items() for key in schema.get("x-metrics", [])}
    answer = json.loads(body)
    if answer.get("metric") not in schemas or "total" not in answer:
        return []
    schema = {"$ref": f"#/components/schemas/{schemas[answer['metric']]}"}
    return [f"{method} {path}: parts of {row['key']}: {problem}" for row in [*answer["rows"], answer["total"]]
            for problem in contract.problems(schema, row["parts"])]


class Live(Case):
    def test_tour(self):
        server = self.start()
        contract = Contract(closed(load()))
        answered, problems = set(), []

        def send(method, path, body, headers):
            response = server.anonymous().request(method, path, body, headers)
            return response.status, {name.lower(): value for name, value in response.headers.items()}, response.body

        def still_holds(method, path, etag):
            response = server.client().request(method, path, headers={"If-None-Match": etag})
            self.assertEqual((response.status, response.headers["ETag"], response.body), (304, etag, b""), response)

        def check(method, path, status, headers, body):
            operation = contract.operation_of(method, path)[1]
            if operation is not None and status < 300:
                if "304" in operation["responses"] and operation["operationId"] not in answered:
                    still_holds(method, path, headers["etag"])
                answered.add(operation["operationId"])
            if status == 200 and path.startswith("/v1/metrics/") and headers["content-type"] == "application/json":
                problems.extend(parts_problems(contract, method, path, body))
            for problem in contract.answer_problems(method, path, status, headers, body):
                problems.append(f"{method} {path}: {problem}")

        Tour(send, server.key(), check).run()
        self.assertEqual(problems, [])
        self.assertEqual({operation["operationId"] for _, _, operation in contract.operations()} - answered, set())


if __name__ == "__main__":
    import unittest

    unittest.main()
