"""Keys from a URL: by http on this machine and by https, with tokens that the
openssl program has signed, judged by hubd --check-token."""

import json
import pathlib
import signal
import tempfile
import unittest

from harness.daemon import run_to_end
from harness.issuer import Key, claims_of, jwks
from harness.key_server import KeyServer
from harness.rawws import new_key, upgrade_request
from harness.testcase import Assertions, HubTestCase
from harness.wait import until

ISSUER = "https://id.example"
API_KEY = "0123456789abcdef-api"


class UrlCase(Assertions):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key = Key("ES256", "k-1")
        cls.addClassCleanup(cls.key.close)
        cls.token = cls.key.token(claims_of(iss=ISSUER))

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="hub-tokens-")
        self.addCleanup(scratch.cleanup)
        self.path = pathlib.Path(scratch.name) / "token"
        self.path.write_text(self.token)

    def serve(self, tls_names=None, **pages):
        server = KeyServer(tls_names)
        self.addCleanup(server.close)
        server.pages = {"/keys": jwks(self.key), **pages}
        return server

    def check(self, url, **settings):
        return run_to_end("--check-token", str(self.path),
                          **{"HUB_JWT_KEYS_URL": url, "HUB_JWT_ISSUER": ISSUER,
                             "HUB_JWT_AUDIENCE": "hub", **settings})

    def assertGood(self, url, **settings):
        code, out, err = self.check(url, **settings)
        self.assertEqual(code, 0, (out, err))
        self.assertIn('good: user="ada" kid="k-1"', out)

    def assertFails(self, url, reason, status=1, **settings):
        code, out, err = self.check(url, **settings)
        self.assertEqual((code, out), (status, ""), err)
        self.assertRegex(err, reason)


