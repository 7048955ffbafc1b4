"""What one thread prints while it runs a step for a button.

A print belongs to the cell that runs, and a button belongs to none: its prints would be lost.

Next: board.py.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MOST = 2000
"""So many characters are kept, the last ones."""


class _Hearing:
    """Stands in for ``sys.stdout``: the words of one thread are kept, those of others pass through."""

    def __init__(self, stdout: Any, heard: list[str]) -> None:
        self._stdout, self._heard, self._thread = stdout, heard, threading.get_ident()
        self.over = False

    def write(self, words: str) -> int:
        if self.over or threading.get_ident() != self._thread:
            return int(self._stdout.write(words) or 0)
        self._heard[:] = ["".join([*self._heard, words])[-MOST:]]
        return len(words)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stdout, name)


@contextmanager
def printed() -> Iterator[list[str]]:
    """Keep in the list what this thread prints in the block."""
    heard: list[str] = []
    hearing = _Hearing(sys.stdout, heard)
    sys.stdout = hearing  # type: ignore[assignment]
    try:
        yield heard
    finally:
        hearing.over = True  # in case that somebody else stands in its place, and leads here
        if sys.stdout is hearing:
            sys.stdout = hearing._stdout
