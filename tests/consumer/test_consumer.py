"""Outside projects that use libhub as it is installed, or as a part of
themselves, in C11 and in C++17.

Two prefixes are installed: the default, with both libraries, and one with only
the static library and without io_uring. Both are moved away before anything is
built against them.
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NO_PROGRAMS = ("-DHUB_BUILD_DAEMON=OFF", "-DHUB_BUILD_EXAMPLES=OFF",
               "-DHUB_BUILD_TESTS=OFF")
STRICT = ("-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion",
          "-Wshadow", "-Wundef", "-Werror")
STRICT_C = ("-Wstrict-prototypes", "-Wmissing-prototypes", "-Wc++-compat")
STRICT_CPP = ("-Wold-style-cast", "-Woverloaded-virtual")
DIALECTS = {"c": ("c11", "gnu11", "c17", "c2x"),
            "c++": ("c++11", "c++17", "c++20", "gnu++17")}
SAYS = {"c": "C: libhub {}, 14 messages\n",
        "cpp": "C++: libhub {}, 8 messages\n"}
LANGUAGES = tuple(SAYS)


def run(*command, directory=None, **variables):
    done = subprocess.run([str(word) for word in command], check=False,
                          cwd=directory, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          env={**os.environ, **variables})
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n"
                             + done.stdout)
    return done.stdout


def build(source, directory, *settings):
    run("cmake", "-S", source, "-B", directory, *settings)
    run("cmake", "--build", directory, "-j", os.cpu_count())


def version():
    return re.search(r'HUB_VERSION "(.*)"',
                     (ROOT / "include/hub/version.h").read_text("utf-8"))[1]


def libraries(program):
    """What it looks for when it starts."""
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", program))


class Prefix:
    """An installed libhub, somewhere else than it was told."""

    def __init__(self, work, *settings):
        build(ROOT, work / "build", "-DCMAKE_BUILD_TYPE=Release", *NO_PROGRAMS,
              f"-DCMAKE_INSTALL_PREFIX={work}/told", *settings)
        run("cmake", "--install", work / "build", "--prefix", work / "first")
        self.path = (work / "first").rename(work / "moved")
        self.work = work
        pc, = self.path.rglob("libhub.pc")
        self.pkg_config_path = str(pc.parent)
        self.libdir = str(pc.parent.parent)

    def pkg_config(self, *flags):
        return run("pkg-config", *flags, "libhub",
                   PKG_CONFIG_PATH=self.pkg_config_path).split()


class Consumer(unittest.TestCase):

    def check_runs(self, program, language, **variables):
        self.assertEqual(run(program, **variables),
                         SAYS[language].format(version()))

    def by_make(self, prefix, **flags):
        """Programs by pkg-config, each with what it loads."""
        out = tempfile.mkdtemp(dir=prefix.work)
        run("make", "-s", "-C", HERE, f"OUT={out}",
            PKG_CONFIG_PATH=prefix.pkg_config_path, **flags)
        for language in LANGUAGES:
            program = pathlib.Path(out, f"hub_{language}")
            self.check_runs(program, language, LD_LIBRARY_PATH=prefix.libdir)
            yield libraries(program)

    def by_cmake(self, prefix, targets, *settings):
        """Programs by find_package(), and what each loads."""
        out = tempfile.mkdtemp(dir=prefix.work)
        build(HERE, out, f"-DCMAKE_PREFIX_PATH={prefix.path}",
              "-DCONSUMER_TARGETS=" + ";".join(targets), *settings)
        loaded = {}
        for target in targets:
            for language in LANGUAGES:
                program = pathlib.Path(out, f"{target}_{language}")
                self.check_runs(program, language)
                loaded[target, language] = libraries(program)
        return loaded


class Both(Consumer):

    @classmethod
    def setUpClass(cls):
        work = tempfile.TemporaryDirectory(prefix="hub-consumer-")
        cls.addClassCleanup(work.cleanup)
        cls.prefix = Prefix(pathlib.Path(work.name))

    def test_pkg_config_links_the_shared_library(self):
        for loaded in self.by_make(self.prefix):
            self.assertIn("libhub.so.0", loaded)

    def test_pkg_config_links_all_of_it_statically(self):
        self.assertIn("-luring", self.prefix.pkg_config("--static", "--libs"))
        self.assertNotIn("-luring", self.prefix.pkg_config("--libs"))
        for loaded in self.by_make(self.prefix, STATIC="-static"):
            self.assertEqual(loaded, [])

    def test_pkg_config_names_nothing_outside_the_prefix(self):
        words = self.prefix.pkg_config("--static", "--cflags", "--libs")
        paths = [pathlib.Path(word[2:]).resolve() for word in words
                 if word[:2] in ("-I", "-L")]
        self.assertEqual(len(paths), 2)
        for path in paths:
            self.assertTrue(path.is_relative_to(self.prefix.path), path)

    def test_cmake_has_either_library(self):
        loaded = self.by_cmake(self.prefix, ("hub", "hub_static"),
                               "-DCONSUMER_COMPONENTS=shared;static",
                               "-DCONSUMER_LACKS=nonsense")
        for (target, _), names in loaded.items():
            self.assertEqual("libhub.so.0" in names, target == "hub", names)

    def test_nothing_installed_names_where_it_was_built(self):
        for path in self.prefix.path.rglob("*"):
            if path.is_file() and path.suffix not in (".a", ".0"):
                text = path.read_bytes().decode("latin-1")
                self.assertNotIn(str(self.prefix.work), text, path)
                self.assertNotIn(str(ROOT), text, path)

    def test_the_examples_are_built_as_their_readme_says(self):
        examples = ROOT / "examples"
        lines = re.findall(r"^    cc (.*)$",
                           (examples / "README.md").read_text("utf-8"), re.M)
        out = tempfile.mkdtemp(dir=self.prefix.work)
        for line in lines:
            run("sh", "-c", f"cc -Wall -Wextra -Werror {line}".replace(
                "-o ", f"-o {out}/"), directory=examples,
                PKG_CONFIG_PATH=self.prefix.pkg_config_path)
        self.assertEqual(
            {path.name for path in pathlib.Path(out).iterdir()},
            {path.stem for path in examples.glob("*.c")
             if "int main(" in path.read_text("utf-8")})
        self.assertEqual(run(f"{out}/minimal",
                             LD_LIBRARY_PATH=self.prefix.libdir).count("got"),
                         5)

    def test_every_function_has_a_manual_page(self):
        pages = self.prefix.path / "share/man/man3"
        exported = re.findall(r"^ +(hub_\w+);$", (
            ROOT / "libhub/libhub.map").read_text("utf-8"), re.M)
        self.assertIn("hub_send", exported)
        for name in exported:
            link = re.fullmatch(r"\.so man3/(\S+)\n",
                                (pages / f"{name}.3").read_text("utf-8"))
            text = (pages / link[1]).read_text("utf-8")
            self.assertRegex(text, rf"(?m)^\.F[no] {name}\b")

    def test_the_header_brings_no_warning(self):
        source = {"c": "main.c", "c++": "main.cpp"}
        compilers = {"c": ("gcc", "clang"), "c++": ("g++", "clang++")}
        for language, dialects in DIALECTS.items():
            more = STRICT_C if language == "c" else STRICT_CPP
            for compiler in compilers[language]:
                for dialect in dialects:
                    with self.subTest(f"{compiler} -std={dialect}"):
                        run(compiler, f"-std={dialect}", *STRICT, *more,
                            *self.prefix.pkg_config("--cflags"), "-x",
                            language, HERE / "strict.c")
                with self.subTest(compiler):
                    run(compiler, *STRICT,
                        *self.prefix.pkg_config("--cflags"),
                        HERE / source[language])


class StaticWithoutUring(Consumer):

    @classmethod
    def setUpClass(cls):
        work = tempfile.TemporaryDirectory(prefix="hub-consumer-")
        cls.addClassCleanup(work.cleanup)
        cls.prefix = Prefix(pathlib.Path(work.name), "-DHUB_WITH_URING=OFF",
                            "-DBUILD_SHARED_LIBS=OFF")

    def test_there_is_no_shared_library(self):
        self.assertEqual(list(self.prefix.path.rglob("*.so*")), [])

    def test_pkg_config_links_it_with_and_without_static(self):
        self.assertNotIn("-luring",
                         self.prefix.pkg_config("--static", "--libs"))
        for flag in ("", "-static"):
            for loaded in self.by_make(self.prefix, STATIC=flag):
                self.assertNotIn("libhub.so.0", loaded)
                self.assertNotIn("liburing.so.2", loaded)

    def test_cmake_knows_it_by_both_names(self):
        loaded = self.by_cmake(self.prefix, ("hub", "hub_static"),
                               "-DCONSUMER_COMPONENTS=static",
                               "-DCONSUMER_LACKS=shared")
        for names in loaded.values():
            self.assertNotIn("libhub.so.0", names)
            self.assertNotIn("liburing.so.2", names)


class Lacking(unittest.TestCase):
    """Where nothing but a compiler is installed, each error says how to go on;
    the library alone is what is left then."""

    def test_each_error_says_how_to_go_on(self):
        work = tempfile.TemporaryDirectory(prefix="hub-consumer-")
        self.addCleanup(work.cleanup)
        # It is found without pkg-config.
        settings, parts = ["-DCMAKE_DISABLE_FIND_PACKAGE_Check=ON"], []
        while len(parts) < 4:
            done = subprocess.run(
                ["cmake", "-S", ROOT, "-B", work.name, *settings], check=False,
                text=True, capture_output=True,
                env={**os.environ, "PKG_CONFIG_LIBDIR": work.name})
            if done.returncode == 0:
                break
            said = re.search(r"\(message\): (.+) needs (\S+) \(on Debian, "
                             r"(\S+)\); (-D\S+=OFF) leaves it out\.",
                             " ".join(done.stderr.split()))
            self.assertIsNotNone(said, done.stderr)
            parts.append(said.groups()[:3])
            settings.append(said[4])
        self.assertEqual(parts, [
            ("hubd", "libcjson", "libcjson-dev"),
            ("hub-bench", "libcjson", "libcjson-dev"),
            ("the test suite", "check", "check")])
        run("cmake", "--build", work.name, "-j", os.cpu_count())
        self.assertTrue(list(pathlib.Path(work.name).rglob("libhub.so")))


class Subproject(Consumer):
    """libhub built by somebody else's CMakeLists.txt; that nothing leaks into
    it, ./subproject/CMakeLists.txt checks itself."""

    def build_outside(self, *settings):
        work = tempfile.TemporaryDirectory(prefix="hub-consumer-")
        self.addCleanup(work.cleanup)
        work = pathlib.Path(work.name)
        build(HERE / "subproject", work / "build", f"-DHUB_SOURCE={ROOT}",
              *settings)
        for language in LANGUAGES:
            self.check_runs(work / "build" / f"hub_{language}", language)
        self.check_flags(work / "build")
        self.check_installed(work)
        return libraries(work / "build/hub_c")

    def check_flags(self, directory):
        """Its own files are compiled and linked as before."""
        commands = re.findall(r'"command": "(.*)",\n',
                              (directory / "compile_commands.json").read_text())
        ours = [c for c in commands if "/main.c" in c]
        self.assertEqual(len(ours), 3)
        for command in ours:
            self.assertEqual(
                [word for word in command.split() if word[:2] in
                 ("-W", "-D", "-f", "-O")],
                ["-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        for language in LANGUAGES:
            link, = directory.glob(f"CMakeFiles/hub_{language}.dir/link.txt")
            flags = re.findall(r" (-\S+)", link.read_text())
            self.assertEqual([f for f in flags if f != "-o" and
                              not f.startswith("-Wl,-rpath,")], [])

    def check_installed(self, work):
        run("cmake", "--install", work / "build", "--prefix", work / "prefix")
        self.assertEqual({path.name for path in (work / "prefix").rglob("*")},
                         {"bin", "hub_c", "hub_cpp"})
        listed = run("ctest", "--test-dir", work / "build", "-N")
        self.assertIn("Total Tests: 0", listed)
        programs = {path.name for path in (work / "build").rglob("*")
                    if path.is_file() and os.access(path, os.X_OK)
                    and "CMakeFiles" not in path.parts
                    and not path.name.startswith("libhub.so")}
        self.assertEqual(programs, {"hub_c", "hub_cpp"})

    def test_by_add_subdirectory(self):
        self.assertNotIn("libhub.so.0", self.build_outside())

    def test_by_fetch_content_and_shared(self):
        self.assertIn("libhub.so.0", self.build_outside(
            "-DOUTSIDE_FETCH=ON", "-DBUILD_SHARED_LIBS=ON"))


if __name__ == "__main__":
    unittest.main()
