"""A web server on the loopback that has the keys of an issuer, by http or by
https with a certificate of its own."""

import http.server
import pathlib
import ssl
import subprocess
import tempfile
import threading


def make_certificate(folder, names="DNS:localhost,IP:127.0.0.1"):
    """One that signs itself. Returns its file, which has the key as well."""
    path = pathlib.Path(folder) / "certificate.pem"
    key = pathlib.Path(folder) / "certificate.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
         "/CN=localhost", "-addext", f"subjectAltName={names}",
         "-keyout", str(key), "-out", str(path)],
        check=True, capture_output=True)
    return path, key


class KeyServer:
    """`pages` are what paths are answered with: a body, or a whole answer as
    (status, headers, body). `asked` are the paths that came."""

    def __init__(self, tls_names=None):
        self.pages, self.asked = {}, []
        self.scratch = tempfile.TemporaryDirectory(prefix="hub-keys-")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      self._handler())
        self.ca_file = None
        if tls_names:
            self.ca_file, key = make_certificate(self.scratch.name, tls_names)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.ca_file, key)
            self.server.socket = context.wrap_socket(self.server.socket,
                                                     server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       daemon=True)
        self.thread.start()

    def _handler(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                page = outer.pages.get(self.path, (404, {}, ""))
                if not isinstance(page, tuple):
                    page = (200, {}, page)
                status, headers, body = page
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass
        return Handler

    def url(self, path, host="127.0.0.1"):
        scheme = "https" if self.ca_file else "http"
        return f"{scheme}://{host}:{self.server.server_port}{path}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        self.scratch.cleanup()
