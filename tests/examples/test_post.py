"""examples/post.c: against hubd, and against a server that misbehaves."""

import http.server
import json
import os
import subprocess
import threading
import unittest

from harness.proxy import RecordingProxy
from harness.testcase import HubTestCase

from program import SECONDS, ExampleCase


class Moody(http.server.BaseHTTPRequestHandler):
    """Answers with what its server has prepared, then with success."""

    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.connections += 1

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(json.loads(body))
        status, answer = (self.server.prepared.pop(0) if self.server.prepared
                          else (200, '{"recipients":1}'))
        self.send_response(status)
        self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


class Post(ExampleCase, HubTestCase):

    def post(self, url, text, *arguments, key="k", environment=os.environ):
        """Exit status, standard output and standard error."""
        program = self.start_example("post", url, *arguments,
                                     stdin=subprocess.PIPE,
                                     env={**environment, "HUB_API_KEY": key})
        program.process.stdin.write(text)
        program.process.stdin.close()
        status = program.wait()
        return status, "".join(program.printed)

    def serve(self, *prepared):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Moody)
        server.prepared, server.bodies = list(prepared), []
        server.connections = 0
        thread = threading.Thread(target=server.serve_forever,
                                  args=(0.05,))
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join, SECONDS)
        self.addCleanup(server.shutdown)
        return server, f"http://127.0.0.1:{server.server_address[1]}"

    def test_lines_reach_users_of_hubd(self):
        hub = self.start()
        url = f"http://127.0.0.1:{hub.port}"
        ada, bob = self.connect(hub, "ada"), self.connect(hub, "bob")
        line = 'h\u00e9 "quoted" \\ and \t more'
        self.assertEqual(self.post(url, line + "\n", "ada", key=hub.key),
                         (0, "queued for 1\n"))
        self.assertEqual(self.post(url, "all\n", key=hub.key),
                         (0, "queued for 2\n"))
        for client, payloads in ((ada, (line, "all")), (bob, ("all",))):
            for payload in payloads:
                message = json.loads(client.recv())
                self.assertEqual((message["type"], message["payload"]),
                                 ("line", payload))

    def test_errors_of_hubd_are_told(self):
        hub = self.start()
        url = f"http://127.0.0.1:{hub.port}"
        status, text = self.post(url, "x\n", key="wrong")
        self.assertEqual(status, 1)
        self.assertRegex(text, r"\Apost: 401 unauthorized: ")
        status, text = self.post(url, "x\n", "u" * 257, key=hub.key)
        self.assertEqual(status, 1)
        self.assertRegex(text, r"\Apost: 400 invalid_id: ")
        self.assertEqual(self.post(url, "", key=hub.key), (0, ""))

    def test_lines_go_over_one_connection(self):
        server, url = self.serve()
        self.assertEqual(self.post(url, "one\ntwo\nthree", "ada"),
                         (0, "queued for 1\n" * 3))
        self.assertEqual(server.connections, 1)
        self.assertEqual(server.bodies, [
            {"targetUserId": "ada", "message": {"type": "line", "payload": p}}
            for p in ("one", "two", "three")])

    def test_what_was_refused_for_now_is_sent_again(self):
        server, url = self.serve((503, '{"code":"overloaded"}'))
        self.assertEqual(self.post(url, "again\n"), (0, "queued for 1\n"))
        self.assertEqual(len(server.bodies), 2)

    def test_what_is_no_answer_is_an_error(self):
        _, url = self.serve((200, "<html>"), (200, "x" * 5000))
        self.assertEqual(self.post(url, "x\n"),
                         (1, "post: 200 ?: not an answer from hubd\n"))
        self.assertEqual(self.post(url, "x\n")[0], 1)

    def test_a_server_that_is_not_there_is_an_error(self):
        status, text = self.post("http://127.0.0.1:1", "x\n")
        self.assertEqual(status, 1)
        self.assertRegex(text, r"\Apost: .*connect")

    def test_the_key_is_for_no_proxy_of_the_environment(self):
        hub, proxy = self.start(), self.proxy()
        url = f"http://127.0.0.1:{hub.port}"
        self.assertEqual(self.post(url, "x\n", key=hub.key,
                                   environment=proxy.environment),
                         (0, "queued for 0\n"))
        self.assertEqual(proxy.heard, [])

    def test_a_proxy_that_is_asked_for_is_used(self):
        proxy = self.proxy()
        self.assertEqual(self.post("http://hub.test:8081", "x\n", environment={
            **os.environ, "HUB_PROXY": proxy.url}), (0, "queued for 77\n"))
        self.assertRegex(proxy.heard[0], r"\APOST http://hub\.test:8081/api/")

    def proxy(self):
        proxy = RecordingProxy()
        self.addCleanup(proxy.close)
        return proxy


if __name__ == "__main__":
    unittest.main()
