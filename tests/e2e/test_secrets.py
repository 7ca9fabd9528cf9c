"""Keys stay where they belong. The whole memory of a running hubd is searched:
an accepted key is there once, in a page that core dumps leave out; one that
came with a request, valid or not, is not there any more.
"""

import json
import os
import pathlib
import resource
import secrets
import signal
import tempfile
import unittest

from harness import memory
from harness.daemon import Hubd, sanitizer
from harness.http import request
from harness.rawws import new_key, upgrade_request
from harness.testcase import HubTestCase
from harness.tokens import token
from harness.wait import until

GOOD = json.dumps({"type": "t", "payload": "x" * 200}).encode()
LARGE = json.dumps({"type": "t", "payload": "y" * 40000}).encode()


def random_key():
    return secrets.token_urlsafe(48)  # 64 characters, none of them twice


def head(path, *fields, method="POST"):
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: h", *fields,
                        "", "")).encode()


def post(key, body=GOOD, path="/api/broadcast"):
    return head(path, f"X-API-Key: {key}",
                f"Content-Length: {len(body)}") + body


class SecretsCase(HubTestCase):

    def setUp(self):
        super().setUp()
        self.key, self.wrong = random_key(), random_key()

    def start_with_file(self, key):
        hub = Hubd(HUB_API_KEY=None)
        self.path = os.path.join(hub.scratch.name, "key")
        self.write_key(key)
        hub.settings["HUB_API_KEY_FILE"] = self.path
        self.addCleanup(hub.scratch.cleanup)
        hub.start()
        self.addCleanup(hub.stop)
        hub.key = key
        return hub

    def write_key(self, key):
        """A name of its own each time: it is swapped in whole."""
        fresh = self.path + ".new"
        with open(fresh, "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(key + "\n")
        os.rename(fresh, self.path)

    def need_plain_memory(self):
        if sanitizer():
            self.skipTest("a sanitizer keeps copies of its own")

    def search(self, hub, key, good):
        """What is found of a key, once that is good. A request may be answered
        a moment before it is forgotten."""
        self.need_plain_memory()
        found = []

        def is_good():
            found[:] = memory.search(hub.pid, key)
            return good(found)

        try:
            until(is_good, "as it should be", 3)
        except AssertionError:
            self.fail(f"pieces of {len(memory.pieces(key))}: {found}")
        return found

    def assertNowhere(self, hub, key):
        self.search(hub, key, lambda found: not found)

    def assertInOnePage(self, hub, key):
        """All of it once, where no dump and no fork takes it along."""
        whole = len(memory.pieces(key))
        (mapping, _), = self.search(
            hub, key, lambda found: [n for _, n in found] == [whole])
        self.assertFalse(mapping.dumped, mapping)
        self.assertIn("wf", mapping.flags, mapping)

    def drive(self, hub, key):
        """Presents a key in every way there is."""
        keep = self.http(hub)
        for data in (post(key), post(key, LARGE), post(key, b"{}"),
                     head("/api/broadcast", f"Authorization: Bearer {key}",
                          f"Content-Length: {len(GOOD)}") + GOOD,
                     head("/api/broadcast", f"authorization:  bearer   {key}",
                          f"x-api-key:{key} ",
                          "Transfer-Encoding: chunked")
                     + b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)):
            keep.send(data)
            if keep.read_reply().status == 401:
                keep = self.http(hub)
        for data in (head("/api/broadcast", f"X-API-Key: {key}",
                          f"X-API-Key: {key}", f"Authorization: {key}",
                          "Content-Length: 0"),
                     head("/api/sendx", f"X-API-Key: {key}",
                          "Content-Length: 0"),
                     head("/api/send", f"X-API-Key: {key}", method="GET"),
                     head("/api/send", f"X-API-Key: {key}",
                          "Content-Length: x"),
                     head("/api/send", f"X-API-Key: {key}"),
                     head("/health", f"Authorization: Bearer {key}",
                          method="GET"),
                     upgrade_request("/ws?userId=", new_key(),
                                     [("X-API-Key", key)]),
                     # What comes behind a refusal is read, and dropped.
                     post(key, LARGE, "/nothing") + post(key)):
            conn = self.http(hub)
            conn.send(data)
            conn.read_reply()
            conn.close()
        conn = self.http(hub)
        conn.send(upgrade_request("/ws?userId=ada", new_key(),
                                  [("Authorization", f"Bearer {key}")]))
        self.assertEqual(conn.read_reply().status, 101)
        conn.close()

    def accepts(self, hub, key):
        reply = hub.post("/api/broadcast", GOOD, X_API_Key=key)
        self.assertIn(reply.status, (200, 401), reply)
        return reply.status == 200


