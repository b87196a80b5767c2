"""An HTTP client for tests: one connection a request, nothing retried, nothing hidden."""
import http.client
import json
import socket
import urllib.parse


class Response:
    """status, headers (case-insensitive, .get_all for several), body in bytes."""

    def __init__(self, method, path, status, headers, body):
        self.method, self.path, self.status, self.headers, self.body = method, path, status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        return json.loads(self.body)

    def ndjson(self):
        return [json.loads(line) for line in self.text.split("\n") if line]  # not splitlines: U+2028 ends no line here

    def __repr__(self):
        shown = self.body[:2000].decode("utf-8", "replace")
        return f"{self.method} {self.path} → {self.status}\n{self.headers}{shown}"


class Client:
    """Speaks to one server with one API key (None: no key)."""

    def __init__(self, url, key=None, timeout=30):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.key, self.timeout = parts.hostname, parts.port, key, timeout

    def request(self, method, path, body=None, headers=None):
        """body: bytes and text go as they are, anything else as JSON. A header whose value is None is left out."""
        sent = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        if isinstance(body, str):
            body = body.encode("utf-8")
        elif body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode("utf-8")
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            connection.request(method, path, body, {name: value for name, value in sent.items() if value is not None})
            answer = connection.getresponse()
            return Response(method, path, answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path, headers=None):
        return self.request("GET", path, None, headers)

    def put(self, path, body, headers=None):
        return self.request("PUT", path, body, headers)

    def patch(self, path, body, headers=None):
        return self.request("PATCH", path, body, headers)

    def post(self, path, body=None, headers=None):
        return self.request("POST", path, body, headers)

    def delete(self, path, headers=None):
        return self.request("DELETE", path, None, headers)

    def post_ndjson(self, path, rows, headers=None):
        body = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return self.request("POST", path, body, {"Content-Type": "application/x-ndjson", **(headers or {})})

    def socket(self):
        """A raw connection, for what no well-behaved client would send."""
        return socket.create_connection((self.host, self.port), timeout=self.timeout)
