"""The input that docs/api/filter.py makes of hub.h for Doxygen: a comment for
everything public, and headings for the lines that hub.h promises.
"""

import re
import subprocess
import sys
import unittest

from header import HEADERS, INCLUDE, ROOT, header


def filtered(name):
    return subprocess.run(
        [sys.executable, "-B", str(ROOT / "docs/api/filter.py"),
         str(INCLUDE / "hub" / name)],
        check=True, text=True, capture_output=True).stdout


class Filtered(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.text = "".join(filtered(path.name) for path in HEADERS)

    def before(self, function):
        """The comment in front of it."""
        found = re.search(
            rf"/\*\* ((?:(?!\*/).)*)\*/\nHUB_API [^\n]*\b{function}\(",
            self.text, re.DOTALL)
        self.assertIsNotNone(found, function)
        return found[1]

    def test_every_function_has_its_headings(self):
        for function in header().exported:
            with self.subTest(function.name):
                comment = self.before(function.name)
                self.assertRegex(comment, r"@par Threads(, Owns, Returns)?\n")
                self.assertNotRegex(comment, r"\b(Threads|Owns|Returns): ")

    def test_what_a_function_returns_is_a_list(self):
        self.assertIn("\n@par Returns\n- 0\n- #HUB_EINVAL – a value out of",
                      self.before("hub_create"))

    def test_every_field_and_constant_has_a_comment(self):
        structs = [(name, [field.name for field in fields])
                   for name, fields in header().structs.items()]
        for name, members in structs + list(header().enums.items()):
            body = re.search(rf"(?:struct|enum) {name} {{\n(.*?)\n}}",
                             self.text, re.DOTALL)[1]
            for member in members:
                with self.subTest(f"{name}.{member}"):
                    self.assertRegex(
                        body, rf"(?s)\b{member}(?:\[\w+\]| = -?\d+)?[;,]"
                        rf"\s*/\*\*< |"
                        rf"/\*\* [^*]*\*/\s*void \(\*{member}\)\(")

    def test_every_error_says_what_its_sentence_is(self):
        self.assertIn("HUB_ENOENT = -3, /**< no such connection */", self.text)
        self.assertIn('HUB_CLOSED_LOST, /**< "lost": end of stream or error */',
                      self.text)

    def test_what_is_opened_is_closed(self):
        self.assertEqual(self.text.count("@{"), 7)
        self.assertEqual(self.text.count("@}"), 7)


if __name__ == "__main__":
    unittest.main()
