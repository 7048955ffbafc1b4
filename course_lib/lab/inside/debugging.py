"""What asyncio notes of a program in debug mode: its log, and the warnings of Python.

    debug_notes(main)                 runs main() in debug mode, in a thread of its own
    debug_notes(main, debug=False)    the same without

Where a message names a file, an address or a number of seconds, that is left out: it differs in each run.

Read ../loop_thread.py first.
"""

import gc
import logging
import re
import warnings
from collections.abc import Callable, Coroutine
from typing import Any

from course_lib.lab.loop_thread import run_on
from course_lib.lab.stacks import is_own

VARIES: tuple[tuple[str, str], ...] = (
    (r" at 0x[0-9a-f]+", ""),
    (r" created at [^\s,>]*[\\/][^\s,>]*", ""),
    (r" (running|defined) at \S+?:(\d+)>", r" \1 at line \2>"),
    (r" took [\d.]+ seconds", " took … seconds"),
    (r"'Task-\d+'", "'Task-…'"),
)
"""Patterns, and what stands for each."""

FRAME = re.compile(
    r'\n  File "(?P<file>[^"]*)", line \d+, in (?P<function>.*)\n    (?P<source>.*)(\n *[~^]+)?'
)
"""One of those that tell where a coroutine was made."""


class DebugNotes:
    """``notes`` holds the messages; ``error`` what the program raised."""

    def __init__(self, notes: list[str], error: Exception | None) -> None:
        self.notes = notes
        self.error = error

    def __repr__(self) -> str:
        said = [*self.notes]
        if self.error is not None:
            said.append(f"it raised {type(self.error).__name__}: {self.error}")
        return "\n".join(cleaned(note) for note in said) or "nothing was noted"


def debug_notes(main: Callable[[], Coroutine[Any, Any, Any]], debug: bool = True) -> DebugNotes:
    """Run ``main()``; return what asyncio's log and Python's warnings have said meanwhile."""
    notes = Notes()
    logger = logging.getLogger("asyncio")
    error = None
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = notes.warn  # type: ignore[assignment]
        logger.addHandler(notes)
        was, logger.propagate = logger.propagate, False
        try:
            run_on(None, main, debug)
        except Exception as raised:
            error = raised
        finally:
            gc.collect()  # a coroutine that was never awaited is noticed when it is thrown away
            logger.removeHandler(notes)
            logger.propagate = was
    return DebugNotes(notes.said, error)


class Notes(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(f"asyncio's log: {record.getMessage()}")

    def warn(self, message: Warning | str, category: type[Warning], *place: object) -> None:
        self.said.append(f"{category.__name__}: {message}")


def cleaned(note: str) -> str:
    note = FRAME.sub(own_frame, note)
    for pattern, stands_for in VARIES:
        note = re.sub(pattern, stands_for, note)
    return note


def own_frame(found: re.Match[str]) -> str:
    """Return the learner's own frames without the name of their file, and no others."""
    return "\n  {function}: {source}".format(**found.groupdict()) if is_own(found["file"]) else ""
