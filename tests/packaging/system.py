"""A fresh Debian in a directory, made with this machine's apt sources, with
nothing in it but what apt itself needs.

It requires root, and a separate mount namespace: what is mounted here goes
away with the namespace (./dev package-test).
"""

import atexit
import os
import pathlib
import re
import signal
import subprocess
import tempfile

# What no package has to clean up: other file systems, and what apt, dpkg and
# systemd keep about themselves.
OTHERS = re.compile(
    r"/(proc|sys|dev|run|tmp|debs|var/(cache|log|tmp|backups)"
    r"|var/lib/(apt|dpkg|systemd|private))(/|\Z)"
    r"|/etc/((passwd|group|g?shadow|subuid|subgid)-?|ld\.so\.cache"
    r"|\.pwd\.lock|machine-id|\.updated)\Z|/var/\.updated\Z|/root/")
ACCOUNTS = ("passwd", "group", "shadow", "gshadow")
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
               "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}


def run(*command, **how):
    """Output of a command that must succeed."""
    done = subprocess.run(command, text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300, **how)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n"
                             + done.stdout)
    return done.stdout


def own_scratch():
    """A directory in memory, which nobody else sees and nobody has to empty:
    control groups will be mounted in it."""
    if os.getpid() != 1:
        raise AssertionError("not in namespaces of its own: ./dev package-test")
    # The first process of a namespace gets no signal that it does not handle.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    path = tempfile.mkdtemp(prefix="hub-packages-")
    atexit.register(os.rmdir, path)
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path)
    atexit.register(run, "umount", "-R", "-l", path)
    return path


def release():
    text = pathlib.Path("/etc/os-release").read_text(encoding="utf-8")
    return re.search(r'^VERSION_CODENAME="?(\w+)', text, re.MULTILINE)[1]


def sources():
    """The lines of sources.list(5) for Debian's own archives."""
    lines = run("apt-get", "indextargets", "--format",
                "deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
                "Created-By: Packages", "Origin: Debian").splitlines()
    return sorted({line for line in lines if release() in line})


def apt_options():
    """How apt reaches those archives from here."""
    return [line for line in run("apt-config", "dump", "Acquire").splitlines()
            if re.match(r"Acquire::(Check-|http|ForceIPv|Retries)", line)]


class System:

    def __init__(self, scratch):
        self.root = pathlib.Path(scratch) / "root"

    def make(self):
        lines = sources()
        if not lines:
            run("apt-get", "update")
            lines = sources()
        assert lines, "apt knows no archive of Debian here"
        options = [f"--aptopt={line}" for line in apt_options()]
        run("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
            "--format=directory", "--skip=cleanup/apt", *options, release(),
            str(self.root), *lines, env={**os.environ, "LC_ALL": "C.UTF-8"})
        run("mount", "-t", "proc", "proc", str(self.root / "proc"))
        (self.root / "debs").mkdir()

    def path(self, name):
        return self.root / name.lstrip("/")

    def run(self, *command):
        """Inside."""
        return run("chroot", str(self.root), *command, env=ENVIRONMENT)

    def apt_get(self, *arguments):
        return self.run("apt-get", "-y", "-qq", "--no-install-recommends",
                        *arguments)

    def files(self):
        """Those that some package is responsible for."""
        found = set()
        for directory, names, files in os.walk(self.root):
            inside = "/" + os.path.relpath(directory, self.root)
            inside = "" if inside == "/." else inside
            names[:] = [n for n in names if not OTHERS.search(f"{inside}/{n}")]
            found.update(f"{inside}/{n}" for n in names + files
                         if not OTHERS.search(f"{inside}/{n}"))
        return found

    def accounts(self):
        return {name: self.path(f"/etc/{name}").read_text(encoding="utf-8")
                for name in ACCOUNTS}
