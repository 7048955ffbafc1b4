"""Waiting with a limit, for a condition or for a call: never a sleep and a hope."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

POLL_SECONDS = 0.005

T = TypeVar("T")


def wait_until(condition: Callable[[], T], limit: float = 5.0, what: str = "something that never came") -> T:
    """Ask ``condition`` every 5 ms until it returns something true, and return that.

    Raises TimeoutError, which names ``what`` was waited for, after ``limit`` seconds.
    """
    deadline = time.monotonic() + limit
    while not (value := condition()):
        if time.monotonic() >= deadline:
            raise TimeoutError(f"waited {limit:g} s for {what}")
        time.sleep(POLL_SECONDS)
    return value


class Call:
    """A call in a thread of its own, so that nobody has to wait for it without end."""

    def __init__(self, function: Callable[[], object], name: str) -> None:
        self._function = function
        self._error: BaseException | None = None
        self._returned = threading.Event()
        try:
            threading.Thread(target=self._run, name=name, daemon=True).start()
        except RuntimeError:  # no room; or the interpreter ends, when 3.12 starts none
            self._run()

    def _run(self) -> None:
        try:
            self._function()
        except BaseException as error:
            self._error = error
        finally:
            self._returned.set()

    def has_returned(self, deadline: float) -> bool:
        """Wait until ``deadline`` (time.monotonic) for the call to return; raises what it raised."""
        returned = self._returned.wait(deadline - time.monotonic())
        if self._error is not None:
            raise self._error
        return returned
