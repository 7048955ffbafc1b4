"""What belongs to an address, and not to a loop.

Read sockets.py first. Next: watermarks.py.
"""

import itertools
import socket
from asyncio import trsock
from collections.abc import Sequence
from typing import Any

from course_lib.eventloop.aio.tasks import AddressInfo


def addresses(sock: socket.socket) -> dict[str, Any]:
    """Return what ``get_extra_info`` knows of a socket."""
    known: dict[str, Any] = {"socket": trsock.TransportSocket(sock), "sockname": None}
    try:
        known["sockname"] = sock.getsockname()
        known["peername"] = sock.getpeername()
    except OSError:
        known.setdefault("peername", None)
    return known


def bind_to_one(sock: socket.socket, addresses: Sequence[Any]) -> None:
    """Bind ``sock`` to the first address that is free. Raises OSError where none is."""
    error = OSError("no matching local address found")
    for address in addresses:
        try:
            return sock.bind(address)
        except OSError as why:
            text = f"error while attempting to bind on address {address!r}: {str(why).lower()}"
            error = OSError(why.errno, text)
    raise error


def interleaved(infos: Sequence[AddressInfo], first: int) -> list[AddressInfo]:
    """Return the addresses with their families in turn, after ``first`` ones of the first family."""
    families: dict[int, list[AddressInfo]] = {}
    for info in infos:
        families.setdefault(info[0], []).append(info)
    groups = list(families.values())
    ahead, groups[0] = groups[0][: first - 1], groups[0][first - 1 :]
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(*groups))
    return ahead + [info for info in in_turn if info is not None]


def summary(errors: Sequence[OSError], all_errors: bool) -> Exception:
    """Return one exception for the failures of all addresses."""
    if all_errors:
        return ExceptionGroup("create_connection failed", list(errors))
    texts = {str(error) for error in errors}
    if len(texts) == 1:
        return errors[0]
    return OSError(f"Multiple exceptions: {', '.join(str(error) for error in errors)}")
