"""The recipes for proxies, checked against hubd and against each other;
Traefik's can only be read here, because Debian has no Traefik."""

import re
import unittest

from case import PACKAGING, PackagingCase, seconds

from harness.daemon import run_to_end
from harness.wait import ROOT

PROXIES = PACKAGING / "proxies"
RULE = re.compile(r"Host\(`hub\.example\.com`\) && (Path|PathPrefix)"
                  r"\(`(/\w+/?)`\)")


class Figures(PackagingCase):

    def default(self, name):
        _, text, _ = run_to_end("--help")
        return re.search(rf"  {name}, .*\n(?:      .*\n)*?      default (.*)",
                         text)[1]

    def test_proxies_wait_longer_than_hubd_is_silent(self):
        silence = (seconds(self.default("HUB_PING_INTERVAL"))
                   + seconds(self.default("HUB_PONG_TIMEOUT")))
        for file, name in (("nginx.conf", "proxy_read_timeout"),
                           ("nginx.conf", "proxy_send_timeout"),
                           ("haproxy.cfg", "timeout tunnel")):
            text = (PROXIES / file).read_text()
            wait = re.search(rf"{name} (\d+s)", text)[1]
            self.assertGreater(seconds(wait), silence)

    def test_no_recipe_lets_cookies_through(self):
        for name, line in (("nginx.conf", 'proxy_set_header Cookie "";'),
                           ("Caddyfile", "header_up -Cookie"),
                           ("haproxy.cfg", "del-header Cookie"),
                           ("traefik.routes.yaml", 'Cookie: ""')):
            self.assertIn(line, (PROXIES / name).read_text(), name)

    def test_proxies_give_idle_connections_up_before_hubd_does(self):
        text = (ROOT / "hubd" / "front" / "http_conn.c").read_text()
        limit = int(re.search(r"#define NEXT_MS_MAX (\d+)", text)[1]) / 1000
        for name, pattern in (("nginx.conf", r"keepalive_timeout (\d+s);"),
                              ("Caddyfile", r"keepalive (\d+s)"),
                              ("haproxy.cfg", r"pool-purge-delay (\d+s)"),
                              ("traefik.routes.yaml",
                               r"idleConnTimeout: (\d+s)")):
            with self.subTest(name):
                found = re.search(pattern, (PROXIES / name).read_text())
                self.assertLess(seconds(found[1]), limit)

    def test_nginx_has_descriptors_for_its_connections(self):
        text = (PROXIES / "nginx.conf").read_text()
        files, connections = (
            int(re.search(rf"{name} (\d+);", text)[1])
            for name in ("worker_rlimit_nofile", "worker_connections"))
        self.assertGreaterEqual(files, connections)


class Traefik(PackagingCase):

    def setUp(self):
        super().setUp()
        self.start_up, = self.documents("proxies/traefik.yaml")
        self.routes, = self.documents("proxies/traefik.routes.yaml")
        self.http = self.routes["http"]

    def test_it_reads_the_file_of_its_routes(self):
        path = self.start_up["providers"]["file"]["filename"]
        self.assertTrue((PROXIES / path.rpartition("/")[2]).exists())

    def test_every_name_is_one_that_is_there(self):
        self.assertEqual(set(self.start_up["entryPoints"]),
                         {"clients", "backends"})
        for router in self.http["routers"].values():
            self.assertLessEqual(set(router["entryPoints"]),
                                 set(self.start_up["entryPoints"]))
            self.assertIn(router["service"], self.http["services"])
            self.assertLessEqual(set(router.get("middlewares", ())),
                                 set(self.http["middlewares"]))
            self.assertEqual(router["tls"], {})
        for service in self.http["services"].values():
            balancer = service["loadBalancer"]
            self.assertIn(balancer["serversTransport"],
                          self.http["serversTransports"])
            self.assertEqual(balancer["servers"],
                             [{"url": "http://127.0.0.1:8081"}])

    def test_clients_get_websockets_and_known_backends_the_api(self):
        for router in self.http["routers"].values():
            kind, path = RULE.fullmatch(router["rule"]).groups()
            if router["entryPoints"] == ["clients"]:
                self.assertEqual((kind, path), ("Path", "/ws"))
                self.assertEqual(router["middlewares"], ["no-cookies"])
            else:
                self.assertEqual(router["entryPoints"], ["backends"])
                self.assertEqual((kind, path), ("PathPrefix", "/api/"))
                self.assertEqual(router["middlewares"], ["backends-only"])
        limit = self.http["middlewares"]["backends-only"]["ipAllowList"]
        self.assertEqual(limit["sourceRange"], ["10.0.0.0/8"])


class Documents(PackagingCase):

    def texts(self):
        for name in ("containers.md", "proxies.md"):
            yield (ROOT / "docs" / name).read_text()

    def test_every_file_that_they_name_is_there(self):
        named = set()
        for text in self.texts():
            named |= set(re.findall(r"\]\(((?!https?:|#)[^)#]+)", text))
        for link in named:
            self.assertTrue((ROOT / "docs" / link).exists(), link)
        for path in PROXIES.iterdir():
            self.assertIn(f"../packaging/proxies/{path.name}", named)

    def test_every_setting_that_they_name_is_one(self):
        _, told, _ = run_to_end("--help")
        known = set(re.findall(r"(?m)^  ([A-Z_]+), --", told))
        for text in self.texts():
            named = set(re.findall(r"\b((?:HUB|MAX|READ|WRITE)_[A-Z_]+)\b",
                                   text))
            self.assertGreater(len(named), 4)
            self.assertLessEqual(named, known)


if __name__ == "__main__":
    unittest.main()
