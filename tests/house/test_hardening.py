"""What the binary that was built is protected by, read from the binary itself: docs/security.md names these."""
import re
import shutil
import subprocess
import unittest

from harness import BINARY


def tool(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout


@unittest.skipIf(shutil.which("readelf") is None, "readelf (binutils) is not installed")
class Hardening(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.symbols = tool("readelf", "-sW", BINARY)
        if re.search(r"__(asan|tsan|ubsan|gcov|llvm_gcov)_", cls.symbols):
            raise unittest.SkipTest("an instrumented binary is not the one that is shipped")
        cls.header, cls.dynamic, cls.segments = tool("readelf", "-hW", BINARY), tool("readelf", "-dW", BINARY), tool("readelf", "-lW", BINARY)
        cls.x86 = "X86-64" in cls.header

    def segment(self, name):
        """Flags of the segments of a type."""
        return [found.replace(" ", "") for found in re.findall(rf"^  {name}\s+(?:0x\w+\s+){{5}}([RWE ]+?)\s+0x", self.segments, re.M)]

    def test_position_independent(self):
        self.assertRegex(self.header, r"Type:\s+DYN")
        self.assertRegex(self.dynamic, r"FLAGS_1\).*\bPIE\b")

    def test_full_relro(self):
        self.assertEqual(self.segment("GNU_RELRO"), ["R"])
        self.assertRegex(self.dynamic, r"BIND_NOW|FLAGS_1\).*\bNOW\b")
        self.assertNotIn("(TEXTREL)", self.dynamic)

    def test_nothing_is_writable_and_executable(self):
        self.assertEqual(self.segment("GNU_STACK"), ["RW"])
        loaded = self.segment("LOAD")
        self.assertIn("RE", loaded)
        self.assertEqual([flags for flags in loaded if "W" in flags and "E" in flags], [])

    def test_stack_protector(self):
        self.assertRegex(self.symbols, r"UND __stack_chk_fail")

    def test_fortified(self):
        checked = set(re.findall(r"UND (__\w+_chk)@", self.symbols)) - {"__stack_chk"}
        self.assertGreaterEqual(len(checked), 5, checked)
        # Where the size of a target is not known when compiling, snprintf stays as it is: it has a size of its own. These have none.
        plain = set(re.findall(r"UND (v?f?printf|v?sprintf|strcpy|strcat|stpcpy|gets)@", self.symbols))
        self.assertEqual(plain, set())

    def test_no_search_path_of_its_own(self):
        self.assertNotRegex(self.dynamic, r"\((RPATH|RUNPATH)\)")

    def test_control_flow(self):
        """Every object of ours is marked for IBT and SHSTK. (The binary as a whole is only where the C library's start files are: not on Debian.)"""
        if not self.x86:
            self.skipTest("IBT and SHSTK are of x86-64")
        objects = sorted(BINARY.parent.glob("server/*.o")) + sorted(BINARY.parent.glob("handlers/**/*.o"))
        if not objects:
            self.skipTest("the objects of this binary are not beside it")
        for path in objects:
            self.assertRegex(tool("readelf", "-nW", path), r"x86 feature: IBT, SHSTK", path)
        begin = tool("objdump", "-d", "--no-show-raw-insn", "--disassemble=main", BINARY)
        self.assertRegex(begin, r"<main>:\n\s+\w+:\s+endbr64")

    def test_stack_is_touched_page_by_page(self):
        """-fstack-clash-protection: no step over the guard page."""
        if not self.x86:
            self.skipTest("its trace is only known on x86-64")
        self.assertRegex(tool("objdump", "-d", "--no-show-raw-insn", BINARY), r"orq\s+\$0x0,\(%rsp\)|sub\s+\$0x1000,%rsp\n.*orq?\s+\$0x0")


if __name__ == "__main__":
    unittest.main()
