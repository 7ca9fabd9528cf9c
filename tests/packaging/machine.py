"""systemd as process 1 of a system in a directory: with its own processes,
mounts, network and control groups, like a container.
"""

import atexit
import os
import pathlib
import re
import shlex
import subprocess
import time

from system import ENVIRONMENT, run

# Becomes process 1 of the namespaces it is started in.
INSIDE = """
set -e
root=$1
mount --bind "$root" "$root"
cd "$root"
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755,nosuid tmpfs run
mount -t tmpfs -o mode=755,nosuid tmpfs dev
for node in null zero full random urandom tty; do
    touch "dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/shm dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mkdir -p run/before
pivot_root . run/before
umount -l /run/before
exec env -i container=hub PATH=/usr/sbin:/usr/bin /lib/systemd/systemd
"""
NAMESPACES = ("--pid", "--mount", "--uts", "--ipc", "--net", "--cgroup")


class CannotBoot(Exception):
    """This machine does not allow for it."""


class Machine:

    def __init__(self, system, scratch):
        self.root = system.root
        self.log = open(os.path.join(scratch, "console"), "w+b")
        groups = pathlib.Path(scratch) / "cgroup"
        groups.mkdir()
        self.group = groups / os.path.basename(scratch)
        try:
            run("mount", "-t", "cgroup2", "cgroup2", str(groups))
            self.group.mkdir()
        except (AssertionError, OSError) as error:
            raise CannotBoot(str(error)) from None

    def start(self):
        enter = (f"echo $$ >{shlex.quote(str(self.group / 'cgroup.procs'))} &&"
                 f" exec unshare {' '.join(NAMESPACES)} --fork --kill-child"
                 ' sh -c "$1" sh "$2"')
        self.process = subprocess.Popen(
            ["sh", "-c", enter, "sh", INSIDE, str(self.root)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        atexit.register(self.stop)
        end = time.monotonic() + 60
        while not self._is_running():
            if self.process.poll() is not None or time.monotonic() > end:
                self.log.seek(0)
                text = self.log.read().decode(errors="replace")
                raise CannotBoot(text)
            time.sleep(0.1)

    def _is_running(self):
        task = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        try:
            children = pathlib.Path(task).read_text().split()
            if not children:
                return False
            self.pid = int(children[0])
            if pathlib.Path(f"/proc/{self.pid}/comm").read_text() != (
                    "systemd\n"):
                return False
        except FileNotFoundError:
            return False
        done = self.call("systemctl", "is-system-running")
        return done.stdout.strip() in ("running", "degraded")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        for _ in range(100):  # until the last of its processes is gone
            try:
                for path, names, _ in os.walk(self.group, topdown=False):
                    for name in names:
                        os.rmdir(os.path.join(path, name))
                os.rmdir(self.group)
                return
            except OSError:
                time.sleep(0.05)

    def call(self, *command):
        """Inside; whatever comes of it."""
        return subprocess.run(
            ["nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p",
             "-C", "-r", "-w", *command],
            env=ENVIRONMENT, text=True, check=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)

    def run(self, *command):
        done = self.call(*command)
        if done.returncode != 0:
            raise AssertionError(f"{command} ended with {done.returncode}:\n"
                                 f"{done.stdout}\n{self.journal()}")
        return done.stdout

    def host(self, *command):
        """A program of this machine in that one's network."""
        return ["nsenter", "-t", str(self.pid), "-n", *command]

    def apt_get(self, *arguments):
        """There is no network but what it has itself."""
        return self.run("apt-get", "-y", "-qq", "--no-install-recommends",
                        *arguments)

    def journal(self, *which):
        """Lines of hubd, and of systemd about it."""
        return self.call("journalctl", "-u", "hubd", "--no-pager", "-o", "cat",
                         *which).stdout

    def show(self, *names):
        """Properties of the unit."""
        text = self.run("systemctl", "show", "hubd",
                        *(f"--property={name}" for name in names))
        return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))

    def until(self, wanted, seconds=10):
        """Waits for properties to have these values."""
        end = time.monotonic() + seconds
        while True:
            shown = self.show(*wanted)
            if shown == wanted:
                return
            if time.monotonic() > end:
                raise AssertionError(f"{shown}, not {wanted}\n"
                                     + self.journal())
            time.sleep(0.05)
