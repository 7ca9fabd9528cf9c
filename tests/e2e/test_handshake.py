"""The opening handshake: which requests get a 101, and what all others get."""

import base64
import json
import re
import socket
import struct
import unittest

from harness.http import RawHttp
from harness.rawws import (PING, TEXT, RawWs, accept_of, encode, new_key,
                           upgrade_request, ws_path)
from harness.testcase import HubTestCase, SharedHubd
from harness.wait import scaled, until


class SamePeerTwice(HubTestCase):
    """One address and port, connected to two addresses of ours."""

    ADDRESSES = ("127.0.0.1", "127.0.0.2")

    def test_an_upgrade_takes_nobody_elses_socket(self):
        hub = self.start(HUB_BIND="0.0.0.0")
        bystander = self.dial(hub, "127.0.0.2", 0)
        port = bystander.sock.getsockname()[1]
        health = b"GET /health HTTP/1.1\r\nHost: hub\r\n\r\n"
        for index in range(5):
            bystander.send(health)
            self.assertEqual(bystander.read_reply().status, 200)
            client = self.dial(hub, "127.0.0.1", port)
            client.send(upgrade_request(ws_path("ada"), new_key()))
            self.assertEqual(client.read_reply().status, 101)
            client.send(encode(PING, b"%d" % index))
            self.assertEqual(client.take(3), b"\x8a\x01%d" % index)
            client.sock.close()
        bystander.send(health)
        self.assertEqual(bystander.read_reply().status, 200)
        hub.wait_connections(0)

    def test_each_gets_what_is_for_them(self):
        hub = self.start(HUB_BIND="0.0.0.0")
        for index in range(20):
            one = self.dial(hub, self.ADDRESSES[index % 2], 0)
            two = self.dial(hub, self.ADDRESSES[(index + 1) % 2],
                            one.sock.getsockname()[1])
            users = ((one, "one"), (two, "two"))
            for conn, user in users:
                conn.send(upgrade_request(ws_path(user), new_key()))
            for conn, user in users:
                self.assertEqual(conn.read_reply().status, 101)
            for conn, user in users:
                self.assertEqual(
                    hub.send({"type": "t", "payload": user}, user=user), 1)
            for conn, user in users:
                head = conn.take(2)
                text = conn.take(head[1])
                self.assertEqual(json.loads(text)["payload"], user)
            for conn, user in users:
                conn.sock.close()
            hub.wait_connections(0)

    def dial(self, hub, address, port):
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.settimeout(scaled(10))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
        sock.bind(("127.0.0.1", port))
        sock.connect((address, hub.port))
        conn = RawHttp.__new__(RawHttp)
        conn.sock, conn.buffer = sock, b""
        return conn


class HandshakeCase(SharedHubd):

    def upgrade(self, path="/ws?userId=ada", key=None, replace=(),
                headers=()):
        """The reply to an upgrade request in which each pair of `replace`
        is a piece of text and what stands in its place."""
        data = upgrade_request(path, key or new_key(), headers).decode()
        for old, new in replace:
            self.assertIn(old, data)
            data = data.replace(old, new)
        return self.raw(self.hub, data.encode("latin-1"))

    def refuse(self, status, code=None, **how):
        reply = self.upgrade(**how)
        self.assertRefused(reply, status, code)
        self.assertIsNone(reply.header("sec-websocket-accept"))
        return reply


