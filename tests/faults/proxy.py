"""HAProxy with the configuration that is recommended, in front of as many instances as there are."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from harness.client import Client
from harness.server import ROOT, environment, free_port

PROGRAM = shutil.which("haproxy") or "/usr/sbin/haproxy"
IS_THERE = pathlib.Path(PROGRAM).exists()


class Proxy:
    """instances: one to three servers; a place that is none's points where nobody listens."""

    def __init__(self, instances):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        places = [f"127.0.0.1:{server.port}" for server in instances] + [f"127.0.0.1:{free_port()}" for _ in range(3 - len(instances))]
        names = dict(zip(("PLUMBLINE_ONE", "PLUMBLINE_TWO", "PLUMBLINE_THREE"), places))
        self.log_path = pathlib.Path(tempfile.mkdtemp(prefix="plumbline-proxy-"), "log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([PROGRAM, "-db", "-f", str(ROOT / "docker/haproxy/haproxy.cfg")], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=environment(PLUMBLINE_PROXY_LISTEN=f"127.0.0.1:{self.port}", **names))
        self.wait(nobodys=3 - len(instances))

    def wait(self, nobodys, seconds=30):
        """Until it serves, and has found out where nobody listens: before that it would try a POST there, once, and give up."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if Client(self.url, timeout=5).get("/readyz").status == 200 and self.log_path.read_text().count(" is DOWN") >= nobodys:
                    return
            except OSError:
                pass
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"HAProxy does not serve:\n{self.log_path.read_text()[-2000:]}")
            time.sleep(0.05)

    def close(self):
        os.kill(self.process.pid, signal.SIGTERM)
        self.process.wait(20)
        shutil.rmtree(self.log_path.parent, ignore_errors=True)
