"""Makes a system call fail with EPERM, as in containers: to be called in the
child between fork and exec."""

import ctypes
import errno
import struct

IO_URING_SETUP = 425  # on every architecture

PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
MODE_FILTER = 2
LOAD_WORD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def deny(number):
    """A function that makes this system call fail from then on."""
    program = b"".join(struct.pack("=HBBI", *line) for line in (
        (LOAD_WORD, 0, 0, 0),  # seccomp_data.nr
        (JUMP_EQUAL, 0, 1, number),
        (RETURN, 0, 0, ERRNO | errno.EPERM),
        (RETURN, 0, 0, ALLOW)))
    lines = ctypes.create_string_buffer(program, len(program))
    filter_ = struct.pack("@HP", len(program) // 8, ctypes.addressof(lines))
    libc = ctypes.CDLL(None, use_errno=True)

    def apply(keep=lines):
        zero = ctypes.c_ulong(0)
        if libc.prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero,
                      zero) != 0:
            raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")
        if libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(MODE_FILTER),
                      ctypes.c_char_p(filter_), zero, zero) != 0:
            raise OSError(ctypes.get_errno(), "PR_SET_SECCOMP")
        return keep

    return apply
