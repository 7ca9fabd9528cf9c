"""Over https: with a trusted certificate, and not without one."""

import os
import ssl
import subprocess
import tempfile
import unittest

from cases import DriverCase
from fakes import Fake, success


class Https(DriverCase):

    def setUp(self):
        super().setUp()
        if os.environ.get("HUB_CSHARP_RUN"):
            self.skipTest("it may lack the OpenSSL that it wants")
        self.server = self.fake(Fake(lambda request, sock: success(3),
                                     tls=self.certificate()))
        self.url = self.server.url.replace("http:", "https:")

    def certificate(self):
        """One that nobody has signed."""
        self.require("openssl")
        with tempfile.TemporaryDirectory() as scratch:
            key, cert = f"{scratch}/key.pem", f"{scratch}/cert.pem"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                 "-days", "1", "-subj", "/CN=127.0.0.1", "-addext",
                 "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                check=True, capture_output=True)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
        return context

    def test_a_certificate_that_is_trusted(self):
        client = self.client(self.url, http="trusting")
        self.assertSent(client.user("ada", 1), 3)
        self.assertEqual(self.server.requests[0].headers["x-api-key"],
                         self.key)

    def test_a_certificate_that_is_not(self):
        client = self.client(self.url, Retry=False)
        outcome = self.assertFailed(client.user("ada", 1), "network_error",
                                    transient=True)
        self.assertRegex(outcome.description, "(?i)certificate")
        self.assertEqual(self.server.requests, [])


if __name__ == "__main__":
    unittest.main()
