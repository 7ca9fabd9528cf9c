"""What the kernel holds for hubd's connections, read from /proc/net/tcp: the
only way to see from outside whether hubd has read what was sent to it."""

import pathlib


def queues(port):
    """For each connection to `port`, by the port of the peer: the bytes that
    the peer has not taken, and those that hubd has not read."""
    found = {}
    text = pathlib.Path("/proc/net/tcp").read_text("latin-1")
    for line in text.splitlines()[1:]:
        _, local, remote, state, waiting = line.split()[:5]
        if state == "01" and int(local.split(":")[1], 16) == port:
            sent, received = (int(n, 16) for n in waiting.split(":"))
            found[int(remote.split(":")[1], 16)] = (sent, received)
    return found


def unread_by_hub(port, conn):
    """Bytes of this socket's that hubd has not read."""
    return queues(port)[conn.getsockname()[1]][1]
