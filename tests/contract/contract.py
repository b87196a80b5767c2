"""openapi.yaml as the tests see it: operations, validators of what is sent and answered."""
import copy
import json
import pathlib
import re
import warnings

import yaml

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
METHODS = ("get", "put", "post", "patch", "delete", "options", "head")


class Loader(yaml.SafeLoader):
    """YAML as JSON means it: a day stays text, a key that stands twice is an error."""

    def construct_mapping(self, node, deep=False):
        names = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:int"):
                raise ValueError(f"line {key.start_mark.line + 1}: quote the key {key.value}; YAML 1.1 takes it for something else")
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"line {node.start_mark.line + 1}: {sorted(twice)} stand twice")
        return super().construct_mapping(node, deep)


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(path=ROOT / "openapi.yaml"):
    """The document; keys that YAML reads as numbers (statuses) are texts, as in JSON."""
    return json.loads(json.dumps(yaml.load(path.read_text(encoding="utf-8"), Loader)))


def error_codes():
    """code → HTTP status, of server/error.def."""
    rows = re.findall(r'^ERR\(\w+,\s*(\d+),\s*"(\w+)"', (ROOT / "server/error.def").read_text(encoding="utf-8"), re.M)
    return {code: int(status) for status, code in rows if code != "ok"}


def closed(document):
    """A copy in which no object may carry members that its schema does not name. The published schemas stay open, so that
    fields can be added; what the service answers today must all be described today."""
    document = copy.deepcopy(document)
    parts = set()

    def find(node):
        if isinstance(node, dict):
            for part in node.get("allOf", []):
                if "$ref" in part:
                    parts.add(part["$ref"])
            for value in node.values():
                find(value)
        elif isinstance(node, list):
            for value in node:
                find(value)

    def close(node, name, is_part):
        if isinstance(node, dict):
            if not is_part:
                if "allOf" in node:
                    node.setdefault("unevaluatedProperties", False)
                elif isinstance(node.get("properties"), dict) and "unevaluatedProperties" not in node:
                    node.setdefault("additionalProperties", False)
            for key, value in node.items():
                if key == "properties" and isinstance(value, dict):
                    for member in value.values():
                        close(member, None, False)
                elif key == "allOf":
                    for member in value:
                        close(member, None, True)
                elif key not in ("example", "examples", "default", "enum"):
                    close(value, None, False)
        elif isinstance(node, list):
            for value in node:
                close(value, None, False)

    find(document)
    for name, schema in document["components"]["schemas"].items():
        close(schema, name, f"#/components/schemas/{name}" in parts)
    for path in document["paths"].values():
        close(path, None, False)
    close(document["components"]["responses"], None, False)
    return document


class Contract:
    def __init__(self, document=None):
        self.document = document or load()
        self._resolver = None

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            target = self.document
            for step in node["$ref"].lstrip("#/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def operations(self):
        """(METHOD, path, operation with the path's parameters added and references resolved)."""
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    operation = dict(item[method])
                    operation["parameters"] = [
                        self.resolve(p) for p in item.get("parameters", []) + operation.get("parameters", [])
                    ]
                    yield method.upper(), path, operation

    def problems(self, schema, value):
        """What is wrong with value, a sentence each; empty when it is valid."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            if self._resolver is None:
                self._resolver = jsonschema.RefResolver("", self.document)
            validator = jsonschema.Draft202012Validator(
                schema, resolver=self._resolver, format_checker=jsonschema.draft202012_format_checker)
            return [
                f"{'/'.join(str(step) for step in error.absolute_path) or 'the root'}: {error.message[:400]}"
                for error in sorted(validator.iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path])
            ]

    def operation_of(self, method, path):
        """The operation a request path belongs to, literal segments before templates; (template, operation)."""
        segments = path.split("?")[0].split("/")
        best = None
        for candidate_method, template, operation in self.operations():
            parts = template.split("/")
            if candidate_method != method or len(parts) != len(segments):
                continue
            if all(p == s or (p.startswith("{") and s) for p, s in zip(parts, segments)):
                literal = sum(not p.startswith("{") for p in parts)
                if best is None or literal > best[0]:
                    best = (literal, template, operation)
        return best[1:] if best else (None, None)

    def answer_problems(self, method, path, status, headers, body):
        """What of an answer is not in the contract. headers: lower-case names."""
        template, operation = self.operation_of(method, path)
        if operation is None:
            return [f"{method} {path} is not in the contract"]
        responses = operation["responses"]
        response = self.resolve(responses.get(str(status), responses.get("default")))
        if response is None:
            return [f"{operation['operationId']}: status {status} is not documented"]
        if str(status) not in responses and status < 400:
            return [f"{operation['operationId']}: status {status} is not documented"]
        media = headers.get("content-type", "").split(";")[0].strip()
        content = response.get("content", {})
        if not body:
            return [f"{operation['operationId']} {status}: the body is empty"] if content and status not in (204, 304) else []
        if media not in content:
            return [f"{operation['operationId']} {status}: content type {media!r} is not documented"]
        found = []
        for name, header in response.get("headers", {}).items():
            if self.resolve(header).get("required") and name.lower() not in headers:
                found.append(f"header {name} is missing")
        if media in ("application/json", "application/problem+json"):
            found += self.problems(content[media].get("schema", True), json.loads(body))
        elif media == "application/x-ndjson" and not all(isinstance(json.loads(line), dict) for line in body.splitlines()):
            found.append("a line is not an object")
        return [f"{operation['operationId']} {status}: {problem}" for problem in found]
