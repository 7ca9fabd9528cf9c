"""The programs and the library as they are installed, read with readelf: each
protection that cmake/HubHarden.cmake asks for must be present in the file.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

BUILD = os.environ["HUB_BUILD_DIR"]
CMAKE = os.environ["HUB_CMAKE"]
CC = os.environ["HUB_CC"]
EXPECTED = os.environ["HUB_EXPECTED"]
OPTIMIZED = os.environ["HUB_OPTIMIZED"] == "1"
SOURCE = pathlib.Path(__file__).parents[2]
COMPONENTS = ("libhub0", "libhub-dev", "hubd")
ENDBR64 = bytes.fromhex("f30f1efa")


def run(*command):
    return subprocess.run(command, check=True, text=True,
                          capture_output=True).stdout


def files_below(root):
    return {str(path.relative_to(root)) for path in root.rglob("*")
            if path.is_symlink() or not path.is_dir()}


def readelf(path, *flags):
    return run("readelf", "-W", *flags, str(path))


class Segment:
    """A program header."""

    def __init__(self, fields):
        self.kind = fields[0]
        self.flags = "".join(fields[6:-1])  # R, W, E; readelf spaces them
        self.offset, self.address, self.bytes = (
            int(fields[at], 16) for at in (1, 2, 4))


class Elf:

    def __init__(self, path):
        self.path = path
        self.name = path.name
        self.kind = re.search(r"Type: +(\w+)", readelf(path, "-h"))[1]
        self.machine = re.search(r"Machine: +(.+)", readelf(path, "-h"))[1]
        self.segments = [
            Segment(line.split())
            for line in readelf(path, "-l").splitlines()
            if re.match(r" +[A-Z_]+ +0x\w+ 0x\w+ 0x\w+ ", line)]
        self.dynamic = re.findall(r"^ 0x\w+ \((\w+)\) +(.*)$",
                                  readelf(path, "-d"), re.MULTILINE)
        self.symbols = [line.split() for line in
                        readelf(path, "--dyn-syms").splitlines()
                        if re.match(r" +\d+: ", line)]

    def values(self, tag):
        return [value for name, value in self.dynamic if name == tag]

    def of(self, kind):
        return [s for s in self.segments if s.kind == kind]

    def imports(self):
        return {s[7].partition("@")[0] for s in self.symbols
                if len(s) > 7 and s[6] == "UND"}

    def exported_functions(self):
        """Names and addresses."""
        return {s[7].partition("@")[0]: int(s[1], 16) for s in self.symbols
                if len(s) > 7 and s[3] == "FUNC" and s[6] != "UND"}

    def bytes_at(self, address, count):
        for segment in self.of("LOAD"):
            at = address - segment.address
            if 0 <= at < segment.bytes:
                with self.path.open("rb") as file:
                    file.seek(segment.offset + at)
                    return file.read(count)
        raise AssertionError(f"{address:#x} is in no segment")


class Binaries(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        if shutil.which("readelf") is None:
            raise unittest.SkipTest("readelf is not installed")
        cls.prefix = tempfile.TemporaryDirectory(prefix="hub-binaries-")
        cls.addClassCleanup(cls.prefix.cleanup)
        run(CMAKE, "--install", BUILD, "--prefix", cls.prefix.name)
        root = pathlib.Path(cls.prefix.name)
        cls.programs = [Elf(path) for path in root.glob("bin/*")]
        cls.libraries = [Elf(path) for path in root.rglob("*.so*")
                         if not path.is_symlink()]
        cls.manuals = {path.stem for path in root.glob("share/man/man[18]/*")}
        cls.files = cls.programs + cls.libraries

    def test_all_of_them_are_looked_at(self):
        names = {elf.name.partition(".so")[0] for elf in self.files}
        self.assertEqual(names, set(EXPECTED.split()))

    def test_every_file_belongs_to_one_package(self):
        root = pathlib.Path(self.prefix.name)
        everything = files_below(root)
        seen = {}
        for component in COMPONENTS:
            with tempfile.TemporaryDirectory(prefix="hub-binaries-") as part:
                run(CMAKE, "--install", BUILD, "--prefix", part,
                    "--component", component)
                seen[component] = files_below(pathlib.Path(part))
        self.assertEqual(sorted(everything), sorted(
            path for files in seen.values() for path in files))
        for path, component in self.package_of(everything):
            self.assertIn(path, seen[component], component)

    @staticmethod
    def package_of(paths):
        """Debian's custom: programs, what they load, what they are made of."""
        for path in paths:
            directory, _, name = path.rpartition("/")
            if re.fullmatch(r"libhub\.so\.[0-9.]+", name):
                yield path, "libhub0"
            elif re.search(r"(^|/)(bin|man[18]|completions|site-functions"
                           r"|vendor_completions\.d)$", directory):
                yield path, "hubd"
            else:
                yield path, "libhub-dev"

    def test_every_program_has_a_manual_page(self):
        self.assertEqual(self.manuals, {elf.name for elf in self.programs})

    def test_programs_are_position_independent(self):
        for elf in self.programs:
            with self.subTest(elf.name):
                self.assertEqual(elf.kind, "DYN")
                self.assertTrue(elf.of("INTERP"), "is no program")
                self.assertIn("PIE", " ".join(elf.values("FLAGS_1")).split())

    def test_symbols_are_bound_at_the_start_and_then_read_only(self):
        for elf in self.files:
            with self.subTest(elf.name):
                flags = " ".join(elf.values("FLAGS") + elf.values("FLAGS_1"))
                self.assertRegex(flags, r"\bBIND_NOW\b")
                self.assertRegex(flags, r"\bNOW\b")
                relro, = elf.of("GNU_RELRO")
                self.assertGreater(relro.bytes, 0)

    def test_no_memory_is_writable_and_executable(self):
        for elf in self.files:
            with self.subTest(elf.name):
                stack, = elf.of("GNU_STACK")
                self.assertNotIn("E", stack.flags)
                for segment in elf.segments:
                    self.assertFalse({"W", "E"} <= set(segment.flags),
                                     f"{segment.kind} {segment.flags}")
                self.assertEqual(elf.values("TEXTREL"), [])
                self.assertNotIn("TEXTREL", " ".join(elf.values("FLAGS")))

    def test_code_has_pages_of_its_own(self):
        for elf in self.files:
            with self.subTest(elf.name):
                code = [s for s in elf.of("LOAD") if "E" in s.flags]
                self.assertEqual(len(code), 1)
                self.assertNotEqual(code[0].offset, 0, "the headers are there")

    def test_libraries_are_looked_for_next_to_the_program_only(self):
        for elf in self.files:
            with self.subTest(elf.name):
                self.assertEqual(elf.values("RPATH"), [])
                for value in elf.values("RUNPATH"):
                    path = re.search(r"\[(.*)\]", value)[1]
                    for part in path.split(":"):  # an empty one: where it runs
                        self.assertRegex(part, r"\A\$ORIGIN(/|\Z)", path)

    def test_only_what_is_used_is_loaded(self):
        for elf in self.files:
            with self.subTest(elf.name):
                unused = subprocess.run(
                    ["ldd", "-u", "-r", str(elf.path)], text=True, check=False,
                    capture_output=True).stdout.split()
                self.assertEqual([p for p in unused if p.startswith("/")], [])

    def test_stacks_are_protected(self):
        for elf in self.files:
            with self.subTest(elf.name):
                self.assertIn("__stack_chk_fail", elf.imports())

    def test_string_functions_know_sizes(self):
        if not OPTIMIZED:
            self.skipTest("_FORTIFY_SOURCE needs optimization")
        for elf in self.files:
            with self.subTest(elf.name):
                checked = {name for name in elf.imports()
                           if re.fullmatch(r"__\w+_chk", name)}
                self.assertTrue(checked & {"__memcpy_chk", "__snprintf_chk",
                                           "__vsnprintf_chk"}, checked)

    def test_functions_of_the_library_are_marked_as_targets_of_jumps(self):
        for elf in self.libraries:
            with self.subTest(elf.name):
                if "X86-64" not in elf.machine:
                    self.skipTest(f"says nothing about {elf.machine}")
                functions = elf.exported_functions()
                self.assertIn("hub_create", functions)
                for name, address in functions.items():
                    self.assertEqual(elf.bytes_at(address, 4), ENDBR64, name)

    def test_the_file_says_so_where_the_runtime_says_so(self):
        """The linker keeps the note only if all its inputs have it, and the C
        runtime's start files are among them."""
        for elf in self.files:
            with self.subTest(elf.name):
                if "X86-64" not in elf.machine:
                    self.skipTest(f"says nothing about {elf.machine}")
                names = ("crti.o", "crtn.o")
                if elf in self.programs:
                    names += ("Scrt1.o",)
                lacking = [name for name in names if not self.has_note(
                    run(CC, f"-print-file-name={name}").strip())]
                if lacking:
                    print(f"\n{elf.name} has no note: {', '.join(lacking)} "
                          "of this C library have none")
                else:
                    self.assertTrue(self.has_note(elf.path))

    @staticmethod
    def has_note(path):
        return re.search(r"x86 feature: .*\bIBT\b.*\bSHSTK\b",
                         readelf(path, "-n")) is not None


