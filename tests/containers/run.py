"""Builds and runs the images on a separate Docker Engine (engine.py).

    run.py                     build the images, then test them
    run.py devcontainer [ctest argument]...   ./dev test in the dev container

Everything is put below build/containers. Images are built in the machine's
network, where the engine changes nothing; containers run in one of their own.
Every engine is inside namespaces that end with it.
"""

import fcntl
import json
import pathlib
import shutil
import subprocess
import sys
import time

import base
from engine import PATH, Engine

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "build" / "containers"
BUILD = ("build", "--network", "host", "--progress", "plain")


def say(text):
    print(f"containers: {text}", file=sys.stderr, flush=True)


def inside(flags, *command):
    """Runs a command in namespaces of its own; whatever it leaves ends, and it
    ends with us."""
    return subprocess.call(
        ["setpriv", "--pdeathsig", "KILL", "unshare", *flags, "--fork",
         "--kill-child", "--mount-proc", *map(str, command)])


def build(engine, tag, *arguments):
    started = time.monotonic()
    engine.docker(*BUILD, "-t", tag, *arguments)
    say(f"{tag} is built, {time.monotonic() - started:.0f} s")


def build_images():
    with Engine(WORK / "engine", bridge=False) as engine:
        base.load(engine, WORK)
        build(engine, "hubd", "-f", ROOT / "packaging/docker/Dockerfile", ROOT)
        # What nginx:stable is to compose.yaml.
        build(engine, "hub-test-nginx", HERE / "nginx")


def run_devcontainer(arguments):
    """As an editor does with devcontainer.json, but in this network."""
    place = ROOT / ".devcontainer"
    file = json.loads((place / "devcontainer.json").read_text())
    tree = WORK / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", ROOT, tree], check=True)
    for lock in list(tree.rglob("package-lock.json")):
        packages = lock.with_name("node_modules")
        here = ROOT / packages.relative_to(tree)
        if here.is_dir():  # or else npm gets them
            shutil.copytree(here, packages, symlinks=True)
            (packages / ".package-lock.json").touch()  # newer than the lock
    subprocess.run(["chown", "-R", "1000:1000", tree], check=True)
    with Engine(WORK / "engine", bridge=False) as engine:
        base.load(engine, WORK)
        build(engine, "hub-devcontainer", "-f",
              place / file["build"]["dockerfile"], place)
        return subprocess.call(
            ["docker", "run", "--rm", "--network", "host", *file["runArgs"],
             "--volume", f"{tree}:/workspaces/hub", "--workdir",
             "/workspaces/hub", "--user", file["remoteUser"],
             "hub-devcontainer", "sh", "-c",
             file["onCreateCommand"] + ' && exec ./dev test "$@"', "sh",
             *arguments], env=engine.environment)


def main(arguments):
    if arguments[:1] == ["--images"]:
        return build_images()
    if arguments[:1] == ["--devcontainer"]:
        return run_devcontainer(arguments[1:])
    WORK.mkdir(parents=True, exist_ok=True)
    with open(WORK / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("containers: another run is at it")
        return run(arguments)


def run(arguments):
    base.make(WORK, say)
    me = (sys.executable, "-B", __file__)
    if arguments[:1] == ["devcontainer"]:
        return inside(["--mount", "--pid"], *me, "--devcontainer",
                      *arguments[1:])
    if arguments:
        sys.exit(__doc__)
    status = inside(["--mount", "--pid"], *me, "--images")
    if status == 0:
        status = inside(
            ["--mount", "--pid", "--net"], "env", f"PATH={PATH}",
            f"HUB_CONTAINERS={WORK}",
            f"PYTHONPATH={ROOT}/tests/e2e:{ROOT}/tests/proxies",
            "sh", "-c", 'ip link set lo up && exec "$@"', "sh",
            sys.executable, "-B", "-m", "unittest", "discover", "-v", "-s",
            HERE)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
