"""Stops single threads of a process, as a debugger does: SIGSTOP would stop
them all."""

import ctypes
import os
import pathlib
import platform

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000
EPOLL_WAITS = {"x86_64": {"232", "281", "441"}, "aarch64": {"22", "441"}}

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                        ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, thread):
    if libc.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")


def waiting_loops(pid):
    """Threads that wait in epoll_wait(): event loops that are idle."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        call = (task / "syscall").read_text().split()
        if call[0] in EPOLL_WAITS[platform.machine()]:
            found.append(int(task.name))
    return found


class Stopped:
    """A thread that stands still inside `with`, by the thread that enters."""

    def __init__(self, thread):
        self.thread = thread

    def __enter__(self):
        ptrace(SEIZE, self.thread)
        ptrace(INTERRUPT, self.thread)
        os.waitpid(self.thread, WALL)
        return self

    def __exit__(self, *_):
        ptrace(DETACH, self.thread)
