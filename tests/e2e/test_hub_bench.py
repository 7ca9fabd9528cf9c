"""hub-bench against a real hubd: what it counts, how it reports, and what it
says when it cannot."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time
import unittest

from harness.fakehub import FakeHub, frame
from harness.testcase import SharedHubd
from harness.wait import ROOT, sanitizer, scaled, until

HUB_BENCH = os.environ.get("HUB_BENCH") or str(
    ROOT / "build/dev/hub-bench/hub-bench")
CLIENTS = 200
IDLE_S = 0.1
SHORT = ("--duration=200ms", "--warmup=150ms")  # each phase is drawn
TIMES = {"p50", "p90", "p99", "p999", "max", "mean"}
KEYS = {
    "": {"hub_bench", "label", "url", "publish_url", "mode", "window", "rate",
         "bytes", "duration_s", "clients", "connect", "memory", "idle",
         "publish", "delivery", "server", "client"},
    "clients": {"asked", "connected", "refused", "lost", "stalled",
                "stalled_dropped"},
    "connect": {"seconds", "per_second", "server_cpu_us_per_connection",
                "latency_us"},
    "memory": {"process_bytes_before", "process_bytes_connected",
               "process_bytes_per_connection", "process_bytes_peak",
               "process_bytes_end",
               "kernel_socket_bytes_before", "kernel_socket_bytes_connected",
               "kernel_socket_bytes_peak"},
    "idle": {"seconds", "server_cpu_percent"},
    "publish": {"messages", "per_second", "errors", "due", "response_us"},
    "delivery": {"count", "per_second", "missing", "out_of_order", "foreign",
                 "latency_us"},
    "server": {"pids", "cpu_us_per_delivery", "cpu_us_per_message",
               "cpu_percent"},
    "client": {"cpu_us_per_delivery", "cpu_percent"},
}


def spawn(*flags, key="k", term=None, **how):
    environment = {"PATH": os.environ["PATH"]}
    if key is not None:
        environment["HUB_API_KEY"] = key
    if term is not None:
        environment["TERM"] = term
    return subprocess.Popen([HUB_BENCH, *flags], env=environment,
                            stdin=subprocess.DEVNULL, **how)


def run(*flags, key="k", seconds=60):
    """Exit status, standard output, standard error."""
    with spawn(*flags, key=key, stdout=subprocess.PIPE,
               stderr=subprocess.PIPE) as process:
        try:
            out, err = process.communicate(timeout=scaled(seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode, out.decode(), err.decode()


def quick(clients=CLIENTS):
    return (f"--clients={clients}", "--duration=500ms", "--warmup=50ms",
            f"--idle={IDLE_S}s")


class BenchTestCase(unittest.TestCase):

    def assertTimes(self, times):
        self.assertEqual(set(times), TIMES)
        self.assertGreater(times["p50"], 0)
        ordered = [times[k] for k in ("p50", "p90", "p99", "p999", "max")]
        self.assertEqual(ordered, sorted(ordered))
        self.assertLessEqual(times["mean"], times["max"])

    def assertNoTimes(self, times):
        self.assertEqual(times, dict.fromkeys(TIMES))

    def assertKeys(self, report):
        self.assertEqual(set(report), KEYS[""])
        for name, keys in KEYS.items():
            if name:
                self.assertEqual(set(report[name]), keys)

    def measure(self, *flags, key="k", warnings=()):
        """The report of a run that must be measured, with one line of warning
        for each of these patterns and no other."""
        status, out, err = run("--json", *flags, key=key)
        self.assertEqual(status, 0, err)
        lines = err.splitlines()
        self.assertEqual(len(lines), len(warnings), err)
        for line, pattern in zip(lines, warnings):
            self.assertRegex(line, r"\Ahub-bench: " + pattern)
        report = json.loads(out)
        self.assertKeys(report)
        return report

    def assertFails(self, status, pattern, *flags, key="k"):
        code, out, err = run(*flags, key=key)
        self.assertEqual((code, out), (status, ""), err)
        self.assertRegex(err, rf"\Ahub-bench: [^\n]*{pattern}[^\n]*\n\Z")


class FakeHubCase(BenchTestCase):

    def fake(self, *how):
        hub = FakeHub(*how)
        self.addCleanup(hub.close)
        return hub

    def bench(self, hub, *flags, warnings=()):
        return self.measure(*quick(10), "--warmup=0", f"--pid={os.getpid()}",
                            *flags, hub.url, warnings=warnings)


class AgainstHubd(BenchTestCase, SharedHubd):

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.hub.port}/ws?userId={{user}}"

    def bench(self, *flags, **how):
        return self.measure(*quick(), *flags, self.url, key=self.hub.key,
                            **how)

    def assertComplete(self, report, recipients):
        publish, delivery = report["publish"], report["delivery"]
        self.assertGreater(publish["messages"], 0)
        self.assertEqual(publish["errors"], 0)
        self.assertEqual(delivery["count"], publish["messages"] * recipients)
        self.assertEqual(delivery["missing"], 0)
        self.assertEqual(delivery["out_of_order"], 0)
        self.assertEqual(delivery["foreign"], 0)
        self.assertTimes(publish["response_us"])
        self.assertTimes(delivery["latency_us"])
        self.assertAlmostEqual(publish["per_second"],
                               publish["messages"] / report["duration_s"],
                               delta=publish["per_second"] / 20)
        self.assertLessEqual(delivery["per_second"],
                             delivery["count"] / report["duration_s"] * 1.01)

    def assertCosts(self, report):
        server, client = report["server"], report["client"]
        self.assertEqual(server["pids"], [self.hub.pid])
        for value in (*client.values(), server["cpu_us_per_delivery"],
                      server["cpu_us_per_message"], server["cpu_percent"],
                      report["connect"]["server_cpu_us_per_connection"]):
            self.assertGreater(value, 0)
        self.assertGreaterEqual(report["idle"]["server_cpu_percent"], 0)
        self.assertLess(report["idle"]["server_cpu_percent"], 50)
        self.assertAlmostEqual(report["idle"]["seconds"], IDLE_S,
                               delta=scaled(1))
        memory = report["memory"]
        for name in ("before", "connected", "end"):
            self.assertGreater(memory[f"process_bytes_{name}"], 100000)
        self.assertGreaterEqual(memory["process_bytes_peak"],
                                max(memory["process_bytes_connected"],
                                    memory["process_bytes_end"]))
        self.assertGreaterEqual(memory["kernel_socket_bytes_peak"],
                                memory["kernel_socket_bytes_connected"])

    def test_broadcasts_one_at_a_time(self):
        report = self.bench("--label=one at a time")
        self.assertComplete(report, CLIENTS)
        self.assertCosts(report)
        self.assertEqual(report["clients"], {
            "asked": CLIENTS, "connected": CLIENTS, "refused": 0, "lost": 0,
            "stalled": 0, "stalled_dropped": 0})
        self.assertTimes(report["connect"]["latency_us"])
        self.assertEqual(report["label"], "one at a time")
        self.assertEqual(report["url"], self.url)
        self.assertEqual(report["publish_url"],
                         f"http://127.0.0.1:{self.hub.port}/api/broadcast")
        self.assertEqual((report["mode"], report["window"], report["rate"],
                          report["bytes"]), ("broadcast", 1, None, 170))
        self.assertGreaterEqual(report["duration_s"], 0.5)
        self.assertIsNone(report["publish"]["due"])

    def test_many_broadcasts_in_flight(self):
        report = self.bench("-w32")
        self.assertComplete(report, CLIENTS)
        self.assertEqual(report["window"], 32)

    def test_until_accepted(self):
        report = self.bench("-w8", "--until=accepted", "-b", "80")
        self.assertComplete(report, CLIENTS)
        self.assertEqual(report["bytes"], 80)

    def test_several_threads_and_no_connect_window(self):
        self.assertComplete(self.bench("-w8", "--threads=3",
                                       "--connect-window=0"), CLIENTS)

    def test_large_messages_come_in_pieces(self):
        self.assertComplete(self.bench("-w4", "-b", "100000"), CLIENTS)

    def test_sends_reach_one_client_each(self):
        report = self.bench("--send", "-w16")
        self.assertComplete(report, 1)
        self.assertEqual(report["mode"], "send")
        self.assertTrue(report["publish_url"].endswith("/api/send"))

    def test_a_rate_is_kept(self):
        report = self.bench("--rate=100")
        self.assertComplete(report, CLIENTS)
        self.assertEqual((report["window"], report["rate"]), (None, 100))
        self.assertAlmostEqual(report["publish"]["due"],
                               report["publish"]["messages"], delta=5)
        self.assertAlmostEqual(report["publish"]["messages"],
                               100 * report["duration_s"], delta=5)

    def test_stalled_clients_get_nothing_and_are_not_waited_for(self):
        report = self.bench("--stalled=10", "-w8")
        self.assertEqual(report["clients"]["stalled"], 20)
        self.assertComplete(report, CLIENTS - 20)
        report = self.bench("--stalled=10", "-w8", "--send")
        self.assertComplete(report, 1)

    def test_without_publishing(self):
        report = self.bench("-d0")
        self.assertEqual(report["publish"]["messages"], 0)
        self.assertEqual(report["duration_s"], 0)
        self.assertNoTimes(report["publish"]["response_us"])
        self.assertNoTimes(report["delivery"]["latency_us"])
        self.assertTimes(report["connect"]["latency_us"])

    def test_pids_that_are_given(self):
        pids = f"--pid={self.hub.pid},{os.getpid()}"
        report = self.bench(pids)
        self.assertEqual(report["server"]["pids"],
                         [self.hub.pid, os.getpid()])
        with subprocess.Popen(["true"]) as ended:
            pass
        self.assertFails(1, f"process {ended.pid}", f"--pid={ended.pid}",
                         self.url)

    def test_the_report_for_people(self):
        status, out, err = run(*quick(), "-w4", "--label=x", self.url,
                               key=self.hub.key)
        self.assertEqual((status, err), (0, ""))
        for pattern in (rf"(?m)^hub-bench [0-9.]+, x: {re.escape(self.url)}$",
                        rf"(?m)^clients +{CLIENTS} asked, {CLIENTS} conn",
                        r"(?m)^connect .*server CPU [0-9.]+ µs each$",
                        r"(?m)^memory ", r"(?m)^idle ",
                        r"(?m)^publish .* 0 errors$",
                        r"(?m)^delivery .* 0 missing, 0 out of order$",
                        r"latency +p50 [0-9.]+ [µm]s, p90 ",
                        r"(?m)^server +CPU [0-9.]+ µs per delivery",
                        r"(?m)^this tool +CPU "):
            self.assertRegex(out, pattern)
        self.assertNotIn("?", out.replace("?userId", ""))
        self.assertNotIn(self.hub.key, out)

    def test_a_wrong_key_is_told(self):
        self.assertFails(1, "cannot publish to .*401", *quick(20), self.url,
                         key="wrong")
        self.assertFails(1, "401", *quick(20), self.url, key=None)
        self.assertFails(1, "401", *quick(20), "--key=", self.url,
                         key=self.hub.key)
        report = self.measure(*quick(20), "--key", self.hub.key, self.url,
                              key="wrong")
        self.assertEqual(report["publish"]["errors"], 0)

    def test_a_wrong_path_is_told(self):
        base = f"127.0.0.1:{self.hub.port}"
        self.assertFails(1, "cannot connect to .*404", *quick(20),
                         f"ws://{base}/nowhere")
        self.assertFails(1, "cannot publish to .*404", *quick(20),
                         f"--publish=http://{base}/nowhere", self.url)

    def test_the_key_disappears_from_the_arguments(self):
        process = spawn("-d0", "--idle=30s", "-c1", "--key=sesame", self.url,
                        stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.hub.wait_connections(1)
        arguments = pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
        self.assertNotIn(b"sesame", arguments)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(scaled(10)), 1)

    def test_an_interrupt_ends_the_measured_part_and_reports(self):
        with spawn("--json", "-c50", "-d1h", "--warmup=0", "--idle=0",
                   self.url, key=self.hub.key, stdout=subprocess.PIPE,
                   stderr=subprocess.PIPE) as process:
            self.hub.wait_connections(50)
            time.sleep(scaled(1))  # the time that is measured
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=scaled(20))
        self.assertEqual((process.returncode, err), (0, b""))
        report = json.loads(out)
        self.assertComplete(report, 50)
        self.assertLess(report["duration_s"], scaled(20))

    def test_an_interrupt_before_that_is_no_measurement(self):
        with spawn("-c5", "--idle=1h", self.url, stdout=subprocess.PIPE,
                   stderr=subprocess.PIPE) as process:
            self.hub.wait_connections(5)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=scaled(20))
        self.assertEqual((process.returncode, out), (1, b""))
        self.assertRegex(err.decode(), r"\Ahub-bench: interrupted [^\n]*\n\Z")

    def on_terminal(self, *flags, columns=0, term=None):
        """What a run writes to a terminal that is its standard error."""
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, columns, 0, 0))
        process = spawn(*quick(), *flags, self.url, key=self.hub.key,
                        term=term, stdout=subprocess.DEVNULL, stderr=slave)
        os.close(slave)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        text = b""
        while select.select([master], [], [], scaled(30))[0]:
            try:
                data = os.read(master, 65536)
            except OSError:  # how a terminal ends
                data = b""
            if not data:
                break
            text += data
        self.assertEqual(process.wait(scaled(10)), 0)
        return text.decode()

    def test_a_terminal_sees_a_progress_bar(self):
        text = self.on_terminal("-w8")
        for phase in ("connecting", "settling", "idle", "warm-up",
                      "measuring"):
            self.assertRegex(text, rf"\r{phase} +\[[#-]{{30}}\] +[0-9.]+ s")
        self.assertRegex(text, r"measuring .*[0-9] ?[kM]? deliveries/s")
        self.assertTrue(text.endswith("\r\x1b[K"), text[-50:])
        self.assertEqual(self.on_terminal("--quiet", *SHORT), "")
        self.assertEqual(self.on_terminal(*SHORT, term="dumb"), "")

    def test_a_progress_bar_is_never_wider_than_the_terminal(self):
        for columns, pattern in ((60, r"\rconnecting \[[#-]{30}\] +[0-9.]+ s"),
                                 (30, r"\rconnecting \[[#-]+\] +[0-9.]+ s"),
                                 (20, r"\rconnecting +[0-9.]+ s"),
                                 (8, r"\rconnect")):
            with self.subTest(columns=columns):
                text = self.on_terminal("-w8", *SHORT, columns=columns)
                self.assertRegex(text, pattern + r"\x1b\[K")
                lines = re.split(r"\r|\x1b\[K", text)
                self.assertLess(max(map(len, lines)), columns)

    def test_clients_say_goodbye(self):
        before = len(self.hub.events("disconnected"))
        self.measure(*quick(20), self.url, key=self.hub.key)
        ended = until(lambda: self.hub.events("disconnected")[before + 19:]
                      and self.hub.events("disconnected")[before:],
                      "20 clients in the log")
        self.assertEqual({pairs["code"] for pairs in ended}, {"1000"})


class Limits(BenchTestCase, SharedHubd):
    settings = {"HUB_MAX_CONNECTIONS": "30", "HUB_PING_INTERVAL": "500ms",
                "HUB_PONG_TIMEOUT": "10s" if sanitizer() else "1s"}

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.hub.port}/ws?userId={{user}}"

    def test_refused_clients_are_counted(self):
        report = self.measure(*quick(50), self.url, key=self.hub.key,
                              warnings=["20 of 50 clients were .*: 503 "])
        self.assertEqual(report["clients"]["connected"], 30)
        self.assertEqual(report["clients"]["refused"], 20)
        self.assertEqual(report["delivery"]["count"],
                         30 * report["publish"]["messages"])

    def test_pings_are_answered(self):
        report = self.measure(*quick(20), "--idle=2s", self.url,
                              key=self.hub.key)
        self.assertEqual(report["clients"]["lost"], 0)


class Latency(FakeHubCase):
    """Of a hub that takes its time, which has to be seen."""

    def test_a_delay_of_the_server_is_in_the_latency(self):
        def deliver(hub, body):
            hub.loop.call_later(0.05, hub.all, frame(body))

        report = self.bench(self.fake(deliver))
        latency = report["delivery"]["latency_us"]
        self.assertTimes(latency)
        self.assertGreater(latency["p50"], 49000)
        self.assertLess(latency["p50"], 50000 + scaled(40000))
        self.assertLess(report["publish"]["messages"], 11)

    def test_with_a_rate_waiting_in_line_is_in_the_latency(self):
        hub = self.fake(lambda hub, body: (time.sleep(0.05),
                                           hub.all(frame(body))))
        report = self.bench(hub, "--rate=100", "--connections=1",
                            warnings=["the rate was not kept: "])
        # The tenth was due after 90 ms and posted after 450 ms.
        self.assertGreater(report["delivery"]["latency_us"]["max"], 200000)
        self.assertGreater(report["publish"]["response_us"]["max"], 200000)


class Usage(BenchTestCase):

    def test_help_and_version(self):
        status, out, err = run("--help")
        self.assertEqual((status, err), (0, ""))
        for name in ("clients", "connect-window", "publish", "send", "key",
                     "window", "rate", "until", "connections", "bytes",
                     "duration", "warmup", "idle", "stalled", "pid", "label",
                     "json", "quiet", "threads", "help", "version"):
            self.assertRegex(out, rf"(?m)^ +(-\w, )?--{name}\b")
        self.assertLessEqual(max(map(len, out.splitlines())), 80)
        self.assertRegex(run("-V")[1], r"\Ahub-bench [0-9.]+\n\Z")

    def test_wrong_flags_are_named(self):
        for flags, pattern in (
                (["--clients=0"], "--clients=0: must be a whole number"),
                (["-c", "x"], "--clients=x: must be"),
                (["--window=1.5"], "--window=1.5: must be"),
                (["--rate=-1"], "--rate=-1: must be"),
                (["--rate=0"], "--rate=0: must be"),
                (["--until=never"], "--until=never: must be delivered or acc"),
                (["--bytes=79"], "--bytes=79: must be a whole number from 80"),
                (["-d", "10"], "--duration=10: must be a duration"),
                (["--idle=25h"], "--idle=25h: must be a duration up to 24h"),
                (["--warmup=-1s"], "--warmup=-1s: must be"),
                (["--stalled=101"], "--stalled=101: must be a percentage"),
                (["--pid=1,,2"], "--pid=1,,2: must be"),
                (["--pid=7,8,7"], "--pid=7,8,7: must be different"),
                (["--publish=ftp://h"], "--publish=ftp://h: must be http"),
                (["--connections=257"], "--connections=257: must be"),
                (["--threads=0"], "--threads=0: must be"),
                (["--label"], "--label: missing value"),
                (["-k"], "--key: missing value"),
                (["--json=yes"], "--json: takes no value"),
                (["--frobnicate"], "--frobnicate: unknown flag"),
                (["-x"], "-x: unknown flag"),
                (["--window=2", "--rate=2"], "--rate: cannot be combined"),
                (["--until=accepted", "-r2"], "--until: applies to --window"),
                (["-p", "http://h/{user}"], "requires --send"),
                (["--send", "ws://h/"], "--send: requires a URL with {user}"),
                (["http://h/"], "http://h/: must be ws://"),
                (["wss://h/"], "wss://h/: TLS"),
                (["ws://h:0/"], "ws://h:0/: must have a port"),
                (["ws://h/", "b"], "b: there is already a URL")):
            with self.subTest(flags=flags):
                self.assertFails(64, re.escape(pattern), *flags)

    def test_a_key_is_never_shown(self):
        for flags in (["--key=se\nsame"], ["--kex=sesame"]):
            status, out, err = run(*flags)
            self.assertEqual((status, out), (64, ""))
            self.assertNotIn("same", err)
        self.assertFails(64, "HUB_API_KEY: must be", key="a\nb")

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        self.assertFails(1, "cannot connect to .*: Connection refused",
                         f"ws://127.0.0.1:{port}/")
        self.assertFails(1, "name.invalid: ", "ws://name.invalid/")

    def test_more_clients_than_descriptors(self):
        command = ["prlimit", "--nofile=100:100", "--", HUB_BENCH, "-c200"]
        done = subprocess.run(command, capture_output=True, check=False,
                              timeout=scaled(20))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.decode(),
                         r"\Ahub-bench: --clients=200 needs [0-9]+ "
                         r"descriptors, and the hard limit is 100 .*\n\Z")


if __name__ == "__main__":
    unittest.main()