class Memory(SecretsCase):

    def check(self, hub, *keys):
        for key in keys:
            self.assertTrue(self.accepts(hub, key))
            self.drive(hub, key)
        self.assertFalse(self.accepts(hub, self.wrong))
        self.drive(hub, self.wrong)
        for key in keys:
            self.assertInOnePage(hub, key)
        self.assertNowhere(hub, self.wrong)

    def test_a_key_from_the_environment_is_in_one_place(self):
        previous = random_key()
        self.check(self.start(HUB_API_KEY=self.key,
                              HUB_API_KEY_PREVIOUS=previous),
                   self.key, previous)

    def test_a_key_from_the_command_line_is_in_one_place(self):
        previous = random_key()
        self.check(self.start(f"--api-key={self.key}",
                              "--hub-api-key-previous", previous,
                              HUB_API_KEY=random_key()),
                   self.key, previous)

    def test_a_key_from_a_file_is_in_one_place(self):
        self.check(self.start_with_file(self.key), self.key)

    def test_the_key_for_metrics_is_in_one_place(self):
        hub = self.start(HUB_API_KEY=self.key, HUB_METRICS="on",
                         HUB_METRICS_KEY=self.wrong)
        for fields in ({"X-API-Key": self.wrong},
                       {"Authorization": f"Bearer {self.wrong}"},
                       {"X-API-Key": self.key}, {}):
            reply = hub.request("GET", "/metrics", headers=fields)
            self.assertEqual(reply.status,
                             200 if self.wrong in str(fields) else 401)
        self.drive(hub, self.wrong)
        self.assertInOnePage(hub, self.key)
        self.assertInOnePage(hub, self.wrong)

    def test_a_key_that_a_flag_overrules_is_nowhere(self):
        unused = random_key()
        hub = self.start(f"--api-key={self.key}", HUB_API_KEY=unused)
        self.assertNowhere(hub, unused)

    def test_a_key_that_was_replaced_is_nowhere(self):
        hub = self.start_with_file(self.key)
        old = self.key
        self.assertTrue(self.accepts(hub, old))
        for _ in range(3):
            new = random_key()
            self.write_key(new)
            hub.signal(signal.SIGHUP)
            until(lambda key=new: self.accepts(hub, key), "the new key")
            self.assertFalse(self.accepts(hub, old))
            self.assertInOnePage(hub, new)
            self.assertNowhere(hub, old)
            old = new

    def test_two_keys_of_a_file_are_in_one_place_each(self):
        other = random_key()
        hub = self.start_with_file(f"{self.key}\n{other}\n")
        for key in (self.key, other):
            self.assertTrue(self.accepts(hub, key))
            self.assertInOnePage(hub, key)
        self.write_key(self.key)
        hub.signal(signal.SIGHUP)
        until(lambda: not self.accepts(hub, other), "one key")
        self.assertInOnePage(hub, self.key)
        self.assertNowhere(hub, other)

    def test_a_reload_that_fails_leaves_no_second_copy(self):
        hub = self.start_with_file(self.key)
        rejected = random_key()
        self.write_key(rejected + " \t")
        hub.signal(signal.SIGHUP)
        hub.wait_log("reload_failed")
        self.assertTrue(self.accepts(hub, self.key))
        self.assertInOnePage(hub, self.key)
        self.assertNowhere(hub, rejected)

    def test_a_signal_without_a_file_leaves_the_one_copy(self):
        hub = self.start(HUB_API_KEY=self.key)
        hub.signal(signal.SIGHUP)
        self.assertTrue(self.accepts(hub, self.key))
        self.assertInOnePage(hub, self.key)


