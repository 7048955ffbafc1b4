"""A socket that listens, and what accept says when there is no room.

Read conversation.py first. Next: servers/base.py.
"""

import errno
import socket
import sys

NO_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""accept fails with one of these when the process, or the system, has no room for one more socket."""


def listen(address: tuple[str, int], backlog: int) -> socket.socket:
    """Return a blocking TCP socket that listens on ``address``. Raises OSError."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there this option would let two servers share the port
            # After a server has closed a connection its port rests for a minute (TIME_WAIT).
            # This option lets the next server have it; two live listeners still collide.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(backlog)
    except BaseException:
        listener.close()
        raise
    return listener
