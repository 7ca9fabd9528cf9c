"""What docs/authentication.md tells readers to paste: three ways to mint a
token, which hubd takes, and an nginx that asks a backend who a client is."""

import glob
import http.server
import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import unittest

from proxy import filled, free_port, is_listening

from harness.http import raw_request
from harness.rawws import RawWs, new_key, upgrade_request
from harness.testcase import HubTestCase
from harness.wait import ROOT, scaled, until

PAGE = (ROOT / "docs/authentication.md").read_text("utf-8")
SECRET = "a secret of at least thirty-two bytes"
CSHARP = """
using System; using System.Security.Cryptography; using System.Text;
using Newtonsoft.Json;
static class Program {
%s
    static void Main(string[] args) => Console.WriteLine(Mint(args[0], args[1]));
}
"""


def recipe(language):
    found = re.findall(rf"(?ms)^```{language}\n(.*?)^```$", PAGE)
    assert len(found) == 1, f"{len(found)} recipes in {language}"
    return found[0]


class Minting(HubTestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hub-mint-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def output(self, *command, **how):
        done = subprocess.run(command, capture_output=True, text=True,
                              check=False, timeout=scaled(60), **how)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def assertTaken(self, token):
        hub = self.start(HUB_CLIENT_AUTH="jwt", HUB_JWT_SECRET=SECRET,
                         HUB_JWT_AUDIENCE="hub")
        client = RawWs(hub.port, path="/ws", headers=[
            ("Sec-WebSocket-Protocol", f"hub.v1, hub.token.{token}")])
        self.addCleanup(client.close)
        self.assertEqual(json.loads(client.recv())["userId"], "ada")
        client.leave()

    def test_in_node(self):
        program = recipe("js") + ";console.log(mint(...process.argv.slice(2)))"
        path = self.folder / "mint.cjs"
        path.write_text(program)
        self.assertTaken(self.output(self.require("node"), path, "ada",
                                     SECRET))

    def test_in_python(self):
        program = recipe("python") + "\nimport sys\nprint(mint(*sys.argv[1:]))"
        self.assertTaken(self.output(self.require("python3"), "-c", program,
                                     "ada", SECRET))

    def test_in_csharp(self):
        compiler, mono = self.require("mcs"), self.require("mono")
        libraries = glob.glob("/usr/lib/cli/*/Newtonsoft.Json.dll")
        if not libraries:
            self.lacking("Newtonsoft.Json is not installed")
        (self.folder / "mint.cs").write_text(CSHARP % recipe("csharp"))
        self.output(compiler, f"-r:{libraries[0]}",
                    f"-out:{self.folder}/mint.exe", f"{self.folder}/mint.cs")
        path = os.path.dirname(libraries[0])
        self.assertTaken(self.output(
            mono, self.folder / "mint.exe", "ada", SECRET,
            env={**os.environ, "MONO_PATH": path}))


class Backend(http.server.BaseHTTPRequestHandler):
    """Knows who has a session by a cookie of its own."""

    def do_GET(self):  # pylint: disable=invalid-name
        known = self.headers.get("Cookie") == "session=of-ada"
        self.send_response(200 if known else 401)
        if known:
            self.send_header("X-User-Id", "ada")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class AuthRequest(HubTestCase):

    def test_the_backend_says_who_it_is(self):
        self.require("nginx")
        hub = self.start(HUB_CLIENT_AUTH="proxy",
                         HUB_TRUSTED_PROXIES="127.0.0.1",
                         HUB_ALLOWED_ORIGINS="https://app.example")
        port = self.start_nginx(hub.port)
        eve = upgrade_request("/ws", new_key(), [("X-User-Id", "eve")])
        self.assertEqual(raw_request(port, eve)[0].status, 401)
        client = RawWs(port, path="/ws", headers=[
            ("Cookie", "session=of-ada"), ("X-User-Id", "eve"),
            ("X-Session-Id", "of-eve"), ("Sec-WebSocket-Protocol", "hub.v1")])
        self.addCleanup(client.close)
        hello = json.loads(client.recv())
        self.assertEqual(hello["userId"], "ada")
        self.assertNotIn("sessionId", hello)
        client.leave()

    def start_nginx(self, hub_port):
        backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        self.addCleanup(backend.server_close)
        threading.Thread(target=backend.serve_forever, daemon=True).start()
        self.addCleanup(backend.shutdown)
        folder = tempfile.TemporaryDirectory(prefix="hub-nginx-")
        self.addCleanup(folder.cleanup)
        work, port = pathlib.Path(folder.name), free_port()
        work.chmod(0o711)
        locations = filled(recipe("nginx"), {
            "127.0.0.1:8081": f"127.0.0.1:{hub_port}",
            "127.0.0.1:3000": f"127.0.0.1:{backend.server_port}"})
        (work / "nginx.conf").write_text(
            f"pid {work}/pid; error_log {work}/log; events {{}}\n"
            f"http {{ access_log off; client_body_temp_path {work}/body;"
            f" proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/f;"
            f" uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;\n"
            f"server {{ listen 127.0.0.1:{port};\n{locations}\n}} }}\n")
        process = subprocess.Popen(
            ["nginx", "-p", str(work), "-c", str(work / "nginx.conf"), "-g",
             "daemon off;"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        until(lambda: is_listening(port), "nginx listens", 10)
        return port


if __name__ == "__main__":
    unittest.main()
