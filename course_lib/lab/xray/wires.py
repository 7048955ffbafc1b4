"""Which connection is behind a descriptor? Its two addresses say it, and they are what its two ends share.

Next: lanes.py.
"""

import _socket
import socket
import weakref
from typing import Any, NamedTuple

# A profile hook is told of every C function that is called, at a price, but not of a `__call__` of one.
local_name = _socket.socket.getsockname.__call__
peer_name = _socket.socket.getpeername.__call__


class Wire(NamedTuple):
    """A connection as one of its ends sees it."""

    local: Any
    peer: Any

    @property
    def other_end(self) -> "Wire":
        return Wire(self.peer, self.local)


wires: dict[int, tuple[Any, Wire | None]] = {}
"""What was found, by descriptor, with a weak reference to its socket: soon the number may be another's."""


def find_wire(sock: socket.socket, fd: int) -> Wire | None:
    """Return the connection of ``sock``; None when it has none yet, or one without addresses."""
    try:
        local, peer = local_name(sock), peer_name(sock)
    except (OSError, TypeError):  # it listens, is not connected yet, or is closed
        return None
    wire = Wire(local, peer) if local and peer else None  # those of a socketpair have no addresses
    wires[fd] = (weakref.ref(sock), wire)
    return wire
