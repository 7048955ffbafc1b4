"""What is a selector watching right now? Its ``get_map()``, in words.

    listening socket  READ        accept
    connection        READ|WRITE  Outbox

A server that was started with ``serve`` may be given instead: then it is asked for the selector in which its
thread sleeps. Numbers of descriptors are left out, since they differ from run to run.

Read where.py first.
"""

import asyncio
import functools
import os
import selectors
import socket
from collections.abc import Collection, Iterator
from html import escape
from typing import Any, NamedTuple

from course_lib.lab.handle import Background
from course_lib.lab.stacks import frame_of, outwards
from course_lib.lab.where import where

# JupyterLab aligns the cells of a table to the right, whatever they say; a block inside may differ.
LEFT = '<div align="left">'

HEADINGS = ("watched", "for", "data")


class Row(NamedTuple):
    """One registration, in words."""

    watched: str
    events: str
    data: str


class Registered:
    """The registrations of one moment, in the order in which they were made."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def __repr__(self) -> str:
        lines = [Row(*HEADINGS), *self.rows]
        widths = [max(len(row[column]) for row in lines) for column in (0, 1)]
        return "\n".join(f"{a:{widths[0]}}  {b:{widths[1]}}  {c}" for a, b, c in lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        head = "".join(f"<th>{LEFT}{name}</div></th>" for name in HEADINGS)
        body = "".join(
            "<tr>" + "".join(f"<td>{LEFT}{escape(text)}</div></td>" for text in row) + "</tr>"
            for row in self.rows
        )
        return {
            "text/html": f"{LEFT}<table><tr>{head}</tr>{body}</table></div>",
            "text/plain": repr(self),
        }


def registered(source: selectors.BaseSelector | Background, without: Collection[int] = ()) -> Registered:
    """Return what ``source``, a selector or a server that sleeps in one, is watching now.

    ``without`` holds numbers of descriptors that are left out. Raises ValueError for a server that sleeps in
    no selector.
    """
    selector = selector_of(source) if isinstance(source, Background) else source
    mapping = selector.get_map()
    keys = [] if mapping is None else list(mapping.values())  # None: it is closed
    return Registered(
        [
            Row(kind_of(key.fileobj), events_of(key.events), name_of(key.data))
            for key in keys
            if key.fd not in without
        ]
    )


def selector_of(server: Background) -> selectors.BaseSelector:
    """Return the selector in which the server's thread sleeps."""
    where(server)  # waits until it has come to rest
    for frame in outwards(frame_of(server._thread)):
        found = frame.f_locals.get("self")
        if isinstance(found, selectors.BaseSelector):
            return found
    raise ValueError(f"{server.name} does not sleep in a selector")


def kind_of(watched: Any) -> str:
    """Say what is watched; of an object that is no socket and has ``fileno()``, the class."""
    if not isinstance(watched, (int, socket.socket)):
        return type(watched).__name__
    try:
        number = os.dup(watched if isinstance(watched, int) else watched.fileno())
    except OSError:
        return "closed descriptor"
    try:
        sock = socket.socket(fileno=number)
    except OSError:
        os.close(number)
        return "descriptor"
    with sock:
        if sock.family == getattr(socket, "AF_UNIX", None):
            return "socket pair"
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        return "listening socket" if listens else "connection"


def events_of(events: int) -> str:
    names = {selectors.EVENT_READ: "READ", selectors.EVENT_WRITE: "WRITE"}
    return "|".join(name for bit, name in names.items() if events & bit)


def name_of(data: Any) -> str:
    """Name a function by its name, plain data by itself, any other object by its class."""
    return ", ".join(names_of(data))


def names_of(data: Any) -> Iterator[str]:
    if isinstance(data, tuple):  # asyncio: the handles for reading and for writing
        for each in data:
            if each is not None:
                yield from names_of(each)
    elif isinstance(data, asyncio.Handle):
        yield f"{type(data).__name__}({name_of(data._callback)})"
    elif isinstance(data, functools.partial):
        yield from names_of(data.func)
    elif hasattr(data, "__name__"):
        yield data.__name__.strip("<>")
    elif data is None or isinstance(data, (str, bytes, bool, int, float)):
        yield repr(data)
    else:
        yield type(data).__name__