class Http(UrlCase):

    def test_a_set_of_keys(self):
        server = self.serve()
        self.assertGood(server.url("/keys"))
        self.assertGood(server.url("/keys", "localhost"))
        self.assertEqual(server.asked, ["/keys"] * 2)

    def test_a_configuration(self):
        server = self.serve()
        server.pages["/config"] = json.dumps(
            {"issuer": ISSUER, "jwks_uri": server.url("/keys")})
        self.assertGood(server.url("/config"))
        self.assertEqual(server.asked, ["/config", "/keys"])

    def test_a_configuration_of_others_or_to_elsewhere(self):
        server = self.serve()
        for config, reason in (
                ({"issuer": "https://evil.example",
                  "jwks_uri": server.url("/keys")}, "HUB_JWT_ISSUER"),
                ({"jwks_uri": server.url("/keys")}, "HUB_JWT_ISSUER"),
                ({"issuer": ISSUER}, "jwks_uri"),
                ({"issuer": ISSUER, "jwks_uri": "http://192.0.2.1/"},
                 "jwks_uri must be https"),
                ({"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
                 "jwks_uri must be")):
            with self.subTest(reason):
                server.pages["/config"] = json.dumps(config)
                self.assertFails(server.url("/config"), reason)
        self.assertNotIn("/keys", server.asked)

    def test_answers_that_are_none(self):
        server = self.serve()
        for page, reason in (
                ((500, {}, "{}"), "status 500"),
                ((302, {"Location": "/keys"}, ""), "status 302"),
                ("<html></html>", "is not JSON"),
                ('{"keys":[]}', "no usable key"),
                (jwks({"kty": "oct", "k": "A" * 43}), "no usable key"),
                (" " * (300 << 10), "larger than 256 KB"),
                ((200, {"Content-Encoding": "gzip"}, "x"), "is not JSON")):
            with self.subTest(reason):
                server.pages["/other"] = page
                self.assertFails(server.url("/other"), reason)
        self.assertNotIn("/keys", server.asked)

    def test_a_server_that_is_down(self):
        server = KeyServer()
        url = server.url("/keys")
        server.close()
        self.assertFails(url, "HUB_JWT_KEYS_URL=.*onnect")

    def test_a_private_key_of_a_server_is_left_out(self):
        server = self.serve(**{"/both": jwks(
            {**self.key.jwk(), "d": "AAAA", "kid": "x"}, self.key)})
        self.assertGood(server.url("/both"))

    def test_proxies_of_the_environment_are_for_elsewhere(self):
        server = self.serve()
        self.assertGood(server.url("/keys"), http_proxy="http://127.0.0.1:1",
                        https_proxy="http://127.0.0.1:1",
                        ALL_PROXY="http://127.0.0.1:1")


class Https(UrlCase):

    def test_a_certificate_of_an_authority_that_is_named(self):
        server = self.serve("DNS:localhost,IP:127.0.0.1")
        ca_file = {"HUB_JWT_KEYS_CA_FILE": str(server.ca_file)}
        self.assertGood(server.url("/keys"), **ca_file)
        self.assertGood(server.url("/keys", "localhost"), **ca_file)

    def test_a_certificate_that_nobody_knows(self):
        server = self.serve("DNS:localhost,IP:127.0.0.1")
        self.assertFails(server.url("/keys"), "certificate")
        other = self.serve("DNS:localhost,IP:127.0.0.1")
        self.assertFails(server.url("/keys"), "certificate",
                         HUB_JWT_KEYS_CA_FILE=str(other.ca_file))
        self.assertEqual(server.asked, [])

    def test_a_certificate_of_another_name(self):
        server = self.serve("DNS:id.example")
        self.assertFails(server.url("/keys"), "(?i)certificate|name",
                         HUB_JWT_KEYS_CA_FILE=str(server.ca_file))
        self.assertEqual(server.asked, [])

    def test_a_file_of_authorities_that_is_none(self):
        server = self.serve("DNS:localhost,IP:127.0.0.1")
        self.assertFails(server.url("/keys"), "HUB_JWT_KEYS_CA_FILE", 78,
                         HUB_JWT_KEYS_CA_FILE="/nonexistent")
        self.assertFails(server.url("/keys"), "certificate|CA",
                         HUB_JWT_KEYS_CA_FILE=str(self.path))

    def test_http_on_the_port_of_https(self):
        server = self.serve("DNS:localhost,IP:127.0.0.1")
        self.assertFails(server.url("/keys").replace("https:", "http:"),
                         "HUB_JWT_KEYS_URL=")


class Door(HubTestCase, UrlCase):
    """hubd itself, with clients that show tokens."""

    def start_with(self, url, **settings):
        return self.start(HUB_CLIENT_AUTH="jwt", HUB_JWT_KEYS_URL=url,
                          HUB_JWT_ISSUER=ISSUER, HUB_JWT_AUDIENCE="hub",
                          HUB_JWT_KEYS_COOLDOWN="200ms", HUB_METRICS="on",
                          **settings)

    def knock(self, hub, token):
        return self.raw(hub, upgrade_request(
            "/ws", new_key(), [("Authorization", f"Bearer {token}")]))

    def until_status(self, hub, token, status):
        until(lambda: self.knock(hub, token).status == status, str(status))

    def test_clients_come_back_once_there_are_keys(self):
        server = self.serve(**{"/keys": (503, {}, "")})
        hub = self.start_with(server.url("/keys"))
        self.assertEqual(hub.wait_log("token_keys_failed")["error"],
                         "answers with status 503")
        reply = self.knock(hub, self.token)
        self.assertRefused(reply, 503, "keys_unavailable")
        self.assertRegex(reply.header("retry-after"), r"\A[1-9]")
        self.assertRefused(self.knock(hub, "x"), 401, "unauthorized")
        self.assertEqual(hub.request("GET", "/health").status, 200)
        server.pages["/keys"] = jwks(self.key)
        self.until_status(hub, self.token, 101)
        self.assertEqual(hub.wait_log("token_keys")["keys"], "1")
        server.pages["/keys"] = "<html>"
        hub.signal(signal.SIGHUP)
        until(lambda: sum("is not JSON" in line for line in hub.lines),
              "a failure")
        self.assertEqual(self.knock(hub, self.token).status, 101)

    def test_a_new_key_is_found_when_it_is_first_used(self):
        server = self.serve()
        hub = self.start_with(server.url("/keys"))
        self.until_status(hub, self.token, 101)
        key = Key("EdDSA", "k-2")
        self.addCleanup(key.close)
        token = key.token(claims_of("eve", iss=ISSUER))
        self.assertRefused(self.knock(hub, token), 401, "unauthorized")
        server.pages["/keys"] = jwks(key)
        self.until_status(hub, token, 101)
        self.assertRefused(self.knock(hub, self.token), 401, "unauthorized")

    def test_an_end_waits_for_no_server(self):
        server = self.serve(**{"/keys": (302, {"Location": "/keys"}, "")})
        hub = self.start_with(server.url("/keys"))
        hub.stop()
        self.assertTrue(all(path == "/keys" for path in server.asked))

    def test_fetches_are_counted(self):
        server = self.serve()
        hub = self.start_with(server.url("/keys"))
        self.until_status(hub, self.token, 101)
        text = hub.request("GET", "/metrics").body.decode()
        self.assertRegex(
            text, r'(?m)^hubd_token_key_fetches_total\{result="ok"\} [1-9]')
        self.assertRegex(text, r"(?m)^hubd_token_keys 1$")
        self.assertRegex(
            text, r"(?m)^hubd_token_keys_fetched_timestamp_seconds 1\d{9}\.")


class Settings(UrlCase):

    def test_what_cannot_be(self):
        good = "https://id.example/keys"
        for url, reason, settings in (
                ("http://id.example/keys", "must be https", {}),
                ("http://192.0.2.1/", "must be https", {}),
                ("https://a:b@id.example/", "without a user", {}),
                (good, "HUB_JWT_ISSUER", {"HUB_JWT_ISSUER": ""}),
                (good, "HUB_JWT_AUDIENCE", {"HUB_JWT_AUDIENCE": ""}),
                (good, "both", {"HUB_JWT_KEYS_FILE": str(self.path)}),
                (good, "HUB_JWT_ALGORITHMS", {"HUB_JWT_ALGORITHMS": "HS256"}),
                (good, "HUB_JWT_KEYS_COOLDOWN",
                 {"HUB_JWT_KEYS_COOLDOWN": "1h"}),
                (good, "HUB_JWT_KEYS_MAX_AGE",
                 {"HUB_JWT_KEYS_MAX_AGE": "1m"})):
            with self.subTest(reason, url=url):
                self.assertFails(url, reason, 78, **settings)
                code, _, err = run_to_end(
                    "--check-config", **{
                        "HUB_API_KEY": API_KEY, "HUB_JWT_KEYS_URL": url,
                        "HUB_JWT_ISSUER": ISSUER, "HUB_JWT_AUDIENCE": "hub",
                        **settings})
                self.assertEqual(code, 78, err)
                self.assertIn(reason, err)

    def test_check_config_asks_nobody(self):
        server = self.serve()
        code, out, err = run_to_end(
            "--check-config", HUB_API_KEY=API_KEY, HUB_JWT_AUDIENCE="hub",
            HUB_JWT_ISSUER=ISSUER, HUB_JWT_KEYS_URL=server.url("/keys"))
        self.assertEqual(code, 0, err)
        self.assertIn(f"HUB_JWT_KEYS_URL={server.url('/keys')}\n", out)
        self.assertEqual(server.asked, [])


if __name__ == "__main__":
    unittest.main()
