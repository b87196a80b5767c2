"""Every answer of the running service is what the contract says: status, media type, schema, no member that is not described."""
from contract import Contract, closed, load
from harness import Case
from tour import Tour


class Live(Case):
    def test_tour(self):
        server = self.start()
        contract = Contract(closed(load()))
        answered, problems = set(), []

        def send(method, path, body, headers):
            response = server.anonymous().request(method, path, body, headers)
            return response.status, {name.lower(): value for name, value in response.headers.items()}, response.body

        def check(method, path, status, headers, body):
            operation = contract.operation_of(method, path)[1]
            if operation is not None and status < 300:
                answered.add(operation["operationId"])
            for problem in contract.answer_problems(method, path, status, headers, body):
                problems.append(f"{method} {path}: {problem}")

        Tour(send, server.key(), check).run()
        self.assertEqual(problems, [])
        self.assertEqual({operation["operationId"] for _, _, operation in contract.operations()} - answered, set())


if __name__ == "__main__":
    import unittest

    unittest.main()
