"""A PostgreSQL of one's own for a measurement, as durable as one in service; gone afterwards."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@contextlib.contextmanager
def own_postgres():
    """Its URL."""
    directory = tempfile.mkdtemp(prefix="plumbline-bench-", dir="/var/tmp")
    os.chmod(directory, 0o755)
    tool = [str(ROOT / "tools" / "pg.sh")]
    try:
        yield subprocess.run([*tool, "start", directory], check=True, capture_output=True, text=True).stdout.split()[-1]
    finally:
        subprocess.run([*tool, "destroy", directory], check=False, capture_output=True)
        shutil.rmtree(directory, ignore_errors=True)
