"""Charges about what "ready" means, and why sockets are non-blocking.

Read selecting.py first. Next: loops.py.
"""

import select
import selectors
import socket
import struct

from course_lib.clients import pair
from course_lib.lab.trial.charge import Charge, Seen

RESCUE = 0.2
"""Seconds after which a call that would wait for ever is ended."""


def why_nonblocking() -> Seen:
    """Two threads would do; two selectors show the same without a race."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        selectors.DefaultSelector() as one,
        selectors.DefaultSelector() as other,
    ):
        for selector in (one, other):
            selector.register(listener, selectors.EVENT_READ)
        no_error = one.select(0.05) == []  # the listener is blocking, and its timeout passes
        with socket.create_connection(listener.getsockname(), 5):
            both = bool(one.select(5)) and bool(other.select(5))
            listener.accept()[0].close()
            found = {blocking: second_accept(listener, blocking) for blocking in (True, False)}
    seen = (
        f"a blocking listener whose timeout passed: {'no error' if no_error else 'an error'}. Ready in both "
        f"selectors, taken by one: there a blocking accept {found[True]}, a non-blocking one {found[False]}"
    )
    return seen, no_error and both and found == {True: "waited", False: "raised BlockingIOError"}


def second_accept(listener: socket.socket, blocking: bool) -> str:
    listener.settimeout(RESCUE if blocking else 0)
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return "raised BlockingIOError"
    except TimeoutError:
        return "waited"
    return "returned"


def readable_is_data() -> Seen:
    found = {}
    with pair() as (peer, sock):
        peer.shutdown(socket.SHUT_WR)
        found["the stream had ended"] = readable_and_says(sock)
    with pair() as (peer, sock):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        found["the connection was broken off"] = readable_and_says(sock)
    seen = "; ".join(f"{what}: readable, and recv {said}" for what, said in found.items())
    return seen, list(found.values()) == ["returned b''", "raised ConnectionResetError"]


def readable_and_says(sock: socket.socket) -> str:
    if not select.select([sock], [], [], 5)[0]:
        return "was not asked: it is not readable"
    try:
        return f"returned {sock.recv(100)!r}"
    except ConnectionError as error:
        return f"raised {type(error).__name__}"


def accept_copies() -> Seen:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname(), 5) as client:
            client.sendall(b"hello")
            conn, _ = listener.accept()
            with conn:
                select.select([conn], [], [], 5)
                waiting = conn.recv(100, socket.MSG_PEEK)  # looks, and takes nothing
                taken = conn.recv(100)
    seen = (
        f"accept returned a connection; after it {len(waiting)} bytes lay in the kernel, and recv took them"
    )
    return seen, waiting == taken == b"hello"


CHARGES = (
    Charge(
        "A listener is made non-blocking, because otherwise there is an error when the timeout passes.",
        "A blocking listener in a selector, whose timeout passes. Then one client, seen by two selectors.",
        why_nonblocking,
        "A wrong reason. Readiness is a hint: who calls and finds nothing must not wait there for ever.",
        "05",
    ),
    Charge(
        "select returns when data has arrived; a connection that is readable has been sent something.",
        "The peer ends its stream; another one breaks the connection off. Nobody has sent a byte.",
        readable_is_data,
        "False. Readable means that a call will not wait: data, the end, an error, or a new client.",
        "04",
    ),
    Charge(
        "The second phase is the copying of data, and accept is one of the calls that do it.",
        "A client sends 5 bytes before it is accepted.",
        accept_copies,
        "Half true. recv copies. accept takes a connection from a queue, and no byte.",
        "03",
    ),
)
