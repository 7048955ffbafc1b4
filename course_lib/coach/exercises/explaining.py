"""What the exercises of lesson 11 share: exceptions told apart by their words, and asyncio left as it was.

Read ../run.py first.
"""

import asyncio
import selectors
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from course_lib.coach.exercise import Broke, Failed
from course_lib.coach.run import Run

LOOPS_USE = (asyncio.SelectorEventLoop, selectors.DefaultSelector, asyncio.TimerHandle)
"""These and their bases belong to all loops of a process."""

UNTOUCHED: dict[type, dict[str, Any]] = {
    kind: dict(vars(kind)) for each in LOOPS_USE for kind in each.__mro__ if kind is not object
}
"""What they hold before the learner's code runs, since its process imports this module before that."""

PATCHED = (
    "A class of asyncio's, or of `selectors`, has got another method, and keeps it: from now on all loops of"
    " this process go through yours. Change an object or a class of your own; or give back what was there."
)


def patched() -> list[str]:
    """Return the names of the classes that are not as they were."""
    return [kind.__name__ for kind, before in UNTOUCHED.items() if dict(vars(kind)) != before]


def expect_untouched(run: Run, names: list[str]) -> None:
    """Expect that ``patched()`` has returned no names in the learner's process."""
    if names:
        raise Failed(run.sent, "asyncio as it was", f"another {', '.join(names)}", PATCHED)


@contextmanager
def explained(run: Run, ideas: Mapping[str, str]) -> Iterator[None]:
    """An exception of the learner's code that says one of these words is a failure with that idea."""
    try:
        yield
    except Broke as broke:
        for words, idea in ideas.items():
            if words in str(broke):
                raise Failed(run.sent, "no exception", str(broke), idea) from None
        raise
