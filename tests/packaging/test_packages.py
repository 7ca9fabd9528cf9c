"""The packages as an operator uses them, in that order: installed in a fresh
Debian, without systemd and with it, run, upgraded, removed and purged.

    ./dev package-test

It requires root and a separate mount namespace; see system.py and machine.py.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from harness.testcase import Assertions
from harness.wait import ROOT, until

from machine import CannotBoot, Machine
from system import System, own_scratch, run

DEBS = pathlib.Path(os.environ["HUB_DEBS"])
NAMES = ("libhub0", "libhub-dev", "hubd")
SERVICE = ("libhub0", "hubd")
CLIENT = [sys.executable, "-B",
          str(pathlib.Path(__file__).with_name("client.py"))]
KEY, CONF = "/etc/hubd/api-key", "/etc/hubd/hubd.conf"
FILES = re.compile(
    r"/usr/(bin/(hubd|hub-bench)|include/hub/\w+\.h"
    r"|lib/[\w-]+/(libhub\.(so\S*|a)|pkgconfig/libhub\.pc|cmake/hub/\S+)"
    r"|lib/systemd/system/hubd\.service|share/man/man[138]/\S+\.gz"
    r"|share/(doc/(libhub0|libhub-dev|hubd)|lintian/overrides)/\S+"
    r"|share/bash-completion/completions/\S+"
    r"|share/zsh/vendor-completions/_\S+"
    r"|share/fish/vendor_completions\.d/\S+)\Z|/etc/hubd/hubd\.conf\Z")

system = scratch = None


def setUpModule():
    global system, scratch
    scratch = own_scratch()
    started = time.monotonic()
    system = System(scratch)
    system.make()
    print(f"\na fresh {system.run('cat', '/etc/debian_version').strip()} in"
          f" {time.monotonic() - started:.0f} s")


def deb(name):
    path, = DEBS.glob(f"{name}_*.deb")
    return path


def put(paths):
    """Files into the system."""
    for path in paths:
        shutil.copy(path, system.root / "debs")


def inside(names, revision="[0-9]*"):
    """Where they are there."""
    found = []
    for name in names:
        path, = system.root.glob(f"debs/{name}_{revision}.deb")
        found.append(f"/debs/{path.name}")
    return found


class Files(Assertions):
    """What is in them, without installing anything."""

    def test_lintian_finds_nothing_wrong(self):
        self.require("lintian")
        print("\n" + run("lintian", "--allow-root", "--fail-on",
                         "error,warning", *(str(deb(n)) for n in NAMES)))

    def test_everything_is_where_it_belongs(self):
        for name in NAMES:
            for line in run("dpkg-deb", "-c", str(deb(name))).splitlines():
                mode, owner, *_, path = line.partition(" ->")[0].split()
                with self.subTest(f"{name}: {path}"):
                    self.assertEqual(owner, "root/root")
                    self.assertNotRegex(mode, "[sS]")
                    if not path.endswith("/"):
                        self.assertTrue(FILES.match(path.removeprefix(".")))

    def test_the_examples_are_whole(self):
        with tempfile.TemporaryDirectory() as directory:
            run("dpkg-deb", "-x", str(deb("libhub-dev")), directory)
            usr = pathlib.Path(directory) / "usr"
            examples = usr / "share/doc/libhub-dev/examples"
            sources = sorted(examples.glob("*.c"))
            self.assertEqual(
                [path.name for path in sources],
                sorted(path.name for path in ROOT.glob("examples/*.c")))
            run("cc", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
                f"-I{usr}/include", *map(str, sources))
            self.assertIn("cc minimal.c",
                          (examples / "README.md").read_text())

    def test_what_the_documents_name_is_there(self):
        with tempfile.TemporaryDirectory() as directory:
            run("dpkg-deb", "-x", str(deb("hubd")), directory)
            told = run(sys.executable, "-B",
                       str(ROOT / "tests/docs/check_links.py"),
                       f"{directory}/usr/share/doc/hubd")
        self.assertGreaterEqual(int(told.split()[0]), 8, told)

    def test_the_symbols_are_as_told(self):
        with tempfile.TemporaryDirectory() as directory:
            run("dpkg-deb", "-R", str(deb("libhub0")), directory)
            version = run("dpkg-deb", "-f", str(deb("libhub0")), "Version")
            run("dpkg-gensymbols", "-c4", "-plibhub0", f"-P{directory}",
                f"-v{version.strip()}", f"-I{directory}/DEBIAN/symbols",
                "-q", "-O/dev/null", cwd=directory)

    def test_what_they_need_is_told(self):
        libraries = run("dpkg-deb", "-f", str(deb("hubd")), "Depends")
        for needed in ("libhub0 (= ", "libc6 (>= ", "libcivetweb1 (>= ",
                       "libcjson1 (>= ", "libssl3 (>= ", "libcurl4 (>= ",
                       "adduser"):
            self.assertIn(needed, libraries)
        libraries = run("dpkg-deb", "-f", str(deb("libhub-dev")), "Depends")
        for needed in ("libhub0 (= ", "liburing-dev"):
            self.assertIn(needed, libraries)


def senders(lines):
    """How event loops send: with io_uring where the kernel allows it."""
    return {line.partition("message=")[2].strip() for line in lines
            if "sending with" in line}


class WithoutSystemd(Assertions):
    """As in most containers."""

    @classmethod
    def setUpClass(cls):
        cls.files, cls.accounts = system.files(), system.accounts()
        put(deb(name) for name in NAMES)
        system.apt_get("install", *inside(NAMES))

    def test_the_programs_run(self):
        version = run("dpkg-deb", "-f", str(deb("hubd")), "Version").strip()
        upstream = version.rpartition("-")[0]
        self.assertEqual(system.run("hubd", "--version"), f"hubd {upstream}\n")
        self.assertIn(upstream, system.run("hub-bench", "--version"))

    def test_the_key_is_for_hubd_alone(self):
        self.assertEqual(system.run("stat", "-c", "%A %U %G", KEY, CONF),
                         "-rw-r----- root hubd\n-rw-r----- root root\n")
        self.assertRegex(system.path(KEY).read_text(), r"\A[0-9a-f]{48}\Z")
        self.assertEqual(system.path(KEY).parent.stat().st_mode & 0o777, 0o755)

    def test_its_user_can_do_nothing_else(self):
        entry = system.run("getent", "passwd", "hubd").strip().split(":")
        self.assertLess(int(entry[2]), 1000)
        self.assertEqual(entry[5:], ["/nonexistent", "/usr/sbin/nologin"])
        self.assertEqual(system.run("id", "-Gn", "hubd"), "hubd\n")

    def test_its_user_runs_it_with_the_settings_as_installed(self):
        start = ("set -a && . /etc/hubd/hubd.conf && exec setpriv"
                 " --reuid=hubd --regid=hubd --clear-groups --no-new-privs"
                 " hubd --port=0")
        process = subprocess.Popen(
            ["chroot", str(system.root), "sh", "-c", start], text=True,
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.__exit__, None, None, None)
        self.addCleanup(process.kill)
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "event=listening" in line:
                break
        self.assertIn("event=listening", lines[-1], lines)
        WithoutSystemd.senders = senders(lines)
        self.assertEqual([line for line in lines if "key" in line.lower()
                          and "event=start" not in line], [])
        port = re.search(r" port=(\d+)", lines[-1])[1]
        run(*CLIENT, "deliver", port, system.path(KEY).read_text())
        process.terminate()
        rest = process.stderr.read()
        self.assertEqual(process.wait(20), 0, rest)

    def test_a_program_is_built_with_what_libhub_dev_installs(self):
        libraries, = system.root.glob("usr/lib/*/pkgconfig/libhub.pc")
        pkg_config = {**os.environ, "PKG_CONFIG_LIBDIR": libraries.parent}
        flags = run("pkg-config", "--cflags", "--libs", "libhub",
                    env=pkg_config).split()
        self.assertIn("-lhub", flags)
        program = system.root / "tmp" / "consumer"
        run("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o",
            str(program), str(ROOT / "tests/consumer/main.c"), *flags)
        self.assertRegex(system.run("/tmp/consumer"), r"\AC: libhub \d.*\n\Z")

    def test_the_pages_are_found(self):
        for page in ("man8/hubd.8", "man1/hub-bench.1"):
            self.assertTrue(run("mandoc", "-T", "ascii", "-K", "utf-8", str(
                system.path(f"/usr/share/man/{page}.gz"))))

    def test_what_was_changed_by_hand_stays(self):
        conf, key = system.path(CONF), system.path(KEY)
        before = conf.read_text(), key.read_text()
        self.addCleanup(conf.write_text, before[0])
        conf.write_text(before[0] + "HUB_LOG_LEVEL=warn\n")
        system.apt_get("--reinstall", "install", *inside(NAMES))
        self.assertEqual(conf.read_text(), before[0] + "HUB_LOG_LEVEL=warn\n")
        self.assertEqual(key.read_text(), before[1])


class Purged(Assertions):
    """Behind WithoutSystemd."""

    def test_nothing_is_left(self):
        system.apt_get("remove", "hubd")
        self.assertTrue(system.path(KEY).exists())
        self.assertTrue(system.path(CONF).exists())
        system.apt_get("--purge", "autoremove", *NAMES)
        self.assertEqual(system.files() - WithoutSystemd.files, set())
        self.assertEqual(system.accounts(), WithoutSystemd.accounts)


class ServiceCase(Assertions):
    """hubd.service under systemd. Tests leave it running with the settings
    that it came with."""

    machine = None

    def key(self):
        return system.path(KEY).read_text().split("\n")[0]

    def deliver(self, key=None):
        return run(*self.machine.host(*CLIENT, "deliver", "8081",
                                      key or self.key()))

    def stay(self):
        """A client and a backend that go on until their input is closed."""
        process = subprocess.Popen(
            self.machine.host(*CLIENT, "stay", "8081", self.key()), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.__exit__, None, None, None)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "going\n")
        return process

    def check_restarted(self, what, process):
        """That its client was closed once, and got all that was accepted."""
        report = json.loads(process.communicate(timeout=60)[0])
        self.assertEqual(report["received"], report["promised"])
        (code, reason), = report["closed"]
        self.assertEqual(code, 1001)
        self.assertIn("retry-after-ms=", reason)
        print(f"\n{what}: connected again after {report['gap_ms']:.0f} ms;"
              f" {len(report['received'])} messages, none lost")

    def main_pid(self):
        return int(self.machine.show("MainPID")["MainPID"])

    def status_file(self, name):
        return self.machine.run("cat", f"/proc/{self.main_pid()}/{name}")

    def set_conf(self, line):
        conf = system.path(CONF)
        before = conf.read_text()
        conf.write_text(before + line + "\n")
        self.addCleanup(conf.write_text, before)


class Service(ServiceCase):

    @classmethod
    def setUpClass(cls):
        system.apt_get("install", "systemd", "systemd-sysv", "dbus")
        cls.files, cls.accounts = system.files(), system.accounts()
        put(deb(name) for name in SERVICE)
        system.apt_get("--download-only", "install", *inside(SERVICE))
        machine = Machine(system, scratch)
        try:
            machine.start()
        except CannotBoot as error:
            if os.environ.get("HUB_E2E_REQUIRE") == "all":
                raise
            raise unittest.SkipTest(f"no systemd here: {error}") from None
        ServiceCase.machine = machine
        machine.apt_get("install", *inside(SERVICE))

    def test_it_runs_once_it_is_installed(self):
        self.assertEqual(self.machine.run("systemctl", "is-enabled", "hubd"),
                         "enabled\n")
        self.machine.until({"ActiveState": "active", "SubState": "running",
                            "NRestarts": "0"})
        self.deliver()
        self.machine.until({"StatusText": "0 connections of 0 users"})
        print("\n" + self.machine.run("systemctl", "status", "--no-pager",
                                      "hubd"))

    def test_what_is_wrong_is_found_in_the_journal(self):
        """And that is nothing but a setting, which has to be chosen."""
        self.machine.run("systemctl", "restart", "hubd")
        lines = self.machine.journal(
            f"_PID={self.main_pid()}", "--priority=warning").splitlines()
        self.assertEqual([re.sub(r"^time=\S+ ", "", line) for line in lines], [
            'level=warn event=setting warning="HUB_CLIENT_AUTH is none: anyone'
            ' who can connect can claim any userId"'])

    def test_it_is_confined(self):
        status = dict(line.split(":\t", 1) for line in
                      self.status_file("status").splitlines())
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0)
        self.assertNotIn("0", status["Uid"].split())
        self.assertRegex(self.status_file("limits"),
                         r"Max core file size +0 +0 ")
        self.assertRegex(self.status_file("mounts"),
                         r"(?m)^\S+ / \S+ ro[, ]")

    def test_it_misses_nothing_that_it_is_kept_from(self):
        lines = self.machine.journal().splitlines()
        self.assertEqual(senders(lines), WithoutSystemd.senders)
        listening = [ln for ln in lines if "event=listening" in ln][-1]
        print("\n" + listening)
        descriptors = int(re.search(r"descriptors=(\d+)", listening)[1])
        limit = re.search(r"Max open files +(\d+)", self.status_file("limits"))
        self.assertEqual(descriptors, int(limit[1]))

    def drop_in(self, line):
        directory = "/run/systemd/system/hubd.service.d"
        self.machine.run("mkdir", "-p", directory)
        self.machine.run("sh", "-c", f"printf '[Service]\n{line}\n'"
                         f" >{directory}/test.conf")
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "restart", "hubd")
        self.addCleanup(self.machine.run, "systemctl", "restart", "hubd")
        self.addCleanup(self.machine.run, "systemctl", "daemon-reload")
        self.addCleanup(self.machine.run, "rm", "-r", directory)

    def test_keys_change_as_documented_and_nobody_is_disconnected(self):
        text = (ROOT / "docs/operating.md").read_text("utf-8")
        section = text.split("\n## Change the key\n")[1].split("\n## ")[0]
        begin, finish = re.findall(r"(?:^    .+\n)+", section, re.M)
        old, pid = self.key(), self.main_pid()
        stay = self.stay()
        stay.send_signal(signal.SIGSTOP)  # it has the old key
        self.machine.run("sh", "-ec", begin)
        new = self.key()
        self.assertNotEqual(new, old)
        until(lambda: self.answer_to(new) == "200", "the new key")
        self.assertEqual(self.answer_to(old), "200")
        self.machine.run("sh", "-ec", finish)
        until(lambda: self.answer_to(old) == "401", "the new key alone")
        self.assertEqual(self.answer_to(new), "200")
        self.machine.until({"ActiveState": "active", "MainPID": str(pid)})
        self.assertEqual(self.health()["total_connections"], 1)

    def answer_to(self, key):
        return run(*self.machine.host(
            "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H",
            f"X-API-Key: {key}", "-H", "Content-Type: application/json", "-d",
            '{"type":"x","payload":0}', "http://127.0.0.1:8081/api/broadcast"))

    def health(self):
        return json.loads(run(*self.machine.host(
            "curl", "-sS", "http://127.0.0.1:8081/health")))["stats"]

    def test_reload_finds_mistakes_and_changes_nothing(self):
        pid = self.main_pid()
        self.set_conf("MAX_MESSAGE_SIZE=lots")
        self.assertNotEqual(
            self.machine.call("systemctl", "reload", "hubd").returncode, 0)
        self.assertIn("MAX_MESSAGE_SIZE=lots: must be", self.machine.journal())
        self.machine.until({"ActiveState": "active", "MainPID": str(pid)})
        self.deliver()

    def test_a_mistake_does_not_make_it_start_again_and_again(self):
        self.addCleanup(self.machine.run, "systemctl", "restart", "hubd")
        self.set_conf("MAX_MESSAGE_SIZE=lots")
        self.machine.call("systemctl", "restart", "hubd")
        self.machine.until({"ActiveState": "failed", "Result": "exit-code",
                            "ExecMainStatus": "78", "NRestarts": "0"})

    def test_one_that_was_killed_comes_back(self):
        self.addCleanup(self.machine.run, "systemctl", "restart", "hubd")
        self.machine.run("systemctl", "kill", "--signal=KILL", "hubd")
        self.machine.until({"ActiveState": "active", "NRestarts": "1"})
        self.deliver()

    def test_one_that_hangs_is_ended_and_comes_back(self):
        self.drop_in("WatchdogSec=1")
        time.sleep(2.5)  # more than a watchdog that has nothing to object to
        self.assertEqual(self.machine.show("NRestarts"), {"NRestarts": "0"})
        started = time.monotonic()
        self.machine.run("systemctl", "kill", "--signal=STOP", "hubd")
        self.machine.until({"NRestarts": "1", "ActiveState": "active"}, 15)
        print(f"\nstopped, ended by the watchdog and running again:"
              f" {time.monotonic() - started:.1f} s")
        self.assertIn("Watchdog timeout", self.machine.journal())
        self.deliver()

    def test_a_restart_loses_no_message(self):
        stay = self.stay()
        self.machine.run("systemctl", "restart", "hubd")
        self.check_restarted("restarted", stay)


class Upgraded(ServiceCase):
    """Behind Service: to the next revision, while it runs."""

    def test_it_goes_on_with_settings_and_key(self):
        put(self.make_next(name) for name in SERVICE)
        conf, key = system.path(CONF), self.key()
        conf.write_text(conf.read_text() + "HUB_MAX_CONNECTIONS=1000\n")
        changed, pid = conf.read_text(), self.main_pid()
        stay = self.stay()
        self.machine.apt_get("-o", "Dpkg::Options::=--force-confold",
                             "install", *inside(SERVICE, "next"))
        self.check_restarted("upgraded", stay)
        self.assertNotEqual(self.main_pid(), pid)
        self.assertEqual((conf.read_text(), self.key()), (changed, key))
        self.assertIn("connections_max=1000", self.machine.journal())
        self.assertIn("+next", system.run(
            "dpkg-query", "-W", "-f", "${Version}", "hubd"))

    def make_next(self, name):
        """The same files with another revision, and other defaults."""
        path = deb(name)
        root = pathlib.Path(scratch) / f"{name}.next"
        run("dpkg-deb", "-R", str(path), str(root))
        version = run("dpkg-deb", "-f", str(path), "Version").strip()
        control = root / "DEBIAN" / "control"
        control.write_text(control.read_text().replace(version,
                                                       version + "+next"))
        conf = root / "etc" / "hubd" / "hubd.conf"
        if conf.exists():
            conf.write_text(conf.read_text() + "# Of the next revision.\n")
        path = pathlib.Path(scratch) / f"{name}_next.deb"
        run("dpkg-deb", "--root-owner-group", "-b", str(root), str(path))
        return path


class Removed(ServiceCase):
    """Behind Upgraded."""

    def test_it_ends_and_purging_leaves_nothing(self):
        self.machine.apt_get("remove", "hubd")
        running = self.machine.run("sh", "-c", "cat /proc/[0-9]*/comm")
        self.assertIn("systemd\n", running)
        self.assertNotIn("hubd\n", running)
        self.assertTrue(system.path(KEY).exists())
        self.machine.apt_get("--purge", "autoremove", "hubd", "libhub0")
        self.assertEqual(system.files() - Service.files, set())
        self.assertEqual(system.accounts(), Service.accounts)


def load_tests(loader, _tests, _pattern):
    """What happens to the one system, in its order."""
    return unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (
            Files, WithoutSystemd, Purged, Service, Upgraded, Removed))


if __name__ == "__main__":
    unittest.main()
