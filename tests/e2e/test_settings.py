"""Environment, flags, --help, --version, --check-config, and bad values."""

import os
import re
import tempfile
import unittest

from harness.daemon import run_to_end
from harness.testcase import HubTestCase

KEY = "0123456789abcdef-secret"

VARIABLES = (
    "PORT", "HUB_BIND", "HUB_API_PORT", "HUB_API_BIND", "HUB_API_KEY", "HUB_API_KEY_PREVIOUS",
    "HUB_API_KEY_FILE", "READ_TIMEOUT", "WRITE_TIMEOUT",
    "HUB_KEEPALIVE_TIMEOUT", "MAX_MESSAGE_SIZE",
    "HUB_PING_INTERVAL", "HUB_PONG_TIMEOUT", "HUB_MAX_CONNECTIONS",
    "HUB_MAX_CONNECTIONS_PER_IP", "HUB_MAX_CONNECTIONS_PER_USER",
    "HUB_QUEUE_SIZE", "HUB_SLOW_CONSUMER", "HUB_MEMORY_LIMIT",
    "HUB_RATE_LIMIT", "HUB_ALLOWED_ORIGINS",
    "HUB_ALLOWED_ORIGINS_FILE", "HUB_PUBLIC_HOSTS", "HUB_SUBPROTOCOLS",
    "HUB_TRUSTED_PROXIES", "HUB_CLIENT_AUTH", "HUB_TOKEN_FROM",
    "HUB_SESSION_ID_FROM", "HUB_PROXY_USER_HEADER",
    "HUB_PROXY_SESSION_HEADER", "HUB_EXPIRY_WARNING", "HUB_EXPIRY_GRACE",
    "HUB_JWT_SECRET", "HUB_JWT_SECRET_FILE",
    "HUB_JWT_KEYS_FILE", "HUB_JWT_KEYS_URL", "HUB_JWT_KEYS_CA_FILE",
    "HUB_JWT_KEYS_REFRESH", "HUB_JWT_KEYS_COOLDOWN", "HUB_JWT_KEYS_MAX_AGE",
    "HUB_JWT_ISSUER", "HUB_JWT_AUDIENCE",
    "HUB_JWT_AUDIENCE_CLAIM", "HUB_JWT_ALGORITHMS", "HUB_JWT_TYPE",
    "HUB_JWT_LEEWAY", "HUB_JWT_USER_CLAIM", "HUB_JWT_SESSION_CLAIM",
    "HUB_JWT_GROUPS_CLAIM", "HUB_NODE_NAME", "HUB_TICKET_TTL",
    "HUB_TICKETS_MAX", "HUB_SHUTDOWN_TIMEOUT",
    "HUB_LOOPS", "HUB_SENDER", "HUB_METRICS", "HUB_METRICS_KEY",
    "HUB_CONSOLE", "HUB_LOG_LEVEL", "HUB_LOG_FORMAT")

