"""A conversation that tells what it hears and says, for a person who watches a server in a terminal.

Read ../conversation.py first.
"""

import itertools
from collections.abc import Callable

from course_lib.conversation import Conversation


class Narrated(Conversation):
    """Another conversation, told line by line."""

    def __init__(self, inner: Conversation, number: int, write: Callable[[str], object]) -> None:
        self.inner = inner
        self.number = number
        self.write = write

    def greet(self) -> bytes:
        if self.push is not None:
            self.inner.push = self._pass_on
        greeting = self.inner.greet()
        self.write(f"client {self.number} has connected" + (f", hears {short(greeting)}" if greeting else ""))
        return greeting

    def receive(self, data: bytes) -> bytes:
        answer = self.inner.receive(data)
        self.closing = self.inner.closing
        hears = f"hears {short(answer)}" if answer else "hears nothing"
        self.write(f"client {self.number} says {short(data)}, {hears}")
        return answer

    def _pass_on(self, data: bytes) -> None:
        assert self.push is not None
        self.write(f"client {self.number} hears {short(data)}")
        self.push(data)

    def ended(self) -> None:
        self.write(f"client {self.number} has left")
        self.inner.ended()


def narrated(
    conversation: Callable[[], Conversation], write: Callable[[str], object]
) -> Callable[[], Narrated]:
    """Return a maker of conversations that ``write`` one line for each thing said."""
    numbers = itertools.count(1)
    return lambda: Narrated(conversation(), next(numbers), write)


def short(data: bytes, limit: int = 60) -> str:
    """Return ``data`` as text in quotes, cut after ``limit`` characters."""
    text = repr(data[:limit].decode(errors="replace"))
    return text if len(data) <= limit else f"{text}… ({len(data):,} bytes)"