class Accepted(HandshakeCase):

    def test_the_reply_is_exactly_a_switch_of_protocols(self):
        client = self.join("ada")
        reply = client.reply
        self.assertEqual(reply.header("upgrade").lower(), "websocket")
        self.assertEqual(reply.header("connection").lower(), "upgrade")
        for name in ("sec-websocket-protocol", "sec-websocket-extensions",
                     "server", "content-length", "transfer-encoding"):
            self.assertIsNone(reply.header(name), reply)

    def test_the_example_of_rfc_6455(self):
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        self.assertEqual(accept_of(key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        reply = self.upgrade(key=key)
        self.assertEqual(reply.status, 101, reply)
        self.assertEqual(reply.header("sec-websocket-accept"),
                         accept_of(key))

    def test_tokens_are_compared_without_case_and_in_lists(self):
        for connection, upgrade in (
                ("upgrade", "WebSocket"), ("UPGRADE", "WEBSOCKET"),
                ("keep-alive, Upgrade", "websocket"),
                ("Upgrade , close", "websocket"),
                ("keep-alive,Upgrade,", "websocket")):
            with self.subTest(connection=connection, upgrade=upgrade):
                reply = self.upgrade(replace=(
                    ("Connection: Upgrade", f"Connection: {connection}"),
                    ("Upgrade: websocket", f"Upgrade: {upgrade}")))
                self.assertEqual(reply.status, 101, reply)

    def test_extensions_and_protocols_offered_are_declined(self):
        client = self.join("ada", headers=(
            ("Sec-WebSocket-Extensions", "permessage-deflate"),
            ("Sec-WebSocket-Protocol", "chat, superchat")))
        self.assertIsNone(client.reply.header("sec-websocket-extensions"))
        offered = client.reply.header("sec-websocket-protocol")
        self.assertIn(offered, (None, "chat", "superchat"))
        self.assertNextIsMarker(self.hub, client)

    def test_other_query_parameters_are_ignored(self):
        client_path = "/ws?token=x&userId=ada&&flag&sessionId=s&x=%00"
        key = new_key()
        reply = self.upgrade(path=client_path, key=key)
        self.assertEqual(reply.status, 101, reply)

    def test_a_space_may_be_a_plus_or_percent_20(self):
        for query in ("userId=a+b&sessionId=s", "userId=a%20b&sessionId=s"):
            conn = self.http(self.hub)
            conn.send(upgrade_request(f"/ws?{query}", new_key()))
            self.assertEqual(conn.read_reply().status, 101)
            until(lambda: self.hub.send(
                {"type": "t", "payload": 1}, user="a b") == 1, "registered")
            conn.close()
            self.hub.wait_connections(0)

    def test_what_is_sent_right_behind_the_101_is_read(self):
        for _ in range(50):
            client = RawWs(self.hub.port, "ada")
            client.sync()
            client.close()


class Subprotocols(HubTestCase):

    def test_offers_do_not_leak_into_later_connections(self):
        """Few descriptors make for few workers, so that each of them sees both
        kinds of clients."""
        hub = self.start(nofile=1024)
        for index in range(200):
            client = RawWs(hub.port, f"user{index}", headers=(
                ("Sec-WebSocket-Protocol", "chat.v1, chat.v2"),))
            client.sync()
            client.close()
        for index in range(200):
            client = RawWs(hub.port, f"user{index}")
            client.sync()
            client.close()
            self.assertEqual(
                client.reply.header_values("sec-websocket-protocol"), [],
                f"connection {index}")


    def test_only_what_is_on_the_list_and_offered_is_accepted(self):
        hub = self.start(HUB_SUBPROTOCOLS="access_token,chat.v2")
        for offers, accepted in (
                (("access_token, aaa.bbb.ccc",), ["access_token"]),
                (("aaa.bbb.ccc", "access_token"), ["access_token"]),
                (("chat.v1,chat.v2, access_token",), ["chat.v2"]),
                (("chat.v1",), []), (("Access_Token",), []), (("",), []),
                ((), [])):
            with self.subTest(offers):
                client = self.connect(hub, "ada", headers=[
                    ("Sec-WebSocket-Protocol", offer) for offer in offers])
                self.assertEqual(
                    client.reply.header_values("sec-websocket-protocol"),
                    accepted)
                client.sync()


class Ids(HandshakeCase):

    def test_a_bad_id_is_named(self):
        long_id = "x" * 257
        rows = {
            "no query": "/ws",
            "an empty query": "/ws?",
            "no user": "/ws?sessionId=s",
            "an empty user": "/ws?userId=",
            "no value": "/ws?userId",
            "another case": "/ws?userid=ada",
            "257 bytes": f"/ws?userId={long_id}",
            "257 bytes when decoded": "/ws?userId=" + "%C3%A9" * 128 + "x",
            "a stray percent": "/ws?userId=a%",
            "one digit": "/ws?userId=a%4",
            "no hexadecimal": "/ws?userId=a%zz",
            "NUL": "/ws?userId=a%00",
            "a control character": "/ws?userId=a%07",
            "CR LF": "/ws?userId=a%0D%0ASet-Cookie:%20x=1",
            "DEL": "/ws?userId=a%7F",
            "C1": "/ws?userId=a%C2%85",
            "a stray continuation byte": "/ws?userId=%80",
            "an overlong slash": "/ws?userId=%C0%AF",
            "an encoded surrogate": "/ws?userId=%ED%A0%80",
            "cut UTF-8": "/ws?userId=%E2%82",
            "two users": "/ws?userId=ada&userId=ada",
            "an empty session": "/ws?userId=ada&sessionId=",
            "a bad session": "/ws?userId=ada&sessionId=%00",
            "a long session": f"/ws?userId=ada&sessionId={long_id}",
            "two sessions": "/ws?userId=ada&sessionId=a&sessionId=b",
        }
        for name, path in rows.items():
            with self.subTest(name):
                reply = self.refuse(400, "invalid_id", path=path)
                member = "sessionId" if "session" in name else "userId"
                self.assertIn(member, reply.json()["message"])
                for header, _ in reply.headers:
                    self.assertNotEqual(header, "set-cookie")

    def test_256_bytes_are_taken(self):
        for user in ("x" * 256, "\u00e9" * 128):
            client = self.join(user, user)
            self.assertNextIsMarker(self.hub, client)


class Refused(HandshakeCase):

    def test_a_plain_get(self):
        reply = self.raw(self.hub, b"GET /ws?userId=ada HTTP/1.1\r\n"
                                   b"Host: hub\r\n\r\n")
        self.assertRefused(reply, 400, "invalid_handshake")

    def test_a_broken_handshake(self):
        rows = {
            "no Upgrade": ("Upgrade: websocket\r\n", ""),
            "another Upgrade": ("Upgrade: websocket", "Upgrade: h2c"),
            "a longer Upgrade": ("Upgrade: websocket", "Upgrade: websocketx"),
            "no Connection": ("Connection: Upgrade\r\n", ""),
            "another Connection": ("Connection: Upgrade",
                                   "Connection: keep-alive"),
            "a longer Connection": ("Connection: Upgrade",
                                    "Connection: Upgrades"),
            "no key": ("Sec-WebSocket-Key: KEY\r\n", ""),
            "an empty key": ("Key: KEY", "Key:"),
            "a short key": ("Key: KEY", "Key: dGhlIHNhbXBsZQ=="),
            "a long key": ("Key: KEY", "Key: dGhlIHNhbXBsZSBub25jZXh4eHg="),
            "no base64": ("Key: KEY", "Key: ********************=="),
            "no padding": ("Key: KEY", "Key: dGhlIHNhbXBsZSBub25jZQ"),
            "loose bits": ("Key: KEY", "Key: dGhlIHNhbXBsZSBub25jZR=="),
            "two keys": ("Key: KEY", "Key: KEY\r\nSec-WebSocket-Key: KEY"),
            "a body": ("Host:", "Content-Length: 3\r\nHost:"),
            "a chunked body": ("Host:",
                               "Transfer-Encoding: chunked\r\nHost:"),
        }
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        for name, (old, new) in rows.items():
            with self.subTest(name):
                old, new = old.replace("KEY", key), new.replace("KEY", key)
                reply = self.upgrade(key=key, replace=((old, new),))
                if name == "loose bits" and reply.status == 101:
                    continue  # RFC 4648 3.5 lets a decoder accept them
                self.assertRefused(reply, 400, "invalid_handshake")

    def test_another_version_is_told_the_right_one(self):
        for version in ("12", "8", "0", "14", "013", "13x", "", "-13",
                        "13, 8"):
            with self.subTest(version=version):
                reply = self.refuse(
                    426, "unsupported_version",
                    replace=(("Version: 13", f"Version: {version}"),))
                self.assertEqual(reply.header("sec-websocket-version"), "13")

    def test_no_version(self):
        reply = self.upgrade(replace=(
            ("Sec-WebSocket-Version: 13\r\n", ""),))
        self.assertIn(reply.status, (400, 426), reply)
        self.assertRefused(reply, reply.status)

    def test_http_1_0_cannot_upgrade(self):
        reply = self.upgrade(replace=(("HTTP/1.1", "HTTP/1.0"),))
        self.assertGreaterEqual(reply.status, 400, reply)
        self.assertRefused(reply, reply.status)

    def test_another_method_cannot_upgrade(self):
        for method in ("POST", "PUT", "OPTIONS"):
            with self.subTest(method):
                self.refuse(405, "method_not_allowed",
                            replace=(("GET /ws", f"{method} /ws"),))

    def test_other_paths_cannot_upgrade(self):
        for path in ("/", "/wsx?userId=ada", "/ws/?userId=ada",
                     "//ws?userId=ada", "/%77s?userId=ada",
                     "/x/../ws?userId=ada", "/WS?userId=ada",
                     "/socket?userId=ada"):
            with self.subTest(path):
                reply = self.upgrade(path=path)
                if reply.status != 400 or ".." not in path:
                    self.assertRefused(reply, 404, "not_found")

    def test_an_upgrade_of_another_route_is_no_upgrade(self):
        reply = self.upgrade(path="/health")
        self.assertIn(reply.status, (200, 400), reply)
        self.assertPlain(reply)

    def test_refusals_leave_nothing_behind(self):
        for _ in range(30):
            self.refuse(400, path="/ws?userId=")
            self.refuse(426, replace=(("Version: 13", "Version: 7"),))
        self.assertEqual(self.hub.health()["total_connections"], 0)


class Pipelined(HandshakeCase):
    """A client may not send before the 101 is there; bytes that a server has
    read ahead would put the stream out of step."""

    TOKEN = b"in step?"
    PONG = b"\x8a\x08" + TOKEN

    def handshake(self):
        return upgrade_request(ws_path("eve"), new_key())

    def keep(self):
        """A connection that has had an answer."""
        conn = self.http(self.hub)
        conn.send(b"GET /health HTTP/1.1\r\nHost: hub\r\n\r\n")
        self.assertEqual(conn.read_reply().status, 200)
        return conn

    def check_refused(self, conn):
        reply = conn.read_reply()
        self.assertRefused(reply, 400, "invalid_handshake")
        self.assertEqual(reply.header("connection"), "close")
        self.assertTrue(conn.ended())
        conn.sock.close()

    def check_in_step(self, conn):
        """Refused whole, or in step. Returns whether it was let in."""
        reply = conn.read_reply()
        if reply.status != 101:
            self.assertRefused(reply, 400, "invalid_handshake")
            self.assertTrue(conn.ended())
            conn.sock.close()  # hubd waits for that, with a worker
            return False
        self.assertEqual(conn.take(len(self.PONG)), self.PONG)
        conn.sock.close()
        return True

    def test_a_frame_behind_the_request_is_refused(self):
        listener = self.join("ada")
        frame = encode(TEXT, b"too early")
        for data in (frame, frame[:1], frame[:5], encode(PING, b"ping"),
                     b"\x00" * 300, encode(TEXT, b"x" * 30000), b"\r\n"):
            for conn in (self.http(self.hub), self.keep()):
                with self.subTest(size=len(data)):
                    conn.try_send(self.handshake() + data)
                    self.check_refused(conn)
                    self.assertNextIsMarker(self.hub, listener)
        until(lambda: self.hub.health()["total_connections"] == 1,
              "only the listener is left")

    def test_a_frame_that_is_cut_is_refused_too(self):
        for kept in (False, True):
            conn = self.keep() if kept else self.http(self.hub)
            frame = encode(TEXT, b"too early")
            conn.send(self.handshake() + frame[:3])
            conn.try_send(frame[3:])
            self.check_refused(conn)

    def test_wherever_it_is_cut_the_stream_is_in_step(self):
        """What comes by itself may be read before the handshake is answered,
        or be left to the hub: nobody can tell from outside."""
        data = self.handshake() + encode(PING, self.TOKEN)
        let_in = 0
        for at in range(1, len(data)):
            conn = self.keep() if at % 2 else self.http(self.hub)
            conn.send(data[:at])
            conn.try_send(data[at:])
            let_in += self.check_in_step(conn)
        print(f"\n{let_in} of {len(data) - 1} let in", flush=True)
        self.hub.wait_connections(0)

    def test_what_follows_the_request_at_once_is_in_step(self):
        let_in = 0
        for index in range(300):
            conn = self.keep() if index % 2 else self.http(self.hub)
            conn.send(self.handshake())
            conn.try_send(encode(PING, self.TOKEN))
            let_in += self.check_in_step(conn)
        print(f"\n{let_in} of 300 let in", flush=True)
        self.hub.wait_connections(0)

    def test_a_kept_connection_may_become_a_websocket(self):
        body = json.dumps({"type": "t", "payload": 1}).encode()
        post = (b"POST /api/broadcast HTTP/1.1\r\nHost: hub\r\n"
                b"X-API-Key: " + self.hub.key.encode() + b"\r\n")
        chunked = (post + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n"
                   % len(body) + body + b"\r\n0\r\n\r\n")
        whole = post + b"Content-Length: %d\r\n\r\n" % len(body) + body
        for before in ((), (chunked,), (whole,), (whole, chunked, whole)):
            with self.subTest(len(before)):
                conn = self.keep()
                for request in before:
                    conn.send(request)
                    self.assertEqual(conn.read_reply().status, 200)
                conn.send(b"\r\n" + self.handshake())
                self.assertEqual(conn.read_reply().status, 101)
                conn.send(encode(PING, self.TOKEN))
                self.assertEqual(conn.take(len(self.PONG)), self.PONG)
                conn.sock.close()

    def test_a_handshake_behind_another_request_is_in_step(self):
        """In one segment or cut; what is behind it too is too early."""
        health = b"GET /health HTTP/1.1\r\nHost: hub\r\n\r\n"
        ping = encode(PING, self.TOKEN)
        conn = self.http(self.hub)
        conn.send(health + self.handshake() + ping)
        self.assertEqual(conn.read_reply().status, 200)
        self.check_refused(conn)
        handshake = self.handshake()
        for at in (*range(1, len(handshake), 7), len(handshake)):
            conn = self.http(self.hub)
            conn.send(health + handshake[:at])
            self.assertEqual(conn.read_reply().status, 200)
            conn.send(handshake[at:])
            self.assertEqual(conn.read_reply().status, 101)
            conn.send(ping)
            self.assertEqual(conn.take(len(self.PONG)), self.PONG)
            conn.sock.close()


class Closed(HandshakeCase):
    """A proxy may take what follows a request for an upgrade for bytes of
    another protocol, so that nothing else may follow."""

    def check_closed(self, request, status):
        conn = self.http(self.hub)
        conn.send(request + b"GET /health HTTP/1.1\r\nHost: hub\r\n\r\n")
        reply = conn.read_reply()
        self.assertEqual(reply.status, status, reply)
        connection = ",".join(reply.header_values("connection"))
        self.assertIn("close", re.split(r"\s*,\s*", connection))
        self.assertTrue(conn.ended())

    def test_whoever_names_an_upgrade(self):
        for connection in ("Upgrade", "keep-alive", "keep-alive, Upgrade",
                           "TE"):
            for protocol in ("websocket", "h2c", "", "TLS/1.2, websocket"):
                for path, status in (("/ws?userId=ada", 400), ("/health", 200),
                                     ("/livez", 200), ("/nowhere", 404)):
                    with self.subTest(connection=connection, path=path,
                                      protocol=protocol):
                        self.check_closed(
                            f"GET {path} HTTP/1.1\r\nHost: hub\r\n"
                            f"Upgrade: {protocol}\r\n"
                            f"Connection: {connection}\r\n"
                            f"Sec-WebSocket-Version: 13\r\n\r\n".encode(),
                            status)

    def test_another_version(self):
        request = upgrade_request(ws_path("ada"), new_key(), version="8")
        self.check_closed(request, 426)


class Keys(HandshakeCase):

    def test_every_key_has_its_own_accept(self):
        for _ in range(20):
            key = new_key()
            self.assertEqual(len(base64.b64decode(key)), 16)
            reply = self.upgrade(key=key)
            self.assertEqual(reply.header("sec-websocket-accept"),
                             accept_of(key))


if __name__ == "__main__":
    unittest.main()