BAD = {
    "PORT": ("-1", "65536", "http", "80x", "8081 ", "0x50", "1e3"),
    "HUB_BIND": ("localhost", "1.2.3", "256.0.0.1"),
    "HUB_API_PORT": ("-1", "65536", "off"),
    "HUB_API_BIND": ("localhost", "127.0.0.1"),  # without HUB_API_PORT
    "READ_TIMEOUT": ("60", "soon", "-1s", "0", "0s", "1sx", "1 s"),
    "WRITE_TIMEOUT": ("10", "abc", "-5s", "99999999999h"),
    "HUB_KEEPALIVE_TIMEOUT": ("0", "1s", "100", "2h"),
    "HUB_PING_INTERVAL": ("25", "x", "-1ms"),
    "HUB_CLIENT_AUTH": ("hook", "jwt,none", "jwt,jwt", "jwt,", "yes"),
    "HUB_TOKEN_FROM": ("cookie", "query:", "header:x", "cookie:a b",
                       "protocol:x", "," * 9),
    "HUB_SESSION_ID_FROM": ("client", "claims"),
    "HUB_PROXY_USER_HEADER": ("X User", "X-User:", "x" * 64),
    "HUB_EXPIRY_WARNING": ("0", "0s", "2h"),
    "HUB_EXPIRY_GRACE": ("0", "soon"),
    "HUB_PONG_TIMEOUT": ("ten", "10 seconds"),
    "HUB_SHUTDOWN_TIMEOUT": ("10", "later"),
    "MAX_MESSAGE_SIZE": ("512XB", "-1", "0", "huge", "99999999999999999999",
                         "1.5.5MB"),
    "HUB_QUEUE_SIZE": ("many", "-1", "1TBx"),
    "HUB_MAX_CONNECTIONS": ("-1", "some", "1.5", "99999999999999999999999"),
    "HUB_MAX_CONNECTIONS_PER_IP": ("-1", "x"),
    "HUB_MAX_CONNECTIONS_PER_USER": ("-1", "x"),
    "HUB_SLOW_CONSUMER": ("drop", "CLOSE!"),
    "HUB_MEMORY_LIMIT": ("all", "-1", "1", "15MB"),
    "HUB_RATE_LIMIT": ("fast", "-1", "10/s", "1000001"),
    "HUB_ALLOWED_ORIGINS": ("example.com", "https://", "https://a/b"),
    "HUB_PUBLIC_HOSTS": ("https://a.example", "*.example.com", "a:0", "::1"),
    "HUB_SUBPROTOCOLS": ("a b", "a,,b", ",", "a/b", "\u00e9"),
    "HUB_TRUSTED_PROXIES": ("proxy", "10.0.0.0/33", "1.2.3.4/x"),
    "HUB_JWT_ALGORITHMS": ("none", "RS256,none", "rs256", "HS256,,ES256",
                           "ES512"),
    "HUB_JWT_KEYS_URL": ("id.example", "ftp://id.example/", "https:"),
    "HUB_JWT_KEYS_REFRESH": ("0", "10", "25h"),
    "HUB_JWT_KEYS_COOLDOWN": ("0", "x"),
    "HUB_JWT_KEYS_MAX_AGE": ("-1s", "1y"),
    "HUB_JWT_LEEWAY": ("30", "-1s", "11m"),
    "HUB_JWT_USER_CLAIM": ("/a/b/c/d/e", "/~"),
    "HUB_JWT_SESSION_CLAIM": ("/~2",),
    "HUB_JWT_GROUPS_CLAIM": ("groups",),
    "HUB_NODE_NAME": ("hub_1", "a.b", "x" * 33),
    "HUB_TICKET_TTL": ("500ms", "6m", "30", "never"),
    "HUB_TICKETS_MAX": ("0", "-1", "some", "10000001"),
    "HUB_LOOPS": ("-1", "x", "1000000"),
    "HUB_SENDER": ("io_uring", "send"),
    "HUB_METRICS": ("yes", "9108", "localhost:9108", ":65536", "::1:9108",
                    "127.0.0.1"),
    "HUB_CONSOLE": ("yes", "1", "true"),
    "HUB_LOG_LEVEL": ("loud", "verbose"),
    "HUB_LOG_FORMAT": ("xml", "1"),
}


def check(*flags, **settings):
    settings.setdefault("HUB_API_KEY", KEY)
    return run_to_end("--check-config", *flags, **settings)


