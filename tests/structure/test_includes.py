"""The folders of libhub/ and hubd/ depend on each other in one direction only;
and violations are reported."""

import pathlib
import shutil
import tempfile
import unittest

import includes

ROOT = pathlib.Path(__file__).parents[2]


def told(violation):
    return "{}:{}: {}".format(*violation)


class Tree(unittest.TestCase):

    def test_there_is_something_to_read(self):
        for component in includes.COMPONENTS:
            with self.subTest(component):
                files = includes.files_of(ROOT, component)
                found = [include for path in files
                         for include in includes.includes_of(ROOT, path)]
                self.assertGreater(len(files), 30)
                self.assertGreater(len(found), 100)

    def test_every_include_keeps_to_the_tables(self):
        wrong = [told(violation) for violation in includes.violations(ROOT)]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))


class Planted(unittest.TestCase):
    """In a copy, one wrong line at a time."""

    @classmethod
    def setUpClass(cls):
        room = tempfile.TemporaryDirectory(prefix="hub-includes-")
        cls.addClassCleanup(room.cleanup)
        cls.root = pathlib.Path(room.name)
        for component in includes.COMPONENTS:
            shutil.copytree(ROOT / component, cls.root / component)
        cls.before = set(includes.violations(cls.root))

    def plant(self, file, line):
        """Puts it behind the last line of a file, which may be a new one.
        Returns its number, and the violations that come of it."""
        path = self.root / file
        text = path.read_text("utf-8") if path.exists() else ""
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{text}\n{line}\n", "utf-8")
        try:
            found = sorted(set(includes.violations(self.root)) - self.before)
        finally:
            if text:
                path.write_text(text, "utf-8")
            else:
                path.unlink()
        return len(text.splitlines()) + 2, found

    def test_each_is_told_with_file_and_line_and_rule(self):
        for file, line, rule in (
                ("libhub/base/mem.c", '#include "ws/utf8.h"',
                 "base/ may include nothing of its own"),
                ("libhub/ws/reader.h", '#include "message/frame.h"',
                 "ws/ may include base"),
                ("libhub/directory/names.c", '#  include "loop/host.h"',
                 "directory/ may include base"),
                ("libhub/loop/conn_read.c", '#include "internal.h"',
                 "for files at the top only"),
                ("libhub/loop/host.h", '#include "loop/conn.h"',
                 "leads back to here"),
                ("libhub/loop/loop.c", '#include "mailbox.h"',
                 "is no path from libhub/"),
                ("libhub/hub.c", "#include <civetweb.h>",
                 "is for hubd/front/ only"),
                ("hubd/resources/proc.h", '#include "config/config.h"',
                 "resources/ may include base"),
                ("hubd/front/reply.c", '#include "access/keys.h"',
                 "front/ may include base, resources, config"),
                ("hubd/access/auth.c", "#include <civetweb.h>",
                 "is for hubd/front/ only"),
                ("hubd/observe/health.c", '#include "api/send.h"',
                 "observe/ may include"),
                ("hubd/api/send.c", '#include "server.h"',
                 "for files at the top only"),
                ("hubd/base/units.c", '#include "ws/ws_frame.h"',
                 "is no path from hubd/"),
                ("hubd/base/units.c", "#include <ws/ws_frame.h>",
                 "is libhub/'s own"),
                ("hubd/base/units.c", "#include UNITS_TABLE",
                 "cannot be followed"),
                ("hubd/attic/box.c", '#include "base/units.h"',
                 "a folder that has no rule"),
        ):
            with self.subTest(file=file, line=line):
                number, found = self.plant(file, line)
                self.assertIn((file, number),
                              [violation[:2] for violation in found
                               if rule in violation.rule], found)

    def test_what_is_right_is_let_be(self):
        for file, line in (
                ("libhub/ws/reader.c", '/* #include "loop/loop.h" */'),
                ("libhub/message/frame.c", '#include "ws/utf8.h"'),
                ("libhub/router.c", "#include <stdio.h>"),
                ("hubd/server.c", '#include "server.h"'),
                ("hubd/front/reply.c", "#include <civetweb.h>")):
            with self.subTest(file=file, line=line):
                self.assertEqual(self.plant(file, line)[1], [])


if __name__ == "__main__":
    unittest.main()
