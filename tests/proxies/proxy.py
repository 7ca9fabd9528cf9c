"""Proxies run as users run them: with the files of packaging/proxies, in which
only addresses, paths and a few numbers are changed.
"""

import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess

from harness.wait import ROOT, scaled, until

# Debian's nginx is in a directory that only root looks into.
os.environ["PATH"] += os.pathsep + "/usr/sbin"

RECIPES = ROOT / "packaging" / "proxies"
NAME = "hub.example.com"
# A line of a recipe that users may switch on; words have one space before them.
OPTIONAL = re.compile(r"(?m)^( *)#(?=[^ ]|    )")


def filled(text, changes):
    """The text with each of these changed; what is not there is an error, so
    that no test runs on something else than what users copy."""
    for old, new in changes.items():
        if old not in text:
            raise AssertionError(f"the recipe has no {old!r}")
        text = text.replace(old, new)
    return text


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def is_listening(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def make_certificate(directory):
    """For NAME; it is its own authority."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout",
         f"{directory}/privkey.pem", "-out", f"{directory}/fullchain.pem"],
        check=True, capture_output=True, stdin=subprocess.DEVNULL)


class Proxy:
    """One proxy in front of a hubd. `changes` are further ones to the file."""

    def __init__(self, hub, directory, **changes):
        self.work = pathlib.Path(directory)
        self.hub = hub
        self.changes = changes
        self.clients_port, self.backends_port = free_port(), free_port()
        # Workers of nginx are another user, and come by here.
        self.work.chmod(0o711)
        make_certificate(self.work)
        self.tls = ssl.create_default_context(
            cafile=str(self.work / "fullchain.pem"))
        self.process = None

    def start(self):
        self.configure()
        with open(self.work / "log", "wb") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env={"PATH": os.environ["PATH"],
                                 "HOME": str(self.work)})
        try:
            for port in (self.clients_port, self.backends_port):
                until(lambda at=port: self.process.poll() is not None
                      or is_listening(at), "the proxy listens", 10)
            if self.process.poll() is not None:
                raise AssertionError("the proxy ended: " + self.log())
        except BaseException:
            self.stop()
            raise
        return self

    def log(self):
        return (self.work / "log").read_text(errors="replace")[-2000:]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(scaled(10))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def reload(self):
        """Takes the file anew, and returns when that is done."""
        raise NotImplementedError


class Nginx(Proxy):
    """`read_timeout` in the place of 60 seconds, `grace` for the workers of
    before a reload, `many`: with the lines that are for many connections."""

    def configure(self):
        temporary = "".join(f"\n    {kind}_temp_path {self.work}/{kind};"
                            for kind in ("client_body", "proxy", "fastcgi",
                                         "uwsgi", "scgi"))
        changes = {
            "http {": "http {" + temporary,
            "worker_rlimit_nofile 131072": "worker_rlimit_nofile 4096",
            "worker_connections 65536": "worker_connections 2048",
            "/var/log/nginx/": f"{self.work}/",
            "/etc/hub/tls/": f"{self.work}/",
            "127.0.0.1:8081": f"127.0.0.1:{self.hub.port}",
            "listen [::]:443 ssl http2;": "",
            "listen [::]:8443 ssl http2;": "",
            "listen 443 ssl": f"listen 127.0.0.1:{self.clients_port} ssl",
            "listen 8443 ssl": f"listen 127.0.0.1:{self.backends_port} ssl",
            "allow 10.0.0.0/8;": "allow 127.0.0.1;",
        }
        if "read_timeout" in self.changes:
            changes["proxy_read_timeout 60s"] = (
                "proxy_read_timeout " + self.changes["read_timeout"])
        if "grace" in self.changes:
            changes["events {"] = (
                f"worker_shutdown_timeout {self.changes['grace']};\nevents {{")
        text = filled((RECIPES / "nginx.conf").read_text(), changes)
        if self.changes.get("many"):
            text = OPTIONAL.sub(r"\1", text)
        (self.work / "nginx.conf").write_text(text)

    def command(self):
        return ["nginx", "-p", str(self.work), "-c",
                str(self.work / "nginx.conf"), "-g",
                f"daemon off; pid {self.work}/pid; error_log stderr notice;"]

    def workers(self):
        path = pathlib.Path(f"/proc/{self.process.pid}/task/"
                            f"{self.process.pid}/children")
        return set(map(int, path.read_text().split()))

    def reload(self):
        before = self.workers()
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self.workers() - before, "new workers", 10)
        return before


class Caddy(Proxy):

    def configure(self):
        tls = f"\ttls {self.work}/fullchain.pem {self.work}/privkey.pem\n"
        options = ("{\n\tauto_https disable_redirects\n"
                   f"\tadmin unix/{self.work}/admin\n}}\n")
        changes = {
            "127.0.0.1:8081": f"127.0.0.1:{self.hub.port}",
            f"\n{NAME} {{\n": f"\n{NAME}:{self.clients_port} {{\n"
                              f"\tbind 127.0.0.1\n{tls}",
            f"\n{NAME}:8443 {{\n": f"\n{NAME}:{self.backends_port} {{\n"
                                   f"\tbind 127.0.0.1\n{tls}",
            "10.0.0.0/8": "127.0.0.1",
        }
        (self.work / "Caddyfile").write_text(
            options + filled((RECIPES / "Caddyfile").read_text(), changes))

    def command(self):
        return ["caddy", "run", "--adapter", "caddyfile", "--config",
                str(self.work / "Caddyfile")]

    def reload(self):
        subprocess.run(
            ["caddy", "reload", "--force", "--adapter", "caddyfile",
             "--address", f"unix/{self.work}/admin", "--config",
             str(self.work / "Caddyfile")],
            check=True, capture_output=True, stdin=subprocess.DEVNULL,
            timeout=scaled(20))


class HAProxy(Proxy):
    """`recipe`: changes to the lines of the recipe."""

    def configure(self):
        pem = self.work / "hub.pem"
        pem.write_bytes((self.work / "fullchain.pem").read_bytes()
                        + (self.work / "privkey.pem").read_bytes())
        changes = {
            "global\n": f"global\n    stats socket {self.work}/stats\n",
            "maxconn 65536": "maxconn 500",
            "/etc/hub/tls/hub.pem": str(pem),
            "bind :443": f"bind 127.0.0.1:{self.clients_port}",
            "bind :8443": f"bind 127.0.0.1:{self.backends_port}",
            "10.0.0.0/8": "127.0.0.1",
            "inter 2s": "inter 200ms",
            "127.0.0.1:8081": f"127.0.0.1:{self.hub.port}",
            **self.changes.get("recipe", {}),
        }
        (self.work / "haproxy.cfg").write_text(
            filled((RECIPES / "haproxy.cfg").read_text(), changes))

    def command(self):
        return ["haproxy", "-db", "-f", str(self.work / "haproxy.cfg")]

    def state(self):
        """Of the server, as its checks have it; None as long as HAProxy does
        not tell."""
        if not (self.work / "stats").exists():
            return None
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(scaled(5))
            sock.connect(str(self.work / "stats"))
            sock.sendall(b"show stat\n")
            text = b"".join(iter(lambda: sock.recv(65536), b"")).decode()
        names, *rows = [line.split(",") for line in text.splitlines() if line]
        for row in rows:
            if row[:2] == ["hubd", "hubd"]:
                return row[names.index("status")]
        raise AssertionError(text)
