"""Bodies that are not messages: the status, the code, and that nothing of
them reaches a client."""

import unittest

from harness.testcase import SharedHubd

GOOD = b'{"type":"t","payload":1,"timestamp":"2024-01-02"}'


def send_body(message=GOOD, target=b'"targetUserId":"ada"'):
    return b"{" + target + b',"message":' + message + b"}"


INVALID_JSON = {
    "nothing": b"",
    "white space": b" \n",
    "a word": b"hello",
    "cut off": b'{"type":"t","payload":1',
    "bytes behind": GOOD + b"x",
    "two texts": GOOD + GOOD,
    "a trailing comma": b'{"type":"t","payload":1,}',
    "a leading zero": b'{"type":"t","payload":01}',
    "no digit behind the point": b'{"type":"t","payload":2.}',
    "no digit before the point": b'{"type":"t","payload":-.1}',
    "a plus sign": b'{"type":"t","payload":+1}',
    "hexadecimal": b'{"type":"t","payload":0x10}',
    "NaN": b'{"type":"t","payload":NaN}',
    "Infinity": b'{"type":"t","payload":-Infinity}',
    "a capital literal": b'{"type":"t","payload":True}',
    "single quotes": b"{'type':'t','payload':1}",
    "a name without quotes": b'{type:"t","payload":1}',
    "a comment": b'{"type":"t",/* */"payload":1}',
    "a raw control character": b'{"type":"t","payload":"a\nb"}',
    "a raw NUL in a string": b'{"type":"t","payload":"a\0b"}',
    "NUL as white space": b'{"type":"t",\0"payload":1}',
    "NUL behind the end": GOOD + b"\0",
    "an unknown escape": b'{"type":"t","payload":"\\x41"}',
    "letters in an escape": b'{"type":"t","payload":"\\uqqqq"}',
    "a short escape": b'{"type":"t","payload":"\\u12"}',
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "a stray continuation byte": b'{"type":"t","payload":"\x80"}',
    "an overlong slash": b'{"type":"t","payload":"\xc0\xaf"}',
    "an encoded surrogate": b'{"type":"t","payload":"\xed\xa0\x80"}',
    "beyond U+10FFFF": b'{"type":"t","payload":"\xf4\x90\x80\x80"}',
    "UTF-8 cut by the quote": b'{"type":"t","payload":"\xe2\x82"}',
    "UTF-16": GOOD.decode().encode("utf-16-le"),
    "500 KB of brackets": b"[" * (500 * 1024),
    "nesting beyond the bound": b'{"type":"t","payload":' + b"[" * 1001
                                + b"]" * 1001 + b"}",
}

INVALID_MESSAGE = {
    "an array": b"[]",
    "a string": b'"text"',
    "null": b"null",
    "empty": b"{}",
    "no type": b'{"payload":1}',
    "an empty type": b'{"type":"","payload":1}',
    "a type that is a number": b'{"type":1,"payload":1}',
    "a type that is null": b'{"type":null,"payload":1}',
    "a type in another case": b'{"Type":"t","payload":1}',
    "no payload": b'{"type":"t"}',
    "a payload in another case": b'{"type":"t","PAYLOAD":1}',
    "a timestamp that is a number": b'{"type":"t","payload":1,"timestamp":1}',
    "a timestamp that is false":
        b'{"type":"t","payload":1,"timestamp":false}',
    "two types": b'{"type":"t","payload":1,"type":"u"}',
    "two types, one escaped": b'{"type":"t","payload":1,"typ\\u0065":"u"}',
    "two payloads": b'{"type":"t","payload":1,"payload":2}',
    "two timestamps":
        b'{"type":"t","payload":1,"timestamp":"2024-01-02",'
        b'"timestamp":"2024-01-03"}',
}


