"""What does each call say in each state of a socket? Asked of the kernel, row by row.

    call_table()

Every row makes its state anew on real sockets, calls once on a non-blocking socket and once on a
blocking one, and notes what came of it. A blocking socket that would wait is rescued by the kernel's
own time-out (SO_RCVTIMEO and SO_SNDTIMEO, see man 7 socket): the table then says "waits".

Read ../clients.py first.
"""

import errno
import html
import select
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from course_lib.clients import pair
from course_lib.lab.filling import fill

RESCUE = 0.02
"""Seconds after which the kernel ends a blocking call."""

QUIET = 0.05
"""Seconds after which a socket that is still full stays full."""

ROOM = 16 * 1024
"""Bytes of room that a sender asks the kernel for: little, so that it is soon full."""

MUCH = bytes(8 * 1024 * 1024)
"""More than there is room for."""

WAITS = "waits"

Question = tuple[socket.socket, Callable[[], str]]
"""A socket in a certain state, and a call on it that says in words what it returned."""


class Row(NamedTuple):
    """A call in a state, and what came of it."""

    call: str
    state: str
    nonblocking: str
    blocking: str


HEAD = Row("call", "state", "a non-blocking socket", "a blocking socket")


class CallTable:
    """The table; ``rows`` holds it as data. It holds nothing that varies from run to run."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def __repr__(self) -> str:
        widths = [max(len(row[column]) for row in (HEAD, *self.rows)) for column in range(len(HEAD))]
        return "\n".join(
            "  ".join(f"{word:{width}}" for word, width in zip(row, widths, strict=True)).rstrip()
            for row in (HEAD, *self.rows)
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        head = _html_row("th", HEAD)
        rows = "".join(
            _html_row("td", (f"<code>{row.call}</code>", row.state, *map(_answer, row[2:])))
            for row in self.rows
        )
        return {"text/html": f"<table>{head}{rows}</table>", "text/plain": repr(self)}


def _html_row(tag: str, cells: tuple[str, ...]) -> str:
    # JupyterLab aligns the cells of a table to the right, whatever they say; a block inside may differ.
    inner = "".join(f'<{tag}><div align="left">{cell}</div></{tag}>' for cell in cells)
    return f"<tr>{inner}</tr>"


def _answer(words: str) -> str:
    words = html.escape(words)
    return f"<b>{words}</b>" if words.startswith(("E", WAITS)) else words


def call_table() -> CallTable:
    """Ask each call in each state, of both kinds of sockets, and return the answers."""
    return CallTable(
        [Row(call, state, _asked(make, False), _asked(make, True)) for call, state, make in STATES]
    )


def _asked(make: Callable[[], AbstractContextManager[Question]], blocking: bool) -> str:
    with make() as (sock, call):
        sock.setblocking(blocking)
        if blocking:
            _rescue(sock)
        try:
            said = call()
        except (BlockingIOError, TimeoutError) as error:
            return WAITS if blocking else errno.errorcode[error.errno]
        except OSError as error:
            return errno.errorcode[error.errno]
        # A blocking send returns before all has gone only because it was rescued.
        return WAITS if blocking and said == PART else said


def _rescue(sock: socket.socket) -> None:
    if sys.platform == "win32":
        value: int | bytes = int(RESCUE * 1000)
    else:
        value = struct.pack("ll", 0, int(RESCUE * 1_000_000))  # struct timeval
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, option, value)


# --- the states, each with its call --------------------------------------------------------------


@contextmanager
def nobody_has_come() -> Iterator[Question]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, lambda: accepted(listener)


@contextmanager
def somebody_has_come() -> Iterator[Question]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname(), 5):
            wait_readable(listener)
            yield listener, lambda: accepted(listener)


@contextmanager
def nothing_has_come() -> Iterator[Question]:
    with pair() as (ours, _):
        yield ours, lambda: repr(ours.recv(10))


@contextmanager
def bytes_have_come() -> Iterator[Question]:
    with pair() as (ours, peer):
        peer.sendall(b"four")
        wait_readable(ours)
        yield ours, lambda: repr(ours.recv(10))


@contextmanager
def the_end_has_come() -> Iterator[Question]:
    with pair() as (ours, peer):
        peer.close()
        wait_readable(ours)
        yield ours, lambda: repr(ours.recv(10))


@contextmanager
def a_reset_has_come() -> Iterator[Question]:
    with pair() as (ours, peer):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        wait_readable(ours)
        yield ours, lambda: repr(ours.recv(10))


@contextmanager
def room_for_all() -> Iterator[Question]:
    with pair() as (ours, _):
        yield ours, lambda: sent(ours.send(b"four"), 4)


@contextmanager
def room_for_a_part() -> Iterator[Question]:
    with pair() as (ours, _):
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        yield ours, lambda: sent(ours.send(MUCH), len(MUCH))


@contextmanager
def no_room() -> Iterator[Question]:
    with pair() as (ours, _):
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        # The other side's kernel takes bytes, too, and may make room for some more a moment later.
        while fill(ours, len(MUCH)) or select.select([], [ours], [], QUIET)[1]:
            pass
        yield ours, lambda: sent(ours.send(b"four"), 4)


@contextmanager
def room_for_a_part_of_all() -> Iterator[Question]:
    with room_for_a_part() as (ours, _):
        yield ours, lambda: sent(ours.sendall(MUCH) or len(MUCH), len(MUCH))


@contextmanager
def somebody_listens() -> Iterator[Question]:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as ours:
        yield ours, lambda: ours.connect(listener.getsockname()) or "connected"


@contextmanager
def nobody_listens() -> Iterator[Question]:
    with socket.socket() as taken, socket.socket() as ours:
        taken.bind(("127.0.0.1", 0))
        yield ours, lambda: ours.connect(taken.getsockname()) or "connected"


STATES: tuple[tuple[str, str, Callable[[], AbstractContextManager[Question]]], ...] = (
    ("accept()", "nobody has connected", nobody_has_come),
    ("accept()", "a client is in the backlog", somebody_has_come),
    ("recv(10)", "nothing has come", nothing_has_come),
    ("recv(10)", "4 bytes have come", bytes_have_come),
    ("recv(10)", "the stream has ended", the_end_has_come),
    ("recv(10)", "the connection was broken off", a_reset_has_come),
    ("send(4 bytes)", "there is room", room_for_all),
    ("send(8 MiB)", "there is room for a part", room_for_a_part),
    ("send(4 bytes)", "there is no room", no_room),
    ("sendall(8 MiB)", "there is room for a part", room_for_a_part_of_all),
    ("connect(...)", "a server listens", somebody_listens),
    ("connect(...)", "nobody listens", nobody_listens),
)

ALL, PART = "takes all of it", "takes a part of it"


def accepted(listener: socket.socket) -> str:
    listener.accept()[0].close()
    return "a new socket"


def sent(count: int, size: int) -> str:
    return ALL if count == size else PART


def wait_readable(sock: socket.socket) -> None:
    """Wait until what was sent to ``sock`` is there; 5 s at most."""
    select.select([sock], [], [], 5)
