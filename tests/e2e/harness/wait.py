"""Conditions with deadlines; nothing in this suite sleeps and hopes.

Sanitizers make hubd several times slower, so every deadline is stretched by
slowness(): detected from the binary, or set by HUB_E2E_SLOW (a factor).
"""

import functools
import os
import pathlib
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
HUBD = os.environ.get("HUBD") or str(ROOT / "build/dev/hubd/hubd")
SLOWNESS = {None: 1.0, "address": 3.0, "thread": 6.0}


@functools.lru_cache(maxsize=None)
def sanitizer():
    """'address', 'thread' or None: what hubd was built with. None as well
    where no hubd was built: the benchmark's clients talk to others, too."""
    try:
        binary = pathlib.Path(HUBD).read_bytes()
    except FileNotFoundError:
        return None
    for name, symbol in (("thread", b"__tsan_init"),
                         ("address", b"__asan_init")):
        if symbol in binary:
            return name
    return None


@functools.lru_cache(maxsize=None)
def slowness():
    told = os.environ.get("HUB_E2E_SLOW")
    return float(told) if told else SLOWNESS[sanitizer()]


def scaled(seconds):
    """A deadline for this build of hubd, in seconds."""
    return seconds * slowness()


def ms(seconds):
    """As hubd's settings want it."""
    return f"{round(seconds * 1000)}ms"


def until(condition, what, seconds=5.0):
    """Polls until condition() is true and returns what it returned."""
    deadline = time.monotonic() + scaled(seconds)
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {scaled(seconds):g} s: {what}")
        time.sleep(0.01)
