"""The machine and the versions that were measured."""

import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess

import servers


def _first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=20, check=False,
                              stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = (done.stdout or done.stderr).strip()
    return text.splitlines()[0] if done.returncode == 0 and text else None


def _proc_value(file, name):
    try:
        text = pathlib.Path(file).read_text("utf-8", "replace")
    except OSError:
        return None
    found = re.search(rf"^{re.escape(name)}\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else None


def _package(name):
    """The version of a Debian package."""
    if not shutil.which("dpkg-query"):
        return None
    return _first_line("dpkg-query", "-W", "-f", "${Version}", name)


def describe():
    memory = _proc_value("/proc/meminfo", "MemTotal")
    system = os.uname()
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "cpu": _proc_value("/proc/cpuinfo", "model name") or "unknown",
        "memory_mb": int(memory.split()[0]) // 1024 if memory else None,
        "system": f"{system.sysname} {system.release} {system.machine}",
        "date": datetime.datetime.now(datetime.timezone.utc)
                .strftime("%Y-%m-%d %H:%M UTC"),
    }


def _ws_version(node):
    try:
        text = (node / "node_modules/ws/package.json").read_text("utf-8")
        return json.loads(text)["version"]
    except (OSError, ValueError, KeyError):
        return None


def versions(paths):
    """Of everything that takes part; None: not there."""
    nginx = _first_line(shutil.which("nginx") or "/usr/sbin/nginx", "-v")
    return {
        "hubd": _first_line(str(paths.hubd), "--version"),
        "hub-bench": _first_line(str(paths.hub_bench), "--version"),
        "go": _first_line("go", "version"),
        "gorilla/websocket":
            _package("golang-github-gorilla-websocket-dev"),
        "node": _first_line("node", "--version"),
        "ws": _ws_version(paths.node),
        "bun": _first_line(str(servers.bun_program(paths.bun)), "--version"),
        "nginx": nginx.rpartition("/")[2] if nginx else None,
        "nchan": _package("libnginx-mod-nchan"),
        "wrk": _package("wrk"),
        "liburing": _first_line("pkg-config", "--modversion", "liburing"),
    }