class TokenSecrets(SecretsCase):
    """What tokens are signed with, while tokens are verified."""

    def verify(self, hub, secret, status):
        for user in ("ada", "bob", "eve"):
            reply = self.raw(hub, upgrade_request(
                "/ws", new_key(),
                [("Authorization", f"Bearer {token(user, secret=secret)}")]))
            self.assertEqual(reply.status, status, reply)

    def test_a_secret_is_in_one_place(self):
        secret = random_key()
        hub = self.start(HUB_CLIENT_AUTH="jwt", HUB_JWT_SECRET=secret,
                         HUB_JWT_AUDIENCE="hub")
        self.verify(hub, secret, 101)
        self.verify(hub, self.wrong, 401)
        self.assertInOnePage(hub, secret)

    def test_secrets_of_a_file_are_in_one_place_each(self):
        old, new = random_key(), random_key()
        with tempfile.TemporaryDirectory() as scratch:
            self.path = os.path.join(scratch, "secret")
            self.write_key(old)
            hub = self.start(HUB_CLIENT_AUTH="jwt", HUB_JWT_AUDIENCE="hub",
                             HUB_JWT_SECRET_FILE=self.path)
            self.verify(hub, old, 101)
            self.assertInOnePage(hub, old)
            self.write_key(f"{new}\n{old}")
            hub.signal(signal.SIGHUP)
            until(lambda: sum("event=token_keys" in line
                              for line in hub.lines) == 2, "two secrets")
            for secret in (old, new):
                self.verify(hub, secret, 101)
                self.assertInOnePage(hub, secret)
            self.write_key(new)
            hub.signal(signal.SIGHUP)
            until(lambda: sum("event=token_keys" in line
                              for line in hub.lines) == 3, "one secret")
            self.verify(hub, old, 401)
            self.assertNowhere(hub, old)
            self.assertInOnePage(hub, new)


class Dumps(SecretsCase):
    """Neither hubd's own keys nor those of requests that were answered. What
    civetweb keeps of others, and registers, SECURITY.md speaks of."""

    def test_a_core_dump_holds_no_key(self):
        hub = self.start_dumping(HUB_API_KEY=self.key)
        self.drive(hub, self.key)
        self.drive(hub, self.wrong)
        self.assertNotInCore(hub, b"/api/broadcast", self.key, self.wrong)

    def test_a_core_dump_holds_no_key_of_a_file(self):
        """Neither of those that were there at the start nor of the one that was
        read later, the moment after that."""
        old, new = [random_key() for _ in range(2)], random_key()
        with tempfile.TemporaryDirectory() as scratch:
            path = pathlib.Path(scratch) / "key"
            path.write_text("\n".join(old), "ascii")
            path.chmod(0o600)
            hub = self.start_dumping(HUB_API_KEY=None,
                                     HUB_API_KEY_FILE=str(path))
            path.write_text(f"{new}\n{old[0]}\n", "ascii")
            hub.signal(signal.SIGHUP)
            hub.wait_log("reloaded")
            self.assertNotInCore(hub, str(path).encode(), *old, new)

    def start_dumping(self, **settings):
        self.need_plain_memory()
        pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text()
        if pattern.strip() != "core":
            self.unable(f"cores go elsewhere: {pattern}")
        hub = Hubd(**settings)
        self.addCleanup(hub.discard)

        def prepare():
            os.chdir(hub.scratch.name)
            hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
            resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

        hub.prepare = prepare
        return hub.start()

    def assertNotInCore(self, hub, there, *keys):
        hub.signal(signal.SIGABRT)
        hub.wait_exit()
        core, = pathlib.Path(hub.scratch.name).glob("core*")
        dump = memory.of_core(core.read_bytes())
        self.assertIn(there, dump, "it holds memory at all")
        for key in keys:
            found = [p for p in memory.pieces(key) if p in dump]
            self.assertEqual(found, [])


class Proc(SecretsCase):

    def assertUnseen(self, hub, *keys):
        for name in ("environ", "cmdline"):
            text = pathlib.Path(f"/proc/{hub.pid}/{name}").read_bytes()
            self.assertTrue(text)
            for key in keys:
                self.assertNotIn(key.encode(), text, name)

    def test_neither_environ_nor_cmdline_shows_keys(self):
        previous = random_key()
        metrics = random_key()
        hub = self.start("--api-key", self.wrong, HUB_API_KEY=self.key,
                         HUB_API_KEY_PREVIOUS=previous, HUB_METRICS="on",
                         HUB_METRICS_KEY=metrics)
        self.assertTrue(self.accepts(hub, self.wrong))
        self.assertUnseen(hub, self.key, self.wrong, previous, metrics)
        environ = pathlib.Path(f"/proc/{hub.pid}/environ").read_bytes()
        self.assertIn(b"HUB_BIND=127.0.0.1\0", environ)
        self.assertNotIn(b"HUB_API_KEY", environ)


