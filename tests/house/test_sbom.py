"""The bill of materials: what the loader really maps, what the lock files hold, and a document that scanners can read."""
import json
import os
import re
import shutil
import subprocess
import unittest

from harness import BINARY, ROOT


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)


@unittest.skipIf(any(shutil.which(name) is None for name in ("dpkg-query", "readelf", "ldd")), "dpkg, binutils or ldd are not there")
class Sbom(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.path = BINARY.parent / "sbom.json"
        cls.path.unlink(missing_ok=True)
        # The binary under test is looked at, whatever flags it was built with: nothing is built again.
        cls.made = run("make", "-C", ROOT, f"BUILD={BINARY.parent}", "-o", "build", "-o", BINARY, "sbom")
        assert cls.made.returncode == 0, cls.made.stdout + cls.made.stderr
        cls.text = cls.path.read_text()
        cls.document = json.loads(cls.text)
        cls.components = {component["bom-ref"]: component for component in cls.document["components"]}

    def names(self, kind, scope):
        return {component["name"] for ref, component in self.components.items() if ref.startswith(f"pkg:{kind}/") and component["scope"] == scope}

    def test_form(self):
        self.assertEqual((self.document["bomFormat"], self.document["specVersion"], self.document["version"]), ("CycloneDX", "1.5", 1))
        self.assertRegex(self.document["serialNumber"], r"^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        root = self.document["metadata"]["component"]
        self.assertEqual((root["name"], root["version"]), ("plumbline", (ROOT / "VERSION").read_text().strip()))
        self.assertEqual(len(self.components), len(self.document["components"]), "a reference stands twice")
        for ref, component in self.components.items():
            self.assertRegex(ref, r"^pkg:(deb/\w+|npm)/[^@\s]+@[^@\s+]+$")
            self.assertEqual((component["purl"], component["type"]), (ref, "library"))
        for entry in self.document["dependencies"]:
            for ref in (entry["ref"], *entry["dependsOn"]):
                self.assertTrue(ref in self.components or ref == root["bom-ref"], ref)

    def test_every_library_that_is_mapped(self):
        """Asked of the loader in another way than the tool does: by what it initialises."""
        said = run(BINARY, "version", env={**os.environ, "LD_DEBUG": "files"}).stderr
        mapped = {os.path.realpath(path) for path in re.findall(r"calling init: (/\S+\.so\S*)", said)}
        self.assertGreater(len(mapped), 8, said[-2000:])
        versions = {(component["name"], component["version"]) for component in self.components.values()}
        for path in mapped:
            owners = {line.split(":")[0] for name in (path, path.removeprefix("/usr")) for line in run("dpkg-query", "-S", name).stdout.splitlines()}
            self.assertEqual(len(owners), 1, path)
            owner = owners.pop()
            self.assertIn((owner, run("dpkg-query", "-W", "-f", "${Version}\n", owner).stdout.splitlines()[0]), versions, path)

    def test_what_is_linked_depends_on_the_rest(self):
        needs = {entry["ref"]: entry["dependsOn"] for entry in self.document["dependencies"]}
        direct = {self.components[ref]["name"] for ref in needs[self.document["metadata"]["component"]["bom-ref"]]}
        for name in ("libmicrohttpd", "libgnutls", "libjansson", "libpq", "libsodium", "libcurl", "zlib", "libcsv", "libc6"):
            self.assertTrue(any(other.startswith(name) for other in direct), (name, direct))
        reached, waiting = set(), [self.document["metadata"]["component"]["bom-ref"]]
        while waiting:
            for ref in needs.get(waiting.pop(), []):
                if ref not in reached:
                    reached.add(ref)
                    waiting.append(ref)
        required = {ref for ref, component in self.components.items() if component["scope"] == "required"}
        self.assertEqual(reached, required)

    def test_packages_of_the_pages(self):
        self.assertEqual(self.names("npm", "required"), {"preact", "uplot", "swagger-ui-dist"})
        self.assertIn("esbuild", self.names("npm", "excluded"))
        for lock in ("web/package-lock.json", "web/reference/package-lock.json"):
            for path, entry in json.loads((ROOT / lock).read_text())["packages"].items():
                if path:
                    found = [component for component in self.components.values() if component["name"] == path.rpartition("node_modules/")[2]
                             and component["version"] == entry["version"]]
                    self.assertEqual(len(found), 1, path)
                    self.assertRegex(found[0]["hashes"][0]["content"], r"^[0-9a-f]{128}$")

    def test_the_same_again(self):
        done = run(ROOT / "tools/sbom.py", BINARY, (ROOT / "VERSION").read_text().strip())
        self.assertEqual((done.returncode, done.stdout), (0, self.text), done.stderr)


if __name__ == "__main__":
    unittest.main()
