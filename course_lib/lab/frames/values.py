"""A value in a few words that are the same every time: no address, no number of a descriptor.

Next: chain.py.
"""

import re
import reprlib
import socket
from typing import Any

MOST = 60
"""So many characters of a value are shown."""

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
OUTER = re.compile(r"(?:[\w.]|<locals>|<lambda>)+\.<locals>\.")
"""The function within which another one is defined."""

PORT = re.compile(r"('(?:127\.0\.0\.1|::1)', )\d+")
NUMBERS = ("fd", "port")
"""A number that goes by one of these names is another one in each run."""


class _Words(reprlib.Repr):
    """``repr``, cut short. An object that has no words of its own goes by its type: ``<Server>``."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = MOST
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxdeque = 8
        self.maxlevel = 3

    def repr_instance(self, value: Any, level: int) -> str:
        if isinstance(value, socket.socket) or type(value).__repr__ is object.__repr__:
            return f"<{type(value).__name__}>"
        try:
            words = " ".join(repr(value).split("\n"))
        except Exception:  # the learner's own __repr__
            return f"<{type(value).__name__}>"
        words = OUTER.sub("", ADDRESS.sub("", words))
        return words if len(words) <= MOST else f"{words[: MOST - 4]}...{words[-1]}"


_words = _Words()


def in_words(value: object) -> str:
    """Return one line of up to some sixty characters."""
    return PORT.sub(r"\1<port>", _words.repr(value))


def named_in_words(name: str, value: object) -> str:
    """The same for a variable of that name."""
    return f"<{name}>" if name in NUMBERS and isinstance(value, int) else in_words(value)
