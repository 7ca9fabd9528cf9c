"""The memory of a process, searched for what must not be there.

A core dump contains what is readable, unless the kernel was told to leave it
out (MADV_DONTDUMP, which /proc/PID/smaps shows as dd). A secret is searched
for in pieces, so that one that was copied in part, moved, or half overwritten
is found too.
"""

import pathlib
import re
import struct

PIECE = 8  # any 15 bytes in a row hold a whole one
CHUNK = 1 << 16
UNTOUCHED = bytes(CHUNK)  # most of what a process has mapped
LOADED = 1  # PT_LOAD

HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)")


class Mapping:

    def __init__(self, start, end, permissions, name):
        self.start, self.end = start, end
        self.readable = permissions[0] == "r"
        self.name = name or "anonymous"
        self.flags = set()

    @property
    def dumped(self):
        return "dd" not in self.flags

    def __repr__(self):
        return (f"{self.start:x}-{self.end:x} {self.name} "
                f"[{' '.join(sorted(self.flags))}]")


def mappings(pid):
    found = []
    text = pathlib.Path(f"/proc/{pid}/smaps").read_text("latin-1")
    for line in text.splitlines():
        head = HEAD.fullmatch(line)
        if head:
            found.append(Mapping(int(head[1], 16), int(head[2], 16), head[3],
                                 head[4]))
        elif line.startswith("VmFlags:"):
            found[-1].flags = set(line.split()[1:])
    return found


def pieces(secret):
    secret = secret.encode()
    return [secret[at:at + PIECE]
            for at in range(0, len(secret) - PIECE + 1, PIECE)]


def read(memory, mapping):
    """Chunks that overlap by what a piece may stick out."""
    at = mapping.start
    while at < mapping.end:
        memory.seek(at)
        try:
            yield memory.read(min(CHUNK, mapping.end - at))
        except OSError:  # of the kernel's own, or gone meanwhile
            return
        at += CHUNK
        if at < mapping.end:
            at -= PIECE - 1


def of_core(core):
    """The memory in an ELF core dump of 64 bits; registers are elsewhere."""
    start, = struct.unpack_from("<Q", core, 32)
    size, count = struct.unpack_from("<HH", core, 54)
    found = []
    for at in range(start, start + size * count, size):
        kind, = struct.unpack_from("<I", core, at)
        offset, = struct.unpack_from("<Q", core, at + 8)
        length, = struct.unpack_from("<Q", core, at + 32)
        if kind == LOADED:
            found.append(core[offset:offset + length])
    return b"".join(found)


def search(pid, secret):
    """The mappings that hold pieces of the secret, with how many there are."""
    wanted = pieces(secret)
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for mapping in mappings(pid):
            if not mapping.readable:
                continue
            count = sum(chunk.count(piece) for chunk in read(memory, mapping)
                        if chunk != UNTOUCHED for piece in wanted)
            if count:
                found.append((mapping, count))
    return found