@unittest.skipUnless("hubd" in EXPECTED.split(), "there is no hubd")
class Optimized(unittest.TestCase):
    """Link-time optimization, as distributions switch it on."""

    MAIN = """
        #include "observe/console_files.h"
        int main(void)
        {
            for (size_t i = 0; i < console_file_count; i++) {
                if (console_files[i].bytes >= console_files[i].end)
                    return 1;
            }
            return 0;
        }"""

    def test_files_are_found_wherever_the_table_of_them_ends_up(self):
        flags = [f'-DHUBD_CONSOLE_DIR="{SOURCE}/hubd/console"',
                 f'-DHUBD_CLIENT_DIR="{SOURCE}/clients/js"',
                 f"-I{SOURCE}/hubd", "-O2", "-flto"]
        if "Free Software Foundation" in run(CC, "--version"):
            flags.append("-flto-partition=max")  # each symbol by itself
        with tempfile.TemporaryDirectory(prefix="hub-binaries-") as part:
            main, program = f"{part}/main.c", f"{part}/program"
            pathlib.Path(main).write_text(self.MAIN, encoding="ascii")
            linked = subprocess.run(
                [CC, *flags, f"{SOURCE}/hubd/observe/console_files.c", main,
                 "-o", program], text=True, check=False, capture_output=True)
            self.assertEqual(linked.returncode, 0, linked.stderr)
            run(program)


if __name__ == "__main__":
    unittest.main()