class Refused(SharedHubd):

    def refuse(self, path, body, status, code):
        error = self.assertRefused(self.hub.post(path, body), status, code)
        self.assertNotIn("secret", error["message"])

    def test_a_body_that_is_no_json(self):
        client = self.join("ada")
        for name, text in INVALID_JSON.items():
            with self.subTest(name):
                self.refuse("/api/broadcast", text, 400, "invalid_json")
                self.assertNextIsMarker(self.hub, client)

    def test_a_message_that_is_no_json(self):
        client = self.join("ada")
        for name, text in INVALID_JSON.items():
            with self.subTest(name):
                self.refuse("/api/send", send_body(text), 400, "invalid_json")
                self.assertNextIsMarker(self.hub, client)

    def test_a_broadcast_that_is_no_message(self):
        client = self.join("ada")
        for name, text in INVALID_MESSAGE.items():
            with self.subTest(name):
                self.refuse("/api/broadcast", text, 400, "invalid_message")
                self.assertNextIsMarker(self.hub, client)

    def test_a_send_with_something_else_as_message(self):
        client = self.join("ada")
        for name, text in INVALID_MESSAGE.items():
            with self.subTest(name):
                self.refuse("/api/send", send_body(text), 400,
                            "invalid_message")
                self.assertNextIsMarker(self.hub, client)

    def test_a_send_without_a_message(self):
        client = self.join("ada")
        for body in (b'{"targetUserId":"ada"}',
                     b'{"targetUserId":"ada","Message":%s}' % GOOD,
                     b'{"targetUserId":"ada","x":{"message":%s}}' % GOOD,
                     b'{"targetUserId":"ada","message":%s,"message":%s}'
                     % (GOOD, GOOD)):
            with self.subTest(body=body):
                self.refuse("/api/send", body, 400, "invalid_message")
                self.assertNextIsMarker(self.hub, client)

    def test_a_send_without_a_target(self):
        client = self.join("ada")
        for body in (b'{"message":%s}' % GOOD,
                     send_body(target=b'"TargetUserId":"ada"'),
                     send_body(target=b'"userId":"ada"')):
            with self.subTest(body=body):
                self.refuse("/api/send", body, 400, "missing_target")
                self.assertNextIsMarker(self.hub, client)

    def test_a_send_with_a_bad_id(self):
        client = self.join("ada")
        bad = {
            "empty": b'""',
            "a number": b"1",
            "an array": b'["ada"]',
            "257 bytes": b'"' + b"x" * 257 + b'"',
            "257 bytes of two-byte characters":
                '"{}x"'.format("\u00e9" * 128).encode(),
            "a control character": b'"a\\u0007"',
            "a line end": b'"a\\r\\nb"',
            "DEL": b'"a\\u007f"',
            "a C1 control": b'"a\\u0085"',
            "NUL": b'"a\\u0000"',
            "half a surrogate pair": b'"\\ud83d"',
        }
        for name, value in bad.items():
            for member in (b"targetUserId", b"targetSessionId"):
                with self.subTest(name, member=member):
                    target = b'"%s":%s' % (member, value)
                    self.refuse("/api/send", send_body(target=target), 400,
                                "invalid_id")
        self.assertNextIsMarker(self.hub, client)

    def test_a_target_given_twice(self):
        client = self.join("ada")
        target = b'"targetUserId":"ada","targetUserId":"ada"'
        reply = self.hub.post("/api/send", send_body(target=target))
        self.assertRefused(reply, 400)
        self.assertNextIsMarker(self.hub, client)

    def test_one_good_and_one_bad_target_reach_nobody(self):
        client = self.join("ada")
        target = b'"targetUserId":"ada","targetSessionId":""'
        self.refuse("/api/send", send_body(target=target), 400, "invalid_id")
        self.assertNextIsMarker(self.hub, client)

    def test_an_id_of_256_bytes_is_taken(self):
        target = b'"targetUserId":"' + b"x" * 256 + b'"'
        reply = self.hub.post("/api/send", send_body(target=target))
        self.assertEqual(reply.status, 200, reply)

    def test_the_error_says_where(self):
        error = self.assertRefused(
            self.hub.post("/api/broadcast", b'{"type":"t","payload":01}'),
            400, "invalid_json")
        self.assertRegex(error["message"], r"\d")


class TooLarge(SharedHubd):
    settings = {"MAX_MESSAGE_SIZE": "4KB"}

    def message(self, size):
        frame = len(b'{"type":"t","payload":"","timestamp":"2024-01-02"}')
        return (b'{"type":"t","payload":"' + b"x" * (size - frame)
                + b'","timestamp":"2024-01-02"}')

    def test_the_largest_message_is_delivered(self):
        client = self.join("ada")
        message = self.message(4096)
        self.assertEqual(len(message), 4096)
        self.assertEqual(self.hub.send(message, user="ada"), 1)
        self.assertEqual(self.hub.broadcast(message), 1)
        self.assertEqual(client.recv(), message)
        self.assertEqual(client.recv(), message)

    def test_one_byte_more_is_refused(self):
        client = self.join("ada")
        message = self.message(4097)
        self.assertRefused(self.hub.post("/api/broadcast", message), 413,
                           "too_large")
        self.assertRefused(self.hub.post("/api/send", send_body(message)),
                           413, "too_large")
        self.assertNextIsMarker(self.hub, client)

    def test_a_body_far_beyond_it_is_refused(self):
        client = self.join("ada")
        self.assertRefused(
            self.hub.post("/api/broadcast", self.message(60000)), 413,
            "too_large")
        self.assertNextIsMarker(self.hub, client)


if __name__ == "__main__":
    unittest.main()
