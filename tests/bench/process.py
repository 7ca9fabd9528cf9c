"""Child processes that do not outlive this process: each leads a process group
of its own, so that Ctrl-C in the terminal reaches only the driver, which then
ends its children by their ids; and the kernel ends them if the driver is
killed.
"""

import ctypes
import itertools
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
CPUCLOCK_SCHED = 2  # in a clock's id: of a process, as the scheduler counts
LIBC = ctypes.CDLL(None, use_errno=True)
# Below the range from which the kernel takes the ports of outgoing connections.
PORTS = range(20000, 30000)


class RunError(Exception):
    """A run that yielded nothing; says why in one line."""


def raise_descriptors():
    """For children to inherit: root may go beyond its own hard limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (max(hard, 65536), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return limit
        except (OSError, ValueError):
            continue
    return hard


def _end_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def spawn(command, **options):
    """Starts a child in a process group of its own."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL,
                            start_new_session=True,
                            preexec_fn=_end_with_parent, **options)


def _signal_group(pid, number):
    """Whether there was anybody left to get the signal."""
    try:
        os.killpg(pid, number)
        return True
    except ProcessLookupError:
        return False


def end(child, seconds=10.0):
    """Asks a child to end, and makes it; its own children too."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
    deadline = time.monotonic() + 2.0
    while _signal_group(child.pid, 0) and time.monotonic() < deadline:
        if child.poll() is None:
            break
        time.sleep(0.01)
    _signal_group(child.pid, signal.SIGKILL)
    child.wait()


def output_of(command, seconds, environment=None):
    """What a child writes to standard output, and the lines of its standard
    error. It is ended when it takes too long, and when this process is told to
    end."""
    try:
        child = spawn(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})})
    except OSError as error:
        raise RunError(str(error)) from None
    with child:
        try:
            out, err = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise RunError(f"not done after {seconds:.0f} s") from None
        finally:
            end(child, 2.0)
    lines = err.decode("utf-8", "replace").strip().splitlines()
    if child.returncode != 0:
        raise RunError(lines[-1][:200] if lines
                       else f"ended with {child.returncode}")
    return out, lines


def parse_json(text):
    try:
        return json.loads(text)
    except ValueError:
        raise RunError("its output is not JSON") from None


def session_pids(leader):
    """A child that spawn() started, and all that came of it."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text("utf-8", "replace")
        except OSError:
            continue
        # Behind the name, which is in brackets: state, parent, group, session.
        if int(stat.rpartition(")")[2].split()[3]) == leader:
            found.append(int(folder.name))
    return sorted(found)


def cpu_ns(pids):
    """CPU time of processes, ended threads included. Raises OSError if one of
    them has ended."""
    return sum(time.clock_gettime_ns(~pid << 3 | CPUCLOCK_SCHED)
               for pid in pids)


class Ports:
    """A port for each server that is started, none of them twice in a row."""

    def __init__(self):
        first = PORTS.start + os.getpid() % len(PORTS)
        self._next = itertools.count(first - PORTS.start)

    def take(self):
        for offset in itertools.islice(self._next, len(PORTS)):
            port = PORTS[offset % len(PORTS)]
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue
        raise OSError("no free port")
