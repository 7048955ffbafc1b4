"""Waiting for several tasks at once.

Read task.py first. Next: timeout.py.
"""

from collections.abc import Sequence
from typing import Any

from course_lib.eventloop.future import Future
from course_lib.eventloop.reactor import Reactor


class Gathering(Future[list[Any]]):
    """The results of all ``parts``, in order, or the first exception; the others go on."""

    def __init__(self, parts: Sequence[Future[Any]], loop: Reactor) -> None:
        super().__init__(loop)
        self._parts = parts
        self._left = len(parts)
        self._cancelling = False
        for part in parts:
            part.add_done_callback(self._one_is_done)
        if not parts:
            self.set_result([])

    def cancel(self) -> bool:
        """Cancel all parts; it is cancelled itself when the first has ended so."""
        if self.done():
            return False
        asked = [part.cancel() for part in self._parts]
        self._cancelling |= any(asked)
        return any(asked)

    def _one_is_done(self, part: Future[Any]) -> None:
        self._left -= 1
        # It is asked for also where it comes too late: so nobody reports it.
        failure = None if part.cancelled() else part.exception()
        if self.done():
            return
        if failure is not None:
            self.set_exception(failure)
        elif part.cancelled() or (self._cancelling and not self._left):
            super().cancel()
        elif not self._left:
            self.set_result([part.result() for part in self._parts])
