"""Which routes did the suites use? The servers' own log lines say."""
import json
import re

from .server import plumbline


def unexercised(logs):
    """All routes as "METHOD /path", in their order, and those that no log line answers with a 2xx."""
    done = plumbline("routes", "--json")
    if done.returncode != 0:
        raise RuntimeError(f"plumbline routes: {done.stderr}")
    listed = [f"{route['method']} {route['path']}" for route in map(json.loads, done.stdout.splitlines())]
    used = set()
    for path in logs.glob("*.log"):
        for line in path.read_text("utf-8", "replace").splitlines():
            if " msg=request " in f" {line} ":
                found = dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line))
                if found.get("status", "").startswith("2"):
                    used.add(f"{found.get('method')} {found.get('route', '').strip(chr(34))}")
    return listed, [route for route in listed if route not in used]
