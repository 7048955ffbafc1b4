"""The two places at which a coroutine gives its thread back: all waiting comes down to one of them.

An ``await`` by itself suspends nothing. It runs what is behind it, which awaits something else, and so on,
until the innermost one says ``yield``. What is yielded passes through all of them and comes out where the
coroutine was resumed: there a task (task.py) looks at it. It is a future, which is a result that is not there
yet (future.py), or nothing. No other file of the loop yields.

Read reactor.py first. Next: future.py.
"""

import types
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from course_lib.eventloop.future import Future

T = TypeVar("T")


def until_done(future: "Future[T]") -> "Generator[Future[T], None, T]":
    """Suspend the task until ``future`` is done; return its result, or raise."""
    if not future.done():
        yield future
    try:
        return future.result()
    finally:
        del future  # as Future.result does it: no circle


@types.coroutine
def next_round() -> Generator[None, Any, None]:
    """Suspend the task until the next round: all others that are ready have their turn."""
    yield
