"""The disk of the database fills up: what was acknowledged stays, the rest is refused with 503, and with room again all goes on by itself."""
import errno
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from harness import Case
from harness.database import psql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cluster import Cluster, as_owner  # noqa: E402

BATCH = 200


class SmallDisk:
    """A file system of some megabytes in memory that belongs to PostgreSQL's user. Raises SkipTest where nothing may be mounted."""

    def __init__(self, megabytes):
        if os.getuid() != 0:
            raise unittest.SkipTest("only root may mount a small disk")
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="plumbline-small-", dir="/var/tmp"))
        owner = pwd.getpwnam("postgres")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700,uid={owner.pw_uid},gid={owner.pw_gid}", "tmpfs", self.path],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.path.rmdir()
            raise unittest.SkipTest(f"a small disk cannot be mounted here: {done.stderr.strip()}")

    def fill(self):
        """Not a byte is left, but what PostgreSQL has in its files already."""
        with open(self.path / "filling", "wb", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def make_room(self):
        (self.path / "filling").unlink()

    def remove(self):
        # What still works on it ends a moment later.
        subprocess.run(["umount", "--lazy", self.path], check=False)
        shutil.rmtree(self.path, ignore_errors=True)


class DiskFull(Case):
    def small_disk(self, megabytes):
        disk = SmallDisk(megabytes)
        self.addCleanup(disk.remove)
        return disk

    def cluster(self):
        cluster = Cluster()
        self.addCleanup(cluster.destroy)
        return cluster

    def start_again(self, cluster):
        """It may be about to end as we look: tried until it answers."""
        deadline = time.monotonic() + 60
        while True:
            try:
                cluster.start()
                cluster.sql("SELECT 1")
                return
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def batch(self, number):
        return [{"id": f"a{number}-{n}", "event_id": f"a{number}-{n}", "name": f"Account {n}", "attributes": {"note": os.urandom(700).hex()}}
                for n in range(BATCH)]

    def write_until_refused(self, client, wanted):
        """Batches, acknowledged or not, until so many were refused."""
        acknowledged, refused, number = [], [], 0
        while len(refused) < wanted:
            self.assertLess(number, 400, "the disk does not fill up")
            batch = self.batch(number)
            number += 1
            answer = client.post("/v1/accounts", batch)
            if answer.status == 200:
                self.assert_counts(answer, accepted=BATCH)
                acknowledged.append(batch)
                continue
            document = self.assert_problem(answer, 503, answer.json()["code"])
            self.assertIn(document["code"], ("database_unavailable", "not_ready"), answer)
            self.assertRegex(answer.headers["Retry-After"], r"^[1-9]\d*$")
            refused.append(batch)
        return acknowledged, refused

    def wait_taken(self, client, batch):
        """Sent again until it is stored, as a client does that was told 503. What it may find stored already was not said to be."""
        deadline = time.monotonic() + 60
        while True:
            answer = client.post("/v1/accounts", batch)
            if answer.status == 200:
                counts = answer.json()
                self.assertEqual((counts["accepted"] + counts["duplicate"], counts["rejected"]), (BATCH, 0), answer)
                return
            self.assertEqual(answer.status, 503, answer)
            self.assertLess(time.monotonic(), deadline, answer)
            time.sleep(0.2)

    def assert_all_there_once(self, server, batches):
        wanted = sorted(item["id"] for batch in batches for item in batch)
        for table in ("event WHERE source = 'api'", "object WHERE kind = 'account'"):
            found = [row[0] for row in server.sql(f"SELECT object_id FROM {table} ORDER BY object_id COLLATE \"C\"")]
            self.assertEqual(found, wanted, table)

    def test_no_room_for_tables(self):
        disk, cluster = self.small_disk(160), self.cluster()
        as_owner("mkdir", disk.path / "tables")
        psql(cluster.admin_url, f"CREATE TABLESPACE small LOCATION '{disk.path / 'tables'}'")
        psql(cluster.admin_url, "ALTER DATABASE faults SET TABLESPACE small")
        server = self.serve(database=cluster)
        client = server.client()
        first = self.batch("first")
        self.assert_counts(client.post("/v1/accounts", first), accepted=BATCH)
        disk.fill()
        acknowledged, refused = self.write_until_refused(client, 3)
        self.assertEqual(client.get(f"/v1/accounts/{first[0]['id']}").status, 200, "reads need no room")
        self.assertIsNone(server.process.poll())
        disk.make_room()
        for batch in refused:
            self.wait_taken(client, batch)
        self.assert_all_there_once(server, [first, *acknowledged, *refused])

    def test_no_room_for_the_write_ahead_log(self):
        """PostgreSQL ends itself then, and again whenever it is started, until there is room."""
        disk, cluster = self.small_disk(160), self.cluster()
        cluster.stop()
        log = cluster.data / "pg_wal"
        as_owner("cp", "-a", log, disk.path / "pg_wal")
        as_owner("rm", "-r", log)
        as_owner("ln", "-s", disk.path / "pg_wal", log)
        cluster.start()
        server = self.serve(database=cluster)
        client = server.client()
        first = self.batch("first")
        self.assert_counts(client.post("/v1/accounts", first), accepted=BATCH)
        disk.fill()
        acknowledged, refused = self.write_until_refused(client, 3)
        self.assertIsNone(server.process.poll())
        disk.make_room()
        self.start_again(cluster)
        for batch in refused:
            self.wait_taken(client, batch)
        self.assert_all_there_once(server, [first, *acknowledged, *refused])


if __name__ == "__main__":
    unittest.main()
