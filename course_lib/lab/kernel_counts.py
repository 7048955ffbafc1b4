"""What the kernel knows of a socket: plain questions, each answered by a number, or by None.

None stands for "this system does not tell". On Linux all of them are answered; the rest of the
course relies on none of them.

Read ../clients.py first. Next: kernel_threads.py.
"""

import array
import socket
import struct
from typing import Protocol

try:
    import fcntl
    import termios
except ImportError:  # Windows
    fcntl = termios = None  # type: ignore[assignment]


class HasFileno(Protocol):
    """A socket, or whatever else has a descriptor."""

    def fileno(self) -> int: ...


def unread(sock: HasFileno) -> int | None:
    """Return how many bytes have arrived and wait for ``recv`` (FIONREAD, see man 7 tcp)."""
    return _ask(sock, "FIONREAD")


def unacknowledged(sock: HasFileno) -> int | None:
    """Return how many bytes ``send`` has taken that the other side's kernel does not have yet (TIOCOUTQ).

    Exact for TCP. For a pair of Unix sockets it is the memory that the bytes take, which is more.
    """
    return _ask(sock, "TIOCOUTQ")


def _ask(sock: HasFileno, question: str) -> int | None:
    number = getattr(termios, question, None)
    if number is None or sock.fileno() < 0:
        return None
    answer = array.array("i", [0])
    try:
        fcntl.ioctl(sock.fileno(), number, answer)
    except OSError:  # a socket that listens, or a system without this question
        return None
    return answer[0]


def is_listening(sock: HasFileno) -> bool:
    """Tell whether ``sock`` waits for clients; False where the system does not tell."""
    try:
        return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return False


def unaccepted(listener: HasFileno) -> int | None:
    """Return how many clients are connected and wait for ``accept``."""
    try:
        # struct tcp_info of linux/tcp.h: eight single bytes, four numbers, then tcpi_unacked, which
        # for a socket that listens is the length of its queue.
        info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)  # type: ignore[attr-defined]
        return int(struct.unpack_from("I", info, 24)[0])
    except (AttributeError, OSError, struct.error):
        return None