class Values(unittest.TestCase):

    def test_a_bad_value_is_one_line_that_names_it(self):
        for name, values in BAD.items():
            for value in values:
                with self.subTest(f"{name}={value}"):
                    self.assertBad(check(**{name: value}), name, value)

    def test_a_bad_flag_value_too(self):
        for name, values in BAD.items():
            flag = "--" + name.lower().removeprefix("hub_").replace("_", "-")
            if name.startswith("HUB_"):
                flag = "--" + name.lower().replace("_", "-")
            with self.subTest(flag):
                code, _, err = check(f"{flag}={values[0]}")
                self.assertEqual(code, 78, err)
                self.assertEqual(len(err.splitlines()), 1, err)

    def assertBad(self, result, name, value):
        code, out, err = result
        self.assertEqual(code, 78, (out, err))
        self.assertEqual(out, "")
        lines = err.splitlines()
        self.assertEqual(len(lines), 1, err)
        self.assertIn(name, lines[0])
        if value:
            self.assertIn(value.strip(), lines[0])

    def test_the_same_value_stops_a_start(self):
        code, out, err = run_to_end(HUB_API_KEY=KEY, HUB_PING_INTERVAL="x")
        self.assertBad((code, out, err), "HUB_PING_INTERVAL", "x")

    def test_good_values_in_every_spelling(self):
        for name, values in {
                "PORT": ("0", "1", "65535"),
                "HUB_API_PORT": ("0", "1", "65535"),
                "READ_TIMEOUT": ("500ms", "60s", "1m30s", "1h", "1.5s"),
                "HUB_KEEPALIVE_TIMEOUT": ("2s", "75s", "1h"),
                "MAX_MESSAGE_SIZE": ("512KB", "1MB", "65536"),
                "HUB_SLOW_CONSUMER": ("close", "drop-oldest", "drop-newest"),
                "HUB_ALLOWED_ORIGINS": ("*", "https://*.example.com",
                                        "http://a, https://b:8443",
                                        "null", "file://",
                                        "http://localhost:*",
                                        "moz-extension://*",
                                        "chrome-extension://abcdef"),
                "HUB_PUBLIC_HOSTS": ("hub.example.com", "a, b:8443, [::1]:1"),
                "HUB_SUBPROTOCOLS": ("access_token", "a, b.v1"),
                "HUB_TRUSTED_PROXIES": ("10.0.0.0/8, ::1", "127.0.0.1"),
                "HUB_JWT_ALGORITHMS": ("auto", "HS256", "RS256, EdDSA"),
                "HUB_JWT_LEEWAY": ("0", "30s", "10m"),
                "HUB_JWT_AUDIENCE": ("*", "hub", "https://hub.example/ \u00e9"),
                "HUB_JWT_USER_CLAIM": ("sub", "https://a.example/user",
                                       "/a/b/0/c~1d", "/"),
                "HUB_METRICS": ("off", "on", ":0", "127.0.0.1:9108"),
                "HUB_LOG_LEVEL": ("debug", "info", "warn", "error"),
                "HUB_LOG_FORMAT": ("text", "json"),
                "HUB_SENDER": ("auto", "uring", "sendmsg"),
                "HUB_CONSOLE": ("on", "off", "ON"),
                "HUB_MEMORY_LIMIT": ("0", "24MB", "2GB"),
                "HUB_RATE_LIMIT": ("0", "1", "1000000"),
                "HUB_LOOPS": ("1", "2")}.items():
            for value in values:
                with self.subTest(f"{name}={value}"):
                    code, out, err = check(**{name: value})
                    self.assertEqual(code, 0, err)
                    self.assertRegex(out, rf"(?m)^{name}=")

    def test_an_unknown_flag(self):
        for flag in ("--prot=1", "--verbose", "--port"):
            with self.subTest(flag):
                code, _, err = check(flag)
                self.assertEqual(code, 78, err)
                self.assertIn(flag.partition("=")[0], err)

    def test_what_is_no_flag_is_not_repeated(self):
        """It may be a key that lost its flag."""
        for argument in ("-x", "secret", "--=secret", "secret=1"):
            with self.subTest(argument):
                code, _, err = check(argument)
                self.assertEqual(code, 78, err)
                self.assertEqual(len(err.splitlines()), 1, err)
                self.assertNotIn("secret", err)

    def test_an_empty_variable_counts_as_unset(self):
        """As compose files and shells leave them."""
        for name in BAD:
            with self.subTest(name):
                self.assertEqual(check(**{name: ""}), check())


class Output(unittest.TestCase):

    def test_help_names_every_setting(self):
        code, out, err = run_to_end("--help")
        self.assertEqual((code, err), (0, ""))
        for name in VARIABLES:
            self.assertIn(name, out)
        for flag in ("--port", "--max-message-size", "--check-config",
                     "--version"):
            self.assertIn(flag, out)

    def test_version(self):
        code, out, err = run_to_end("--version")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"\A.*\d+\.\d+\.\d+.*\n\Z")

    def test_check_config_prints_everything_but_the_keys(self):
        with tempfile.NamedTemporaryFile("w", suffix=".key") as file:
            file.write("file-" + KEY)
            file.flush()
            code, out, err = check(HUB_API_KEY_PREVIOUS="previous-" + KEY,
                                   HUB_METRICS_KEY="metrics-" + KEY,
                                   PORT="1234")
            file_result = run_to_end("--check-config",
                                     HUB_API_KEY_FILE=file.name)
        self.assertEqual(code, 0, err)
        for name in VARIABLES:
            self.assertRegex(out, rf"(?m)^{name}=", name)
        self.assertIn("PORT=1234\n", out)
        self.assertIn("HUB_PING_INTERVAL=25s\n", out)
        self.assertIn("HUB_SLOW_CONSUMER=close\n", out)
        self.assertEqual(file_result[0], 0, file_result)
        self.assertIn(file.name, file_result[1])
        self.assertNotIn(KEY, out + err + file_result[1] + file_result[2])

    def test_check_config_takes_no_port_and_writes_no_log(self):
        code, out, err = check(PORT="1")
        self.assertEqual(code, 0, err)
        self.assertNotRegex(out + err, "event=listening")

    def test_what_it_prints_can_be_read_back(self):
        _, out, _ = check(READ_TIMEOUT="1m30s", MAX_MESSAGE_SIZE="1MB",
                          HUB_TRUSTED_PROXIES="10.0.0.0/8",
                          HUB_ALLOWED_ORIGINS="https://*.example.com",
                          HUB_LOOPS="2", HUB_MEMORY_LIMIT="1GB")
        pairs = dict(re.findall(r"(?m)^([A-Z_]+)=(.+)$", out))
        pairs = {name: value for name, value in pairs.items()
                 if "KEY" not in name and value != "(unset)"}
        code, again, err = check(**pairs)
        self.assertEqual(code, 0, err)
        self.assertEqual(again, out)

    def test_same_needs_the_names_of_hosts(self):
        code, out, err = check(HUB_ALLOWED_ORIGINS="https://a.example,same")
        self.assertEqual((code, out), (78, ""), err)
        self.assertEqual(len(err.splitlines()), 1, err)
        self.assertIn("HUB_PUBLIC_HOSTS", err)
        code, out, err = check(HUB_ALLOWED_ORIGINS="same",
                               HUB_PUBLIC_HOSTS="hub.example.com")
        self.assertEqual(code, 0, err)
        self.assertIn("HUB_ALLOWED_ORIGINS=same\n", out)

    def test_a_missing_key_is_found(self):
        code, _, err = run_to_end("--check-config")
        self.assertEqual(code, 78)
        self.assertIn("HUB_API_KEY", err)

    def test_a_bad_key_is_not_shown(self):
        for key in ("", "secret key\nwith a line end", "secret\x7f"):
            code, out, err = check(HUB_API_KEY=key)
            if code:
                self.assertEqual(code, 78)
                self.assertIn("HUB_API_KEY", err)
            self.assertNotIn("secret", out + err)


