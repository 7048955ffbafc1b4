"""A time limit for a block of code: a timer that cancels the task, and a TimeoutError in its place.

Read gathering.py first. Next: loop.py.
"""

from types import TracebackType
from typing import TYPE_CHECKING

from course_lib.eventloop.future import CancelledError

if TYPE_CHECKING:
    from course_lib.eventloop.loop import Loop


class Timeout:
    """For ``async with``: after ``seconds`` the block is cancelled, and TimeoutError raised."""

    def __init__(self, loop: "Loop", seconds: float) -> None:
        self._loop, self._seconds = loop, seconds
        self.expired = False

    async def __aenter__(self) -> "Timeout":
        if self._loop.current_task is None:
            raise RuntimeError("a time limit belongs to a task: use it within one")
        self._task = self._loop.current_task
        self._cancelling = self._task.cancelling
        self._timer = self._loop.call_later(self._seconds, self._expire)
        if self._seconds <= 0:  # without a round in which the block might end
            self._loop.call_soon(self._timer)
        return self

    def _expire(self) -> None:
        self._timer.cancel()
        self.expired = True
        self._task.cancel()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if not self.expired:
            return
        # Somebody else may have cancelled the task as well. Then it has to end.
        is_ours = self._task.uncancel() <= self._cancelling
        if is_ours and isinstance(error, CancelledError):
            raise TimeoutError(f"it took longer than {self._seconds:g} s") from error
