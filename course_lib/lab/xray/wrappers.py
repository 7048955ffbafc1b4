"""The first source: wrappers on Python's own classes, put on when a block begins, taken off at its end.

``socket.socket`` is a Python class, and so are the selectors: a method that is put into such a class is
found by everybody at the next call, in threads that have long been running too. It sees what goes in, what
comes out, and when. What it cannot see are calls made from C.

Read watching.py first. Next: naming.py and hook.py.
"""

import select
import selectors
import socket
import time
from typing import Any

from course_lib.lab.xray.watching import (
    COUNTED,
    ENDING,
    INCOMING,
    NONE,
    OUTGOING,
    Function,
    on_function,
    on_selector,
    on_socket,
)

METHODS = {
    "_accept": NONE,
    "connect": NONE,
    "recv": INCOMING,
    "recv_into": COUNTED,
    "send": COUNTED,
    "sendall": OUTGOING,
    "sendmsg": COUNTED,
    "shutdown": ENDING,
    "_real_close": ENDING,
}
"""What is wrapped of ``socket.socket``: where a thread may wait, bytes pass, or a conversation ends."""

NAMES = {"_accept": "accept", "_real_close": "close"}
"""Under which name it is told."""

SELECTORS = [
    kind
    for kind in vars(selectors).values()
    if isinstance(kind, type) and issubclass(kind, selectors.BaseSelector) and "select" in vars(kind)
]

_taken: list[tuple[Any, str, bool, Any]] = []
"""What was in the place of each wrapper: the owner, the name, whether it was the owner's own, and what."""


def put_on() -> None:
    """Put all wrappers in place. Call ``take_off`` afterwards, whatever happens."""
    for name, how in METHODS.items():
        if hasattr(socket.socket, name):
            _put(socket.socket, name, on_socket(NAMES.get(name, name), getattr(socket.socket, name), how))
    for kind in SELECTORS:
        _put(kind, "select", on_selector(kind.select))
    _put(select, "select", on_function("select", select.select))
    _put(time, "sleep", on_function("sleep", time.sleep))


def _put(owner: Any, name: str, wrapper: Function) -> None:
    _taken.append((owner, name, name in vars(owner), vars(owner).get(name)))
    setattr(owner, name, wrapper)


def take_off() -> None:
    """Put everything back as it was. Any number of times."""
    while _taken:
        owner, name, was_own, original = _taken[-1]
        if was_own:
            setattr(owner, name, original)
        elif name in vars(owner):
            delattr(owner, name)
        _taken.pop()