class Flags(HubTestCase):

    def test_a_flag_wins_over_the_environment(self):
        code, out, err = check("--max-message-size=2KB", "--port", "77",
                               MAX_MESSAGE_SIZE="1MB", PORT="88")
        self.assertEqual(code, 0, err)
        self.assertIn("PORT=77\n", out)
        self.assertRegex(out, r"(?m)^MAX_MESSAGE_SIZE=(2KB|2048)$")

    def test_flags_reach_the_running_hub(self):
        hub = self.start("--max-message-size", "1KB",
                         "--hub-slow-consumer=drop-newest")
        client = self.connect(hub, "ada")
        client.send_text("x" * 1025)
        self.assertEqual(client.recv_close()[0], 1009)
        line = "\n".join(hub.lines)
        self.assertIn("drop-newest", line)

    def test_the_log_and_the_health_tell_which_node_it_is(self):
        hub = self.start(HUB_NODE_NAME="Hub-1")
        self.assertEqual(hub.events("start")[0]["node_name"], "Hub-1")
        self.assertEqual(hub.request("GET", "/health").json()["node"], "Hub-1")
        names = set()
        for _ in range(2):
            hub = self.start()
            name = hub.events("start")[0]["node_name"]
            self.assertRegex(name, r"\A[a-z2-7]{16}\Z")
            self.assertEqual(hub.request("GET", "/health").json()["node"],
                             name)
            names.add(name)
        self.assertEqual(len(names), 2)

    def test_the_key_can_come_from_a_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".key") as file:
            file.write(KEY + "\n")
            file.flush()
            os.chmod(file.name, 0o600)
            hub = self.start(HUB_API_KEY=None, HUB_API_KEY_FILE=file.name)
            hub.key = KEY
            self.assertEqual(
                hub.broadcast({"type": "t", "payload": 1}), 0)

    def test_what_a_start_would_warn_of_is_told(self):
        code, _, err = check(HUB_API_KEY="k" * 16, HUB_PING_INTERVAL="60s",
                             HUB_QUEUESIZE="SENTINEL", HUB_SERVICE_PORT="1")
        self.assertEqual(code, 0, err)
        self.assertNotIn("SENTINEL", err)
        origins, ping, unknown = err.splitlines()
        self.assertEqual(
            unknown, "hubd: HUB_QUEUESIZE: not a setting of hubd")
        hub = self.start(HUB_PING_INTERVAL="60s", HUB_QUEUESIZE="SENTINEL")
        self.assertEqual([line["warning"] for line in hub.events("setting")],
                         [line.removeprefix("hubd: ")
                          for line in (origins, ping, unknown)])

    def test_a_short_key_and_an_open_key_file_are_warned_of(self):
        hub = self.start(HUB_API_KEY="short")
        self.assertTrue(any("level=warn" in line and "key" in line.lower()
                            for line in hub.lines), hub.lines)
        with tempfile.NamedTemporaryFile("w", suffix=".key") as file:
            file.write(KEY)
            file.flush()
            os.chmod(file.name, 0o644)
            hub = self.start(HUB_API_KEY=None, HUB_API_KEY_FILE=file.name)
            self.assertTrue(any("level=warn" in line and file.name in line
                                for line in hub.lines), hub.lines)


if __name__ == "__main__":
    unittest.main()