class Requests(SecretsCase):
    """Overwriting a key in a request harms none of those behind it."""

    def test_requests_in_one_piece_are_all_answered(self):
        hub = self.start(HUB_API_KEY=self.key)
        client = self.connect(hub, "ada")
        conn = self.http(hub)
        bodies = [json.dumps({"type": "t", "payload": n, "timestamp":
                              "2024-01-02"}).encode() for n in range(20)]
        conn.send(b"".join(
            post(self.key, body) if n % 3 else
            head("/api/broadcast", f"Authorization: Bearer {self.key}",
                 "X-Long: " + "z" * 40 * n, f"Content-Length: {len(body)}")
            + body + head("/health", f"X-API-Key: {self.key}", method="GET")
            for n, body in enumerate(bodies)))
        for n, body in enumerate(bodies):
            self.assertEqual(conn.read_reply().json()["recipients"], 1)
            self.assertEqual(client.recv(), body)
            if n % 3 == 0:
                self.assertIn("stats", conn.read_reply().json())

    def test_a_connection_that_is_kept_takes_many_requests(self):
        hub = self.start(HUB_API_KEY=self.key)
        conn = self.http(hub)
        for n in range(50):
            conn.send(post(self.key, GOOD + b" " * n))
            self.assertEqual(conn.read_reply().status, 200)
        conn.send(head("/api/broadcast", "X-API-Key:",
                       f"Content-Length: {len(GOOD)}") + GOOD)
        self.assertEqual(conn.read_reply().status, 401,
                         "nothing is left of the keys before")


class Guessing(SecretsCase):

    def answers(self, hub):
        """One for each way to be wrong."""
        key = self.key
        other = key[:-1] + ("a" if key[-1] != "a" else "b")
        ways = ((), ("X-API-Key:",), (f"X-API-Key: {key[:-1]}",),
                (f"X-API-Key: {key}x",), (f"X-API-Key: {other}",),
                (f"X-API-Key: {key.swapcase()}",),
                (f"X-API-Key: {'z' * 5000}",),
                (f"X-API-Key: {key}", f"X-API-Key: {key}"),
                (f"X-API-Key: {key}", "Authorization: Bearer x"),
                ("X-API-Key: x", f"Authorization: Bearer {key}"),
                (f"Authorization: {key}",), ("Authorization: Bearer ",),
                (f"Authorization: Basic {key}",),
                (f"Authorization: Bearer {other}",),
                (f"Cookie: key={key}",), ("X-API-Key: \xe9\xff",))
        for path in ("/api/broadcast", "/api/send",
                     f"/api/send?key={key}&api_key={key}"):
            for way in ways:
                yield self.raw(
                    hub, head(path, *way, "Content-Length: 0"))

    def test_an_answer_does_not_tell_what_was_wrong(self):
        hub = self.start(HUB_API_KEY=self.key)
        seen = set()
        for reply in self.answers(hub):
            self.assertRefused(reply, 401, "unauthorized")
            headers = tuple(h for h in reply.headers if h[0] != "date")
            seen.add((reply.status, headers, reply.body))
        self.assertEqual(len(seen), 1, seen)

    def test_the_key_decides_before_the_rest_of_the_request(self):
        """Whoever has none learns nothing about what is taken."""
        hub = self.start(HUB_API_KEY=self.key)
        for fields in (("Content-Length: 99999999",),
                       ("Content-Type: text/plain", "Content-Length: 0"), ()):
            reply = self.raw(
                hub, head("/api/send", "X-API-Key: x", *fields))
            self.assertRefused(reply, 401, "unauthorized")

    def test_every_guess_is_counted_in_few_lines(self):
        hub = self.start(HUB_API_KEY=self.key)
        for _ in range(150):
            reply = request(hub.port, "POST", "/api/send", b"{}",
                            {"X-API-Key": self.wrong})
            self.assertEqual(reply.status, 401)
        hub.signal(signal.SIGTERM)
        self.assertEqual(hub.wait_exit(), 0)
        lines = hub.events("unauthorized")
        self.assertEqual(sum(int(line["requests"]) for line in lines), 150)
        self.assertLess(len(lines), 6, lines)
        self.assertNotIn(self.wrong, "\n".join(hub.lines))


if __name__ == "__main__":
    unittest.main()
