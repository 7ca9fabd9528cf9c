"""What clients receive is what was posted, byte by byte."""

import datetime
import json
import re
import unittest

from harness.testcase import SharedHubd
from harness.wait import until

STAMP = re.compile(rb',\s*"timestamp":\s*"([^"]*)"\}\Z')
ISO_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|\+00:00)")


def with_payload(payload):
    return b'{"type":"t","payload":' + payload + b',"timestamp":"2024-01-02"}'


class Verbatim(SharedHubd):
    messages = {
        "a number beyond 64 bits": with_payload(b"12345678901234567890"),
        "a number just beyond 2^53": with_payload(b"9007199254740993"),
        "trailing zeros": with_payload(b"[1.10, 1.0, -0.0, 0e0, 1E+2]"),
        "a number beyond doubles": with_payload(b"1E400"),
        "a number of 1000 digits": with_payload(b"1" * 1000),
        "an escaped NUL": with_payload(b'"a\\u0000b"'),
        "escapes in every spelling": with_payload(
            b'"\\u0041\\u00e9\\u00E9\\/\\b\\f\\n\\r\\t\\"\\\\"'),
        "an escaped surrogate pair": with_payload(b'"\\ud83d\\uDE00"'),
        "emoji and a combining mark": with_payload(
            '"\U0001f469\u200d\U0001f4bb e\u0301"'.encode()),
        "line separators and DEL": with_payload(
            '"\u2028\u2029\x7f\ufeff\ufffd"'.encode()),
        "member order": b'{"z":1,"timestamp":"2024-01-02",'
                        b'"payload":{"b":1,"a":2},"type":"t","a":0}',
        "white space": b'{ "type" :\t"t",\r\n\n "payload" : [ 1 , 2 ] , '
                       b'"timestamp"\n:"2024-01-02" }',
        "other members": b'{"type":"t","payload":null,"timestamp":"2024-01-02",'
                         b'"channel":"c","":0,"Type":1,"PAYLOAD":[]}',
        "unread names twice": b'{"type":"t","payload":{"a":1,"a":2},'
                              b'"timestamp":"2024-01-02","k":1,"k":2}',
        "each kind of payload": with_payload(
            b'[null,true,false,"",0,{},[],[[]],{"":{}}]'),
        "null": with_payload(b"null"),
        "false": with_payload(b"false"),
        "an empty string": with_payload(b'""'),
        "names with escapes": b'{"\\u0074ype":"t","p\\u0061yload":1,'
                              b'"timestamp":"2024-01-02"}',
        "nesting of 900": with_payload(b"[" * 900 + b"]" * 900),
        "200 KB": with_payload(b'"' + "h\u00e9".encode() * 68267 + b'"'),
        "100,000 members": with_payload(
            b"{" + b",".join(b'"%d":0' % i for i in range(40000)) + b"}"),
    }

    def test_a_sent_message_is_untouched(self):
        client = self.join("ada")
        for name, message in self.messages.items():
            with self.subTest(name):
                self.assertEqual(self.hub.send(message, user="ada"), 1)
                self.assertEqual(client.recv(), message)

    def test_a_broadcast_message_is_untouched(self):
        client = self.join("ada")
        for name, message in self.messages.items():
            with self.subTest(name):
                self.assertEqual(self.hub.broadcast(message), 1)
                self.assertEqual(client.recv(), message)

    def test_white_space_around_a_broadcast_is_not_the_message(self):
        client = self.join("ada")
        message = with_payload(b"1")
        self.hub.broadcast(b" \r\n\t" + message + b"\n\n ")
        self.assertEqual(client.recv().strip(), message)

    def test_every_frame_length_form_is_whole(self):
        client = self.join("ada")
        frame = len(with_payload(b'""'))
        for size in (125, 126, 127, 65535, 65536, 65537, 300000):
            with self.subTest(size=size):
                message = with_payload(b'"' + b"x" * (size - frame) + b'"')
                self.assertEqual(len(message), size)
                self.hub.broadcast(message)
                self.assertEqual(client.recv(), message)


class Timestamp(SharedHubd):

    def test_it_is_appended_when_absent(self):
        client = self.join("ada")
        cases = (b'{"type":"t","payload":1}',
                 b'{ "payload" : {"timestamp":"inner"} , "type" : "t" }',
                 b'{"type":"t","payload":1,"Timestamp":"other case"}',
                 b'{"type":"t","payload":"\\"timestamp\\":1"\n}')
        for message in cases:
            with self.subTest(message=message):
                before = datetime.datetime.now(datetime.timezone.utc)
                self.hub.send(message, user="ada")
                self.check(client.recv(), message, before)
                before = datetime.datetime.now(datetime.timezone.utc)
                self.hub.broadcast(message)
                self.check(client.recv(), message, before)

    def check(self, received, posted, before):
        """The posted bytes up to the last brace, then one more member."""
        inside = posted.rstrip()[:-1].rstrip()
        self.assertTrue(received.startswith(inside), received)
        stamp = STAMP.search(received)
        self.assertIsNotNone(stamp, received)
        between = received[len(inside):stamp.start()]
        self.assertEqual(between.strip(), b"", received)
        text = stamp.group(1).decode()
        self.assertRegex(text, ISO_UTC)
        self.assertEqual(json.loads(received)["timestamp"], text)
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        after = datetime.datetime.now(datetime.timezone.utc)
        slack = datetime.timedelta(seconds=1)
        self.assertTrue(before - slack <= moment <= after + slack, text)

    def test_it_takes_the_place_of_null(self):
        client = self.join("ada")
        for message in (b'{"timestamp":null,"type":"t","payload":null}',
                        b'{ "type" : "t", "payload": [null], '
                        b'"timestamp" : null }'):
            with self.subTest(message=message):
                self.hub.send(message, user="ada")
                received = client.recv()
                stamp = json.loads(received)["timestamp"]
                self.assertRegex(stamp, ISO_UTC)
                place = (b"timestamp\":null" if b"timestamp\":" in message
                         else b"timestamp\" : null")
                self.assertEqual(received, message.replace(
                    place, place.replace(b"null", b'"%s"' % stamp.encode())))

    def test_the_refusal_of_another_one_names_its_form(self):
        for stamp in ("2024-01-01T00:00:05,678Z", "20240101T000000Z",
                      "2024-W01-1", "1704067200"):
            with self.subTest(stamp):
                error = self.assertRefused(self.hub.post(
                    "/api/broadcast", {"type": "t", "payload": 1,
                                       "timestamp": stamp}),
                    400, "invalid_message")
                self.assertIn("RFC 3339", error["message"])

    def test_one_that_is_there_is_untouched(self):
        client = self.join("ada")
        for stamp in ("2024-02-29T23:59:60Z", "2024-01-01T00:00:00+05:30",
                      "2024-01-01", "2024-01-01T00:00:00.123456789Z"):
            with self.subTest(stamp):
                message = (b'{"timestamp":"%s","type":"t","payload":1}'
                           % stamp.encode())
                self.hub.send(message, user="ada")
                self.assertEqual(client.recv(), message)


class Counters(SharedHubd):

    def test_what_clients_send_is_ignored_and_harms_nobody(self):
        talker, listener = self.join("ada"), self.join("bob")
        for text in ("hello", "{}", "", "x" * 100000):
            talker.send_text(text)
        talker.send_frame(2, bytes(range(256)))
        talker.sync()
        self.assertNextIsMarker(self.hub, listener)
        self.assertNextIsMarker(self.hub, talker)
        until(lambda: self.hub.health()["total_connections"] == 2,
              "both still there")


if __name__ == "__main__":
    unittest.main()
