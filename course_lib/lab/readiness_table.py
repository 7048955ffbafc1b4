"""What do select and poll say of a socket in each state, and what does the call then say?

    readiness_table("select")
    readiness_table("select", "poll")

Every row makes its state anew, on real sockets and pipes, and asks for everything there is to be asked
for. It waits for nothing: each state is complete when its question is put.

Read call_table.py first: the first states are those of that table.
"""

import errno
import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

from course_lib.clients import pair
from course_lib.lab.call_table import (
    a_reset_has_come,
    bytes_have_come,
    no_room,
    nothing_has_come,
    somebody_has_come,
    the_end_has_come,
    wait_readable,
)

EVENTS = ("IN", "PRI", "OUT", "ERR", "HUP", "NVAL", "RDHUP")
"""The events of poll; those of epoll have the same names, and on Linux the same values."""

Question = tuple[Any, Callable[[], str]]
"""What is watched, and a call on it that says in words what it returned."""


def available(call: str) -> bool:
    """Tell whether this system has the waiting call of that name; say so in a line where it has not."""
    if hasattr(select, call):
        return True
    print(f"skipped: this system has no {call}")  # noqa: T201
    return False


def event_names(mask: int) -> str:
    """Return the names of the events in a mask of poll or epoll, such as ``"IN|HUP"``."""
    names = [name for name in EVENTS if mask & getattr(select, f"POLL{name}", 0)]
    return "|".join(names) or "nothing"


class Row(NamedTuple):
    """A state, what was said of it, and what the call then said."""

    state: str
    said: tuple[str, ...]
    then: str


class ReadinessTable:
    """The table; ``rows`` holds it as data. It holds nothing that varies from run to run."""

    def __init__(self, calls: tuple[str, ...], rows: list[Row]) -> None:
        self.head = ("what has happened", *calls, "the call then returns or raises")
        self.rows = rows

    def __repr__(self) -> str:
        lines = [self.head, *((row.state, *row.said, row.then) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(f"{word:{width}}" for word, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        head = _html_row("th", self.head)
        rows = "".join(
            _html_row("td", (row.state, *map(_code, row.said), _code(row.then))) for row in self.rows
        )
        return {"text/html": f"<table>{head}{rows}</table>", "text/plain": repr(self)}


def _html_row(tag: str, cells: tuple[str, ...]) -> str:
    # JupyterLab aligns the cells of a table to the right, whatever they say; a block inside may differ.
    inner = "".join(f'<{tag}><div align="left">{cell}</div></{tag}>' for cell in cells)
    return f"<tr>{inner}</tr>"


def _code(words: str) -> str:
    return f"<code>{words}</code>"


def readiness_table(*calls: str) -> ReadinessTable:
    """Put every state to each of ``calls``, "select" and "poll"; both by default."""
    asked = tuple(each for each in calls or ASKED if each in ASKED and hasattr(select, each))
    return ReadinessTable(asked, [_row(state, make, asked) for state, make in STATES])


def _row(state: str, make: Callable[[], AbstractContextManager[Question]], asked: tuple[str, ...]) -> Row:
    with make() as (watched, call):
        if isinstance(watched, socket.socket):
            watched.setblocking(False)
        said = tuple(ASKED[each](watched) for each in asked)
        try:
            then = call()
        except OSError as error:
            then = errno.errorcode[error.errno]
        return Row(state, said, then)


def ask_select(watched: Any) -> str:
    sets = select.select([watched], [watched], [watched], 0)
    names = ("readable", "writable", "exceptional")
    return ", ".join(name for name, found in zip(names, sets, strict=True) if found) or "nothing"


def ask_poll(watched: Any) -> str:
    poller = select.poll()
    poller.register(watched, select.POLLIN | select.POLLOUT | select.POLLPRI)
    ready = poller.poll(0)
    return event_names(ready[0][1] if ready else 0)


ASKED: dict[str, Callable[[Any], str]] = {"select": ask_select, "poll": ask_poll}


# --- the states that lesson 03 did not have --------------------------------------------------------


@contextmanager
def bytes_and_the_end() -> Iterator[Question]:
    with pair() as (ours, peer):
        peer.sendall(b"four")
        peer.close()
        wait_readable(ours)
        yield ours, lambda: repr(ours.recv(10))


@contextmanager
def bytes_and_both_ends() -> Iterator[Question]:
    with pair() as (ours, peer):
        peer.sendall(b"four")
        ours.shutdown(socket.SHUT_WR)
        peer.recv(1)
        peer.close()
        wait_for_hang_up(ours)
        yield ours, lambda: repr(ours.recv(10))


@contextmanager
def an_urgent_byte() -> Iterator[Question]:
    with pair() as (ours, peer):
        peer.send(b"!", socket.MSG_OOB)
        select.select([], [], [ours], 5)
        yield ours, lambda: repr(ours.recv(10))


@contextmanager
def connect_was_refused() -> Iterator[Question]:
    with socket.socket() as taken, socket.socket() as ours:
        taken.bind(("127.0.0.1", 0))
        ours.setblocking(False)
        ours.connect_ex(taken.getsockname())
        select.select([], [ours], [], 5)
        yield ours, lambda: errno.errorcode[ours.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)]


@contextmanager
def pipe_with_bytes_and_no_writer() -> Iterator[Question]:
    with pipe() as (reader, writer):
        writer.write(b"four")
        writer.close()
        yield reader, lambda: repr(reader.read(10))


@contextmanager
def empty_pipe_without_writer() -> Iterator[Question]:
    with pipe() as (reader, writer):
        writer.close()
        yield reader, lambda: repr(reader.read(10))


@contextmanager
def pipe_without_reader() -> Iterator[Question]:
    with pipe() as (reader, writer):
        reader.close()
        yield writer, lambda: f"{writer.write(b'four')} bytes"


@contextmanager
def pipe() -> Iterator[tuple[Any, Any]]:
    ends = os.pipe()
    with open(ends[0], "rb", buffering=0) as reader, open(ends[1], "wb", buffering=0) as writer:
        yield reader, writer


def wait_for_hang_up(sock: socket.socket) -> None:
    """Wait until both sides of ``sock`` have ended; 5 s at most."""
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(sock, 0)  # POLLHUP comes unasked
        poller.poll(5000)


STATES: tuple[tuple[str, Callable[[], AbstractContextManager[Question]]], ...] = (
    ("nothing has come", nothing_has_come),
    ("4 bytes have come", bytes_have_come),
    ("the stream has ended", the_end_has_come),
    ("4 bytes, and then the end", bytes_and_the_end),
    ("the connection was broken off", a_reset_has_come),
    ("a client is in the backlog", somebody_has_come),
    ("there is no room to send", no_room),
    ("a connect was refused", connect_was_refused),
    ("an urgent byte has come", an_urgent_byte),
    ("4 bytes, and both sides have ended", bytes_and_both_ends),
    ("a pipe: 4 bytes, and its writer has closed", pipe_with_bytes_and_no_writer),
    ("a pipe: empty, and its writer has closed", empty_pipe_without_writer),
    ("a pipe to write to: its reader has closed", pipe_without_reader),
)
