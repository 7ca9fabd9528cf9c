"""Networks for one test: hubd in one namespace, clients in others, each of
these behind a link that can be made to fail.

A namespace is per thread: sockets, threads and processes begin in that of the
thread that makes them, and stay there. None has a name; each lives as long as
something holds it, so that nothing outlives a test, however it ends.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import struct
import subprocess
import sys

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
OWN = "/proc/thread-self/ns/net"
LIBC = ctypes.CDLL(None, use_errno=True)


def _checked(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


class Namespace:

    def __init__(self):
        before = os.open(OWN, os.O_RDONLY)
        try:
            _checked(LIBC.unshare(CLONE_NEWNET), "unshare")
            self.fd = os.open(OWN, os.O_RDONLY)
            _checked(LIBC.setns(before, CLONE_NEWNET), "setns")
        finally:
            os.close(before)
        with self.entered():
            run("ip", "link", "set", "lo", "up")

    @contextlib.contextmanager
    def entered(self):
        """This thread is inside, and then back where it was."""
        before = os.open(OWN, os.O_RDONLY)
        try:
            _checked(LIBC.setns(self.fd, CLONE_NEWNET), "setns")
            try:
                yield self
            finally:
                _checked(LIBC.setns(before, CLONE_NEWNET), "setns")
        finally:
            os.close(before)

    def tcp_counter(self, name):
        """A figure of TCP as a whole, such as RetransSegs."""
        with self.entered():
            text = pathlib.Path("/proc/thread-self/net/snmp").read_text()
        names, values = (line.split() for line in text.splitlines()
                         if line.startswith("Tcp:"))
        return int(values[names.index(name)])

    def close(self):
        os.close(self.fd)


def run(*command, input_text=None, pass_fds=()):
    done = subprocess.run(command, input=input_text, capture_output=True,
                          text=True, pass_fds=pass_fds, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


class Site:
    """Where clients are: `hub` is hubd's address as seen from here."""

    def __init__(self, index):
        self.space = Namespace()
        self.hub = f"192.0.2.{4 * index + 1}"
        self.address = f"192.0.2.{4 * index + 2}"
        self.link = f"site{index}"
        self.wire = None

    def entered(self):
        return self.space.entered()

    def unplug(self):
        """The link goes down, without a word to either side."""
        with self.entered():
            run("ip", "link", "set", self.link, "down")

    def filter(self, verdict):
        """What happens to every segment of TCP that comes in from hubd."""
        rules = f"""table inet fault {{
            chain arriving {{
                type filter hook input priority 0
                meta l4proto tcp {verdict}
            }}
        }}
        """
        with self.entered():
            run("nft", "-f", "-", input_text=rules)

    def swallow(self):
        """Packets vanish in both directions; nobody is told."""
        self.filter("drop")
        with self.entered():
            run("nft", "add chain inet fault leaving"
                " { type filter hook output priority 0 ; policy drop ; }")

    def answer_with_resets(self):
        self.filter("reject with tcp reset")

    def close(self):
        if self.wire:
            self.wire.end()
        self.space.close()


class Wire:
    """A link that a process carries: see wire.py. end() returns what befell
    the packets."""

    def __init__(self, ends, **how):
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-m", "harness.wire", *map(str, ends),
             json.dumps(how)],
            cwd=pathlib.Path(__file__).parents[1], pass_fds=ends,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for end in ends:
            os.close(end)
        self.counts = None

    def end(self):
        if self.counts is None:
            output, _ = self.process.communicate()
            self.counts = json.loads(output)
        return self.counts


class Network:
    """hubd's namespace, and sites that are linked to it and to nothing
    else."""

    def __init__(self):
        self.hub = Namespace()
        self.sites = []

    def _new_site(self):
        site = Site(len(self.sites))
        self.sites.append(site)
        return site

    def _address(self, space, own, other, link):
        with space.entered():
            run("ip", "address", "add", own, "peer", other, "dev", link)
            run("ip", "link", "set", link, "up")

    def _configure(self, site):
        self._address(self.hub, site.hub, site.address, site.link)
        self._address(site.space, site.address, site.hub, site.link)
        return site

    def add_site(self):
        site = self._new_site()
        with self.hub.entered():
            run("ip", "link", "add", site.link, "type", "veth", "peer",
                "name", site.link, "netns", f"/proc/self/fd/{site.space.fd}",
                pass_fds=(site.space.fd,))
        return self._configure(site)

    def add_site_by_wire(self, **how):
        """Behind a link that loses, delays and reorders."""
        site = self._new_site()
        ends = [self._tunnel(space, site.link)
                for space in (self.hub, site.space)]
        self._configure(site)
        site.wire = Wire(ends, **how)
        return site

    @staticmethod
    def _tunnel(space, link):
        with space.entered():
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(fd, TUNSETIFF,
                        struct.pack("16sH22x", link.encode(),
                                    IFF_TUN | IFF_NO_PI))
            return fd

    def close(self):
        for site in self.sites:
            site.close()
        self.hub.close()
