"""A civetweb that reads its sockets in a way that hubd cannot see: hubd says
so when it starts, and not only at the first handshake."""

import os
import unittest

from harness.daemon import run_to_end

KEY = "0123456789abcdef0123456789abcdef"
LIBRARY = os.environ.get("HUB_OTHER_CIVETWEB", "")


@unittest.skipUnless(LIBRARY, "HUB_OTHER_CIVETWEB names no library")
class OtherCivetweb(unittest.TestCase):

    def assertRefused(self, *flags):
        code, out, err = run_to_end(*flags, HUB_API_KEY=KEY, PORT=0,
                                    HUB_BIND="127.0.0.1", LD_PRELOAD=LIBRARY)
        self.assertEqual((code, out), (1, ""), err)
        self.assertRegex(err, r"this civetweb library does not read its "
                              r"sockets by calling poll\(\) and recv\(\)")

    def test_hubd_does_not_start(self):
        self.assertRefused()

    def test_checking_the_settings_tells_as_much(self):
        self.assertRefused("--check-config")

    def test_one_that_calls_them_is_taken(self):
        code, _, err = run_to_end("--check-config", HUB_API_KEY=KEY)
        self.assertEqual(code, 0, err)


if __name__ == "__main__":
    unittest.main()
