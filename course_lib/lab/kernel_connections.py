"""The kernel's own table of connections: Linux writes it into /proc/net/tcp.

It knows of connections that no program has accepted yet, and of the bytes that lie in them; no descriptor is
needed for that. Elsewhere there is no such table.

Read kernel_counts.py first.
"""

from pathlib import Path
from typing import NamedTuple

TABLE = Path("/proc/net/tcp")


class Entry(NamedTuple):
    """The server's end of one connection."""

    accepted: bool
    """False while it waits in the queue of the listener: then no program holds it (it has no inode)."""

    unread: int
    """Bytes that have arrived and have not been taken by recv."""

    unsent: int
    """Bytes that send has handed over, and that the client's kernel has not acknowledged."""


def connections_of(port: int) -> dict[int, Entry] | None:
    """Return the connections to this port of a server (IPv4), by the port of the client.

    None where the system does not tell.
    """
    try:
        lines = TABLE.read_text().splitlines()[1:]
    except OSError:
        return None
    mine = f":{port:04X}"
    found = {}
    for line in lines:
        if mine not in line:  # there may be thousands of others
            continue
        _, local, remote, state, queues, _, _, _, _, inode, *_ = line.split()
        if local.endswith(mine) and state != LISTENS:
            unsent, unread = (int(each, 16) for each in queues.split(":"))
            found[int(remote.partition(":")[2], 16)] = Entry(inode != "0", unread, unsent)
    return found


LISTENS = "0A"
"""The state of a listener (enum in linux/tcp_states.h)."""
