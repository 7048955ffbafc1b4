"""A result that is not there yet.

Whoever makes a future promises to settle it, once: with a result, with an exception, or by cancelling it.
Whoever waits for it is called back. It is no more than that: no thread, no coroutine, nothing that runs.

The names are those of ``asyncio.Future``.

Read traps.py first. Next: task.py.
"""

from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from course_lib.eventloop.reactor import Reactor
from course_lib.eventloop.traps import until_done

T = TypeVar("T")


class CancelledError(BaseException):
    """It was cancelled. (No Exception, so that ``except Exception`` lets it pass.)"""


class InvalidStateError(RuntimeError):
    """It has been asked for too early, or settled twice."""


class Future(Generic[T]):
    """Pending, then done for ever: with a result, with an exception, or cancelled."""

    def __init__(self, loop: Reactor) -> None:
        self.loop = loop
        self._state = "pending"
        self._result: T | None = None
        self._exception: BaseException | None = None
        self._unseen = False  # an exception that nobody has looked at
        self._callbacks: list[Callable[[Any], object]] = []

    def done(self) -> bool:
        return self._state != "pending"

    def cancelled(self) -> bool:
        return self._state == "cancelled"

    def result(self) -> T:
        """Return the result or raise the exception; InvalidStateError before there is one."""
        exception = self.exception()
        if exception is not None:
            try:
                raise exception
            finally:
                del self, exception  # its traceback holds this frame: no circle
        return self._result  # type: ignore[return-value]  # done: it is a T

    def exception(self) -> BaseException | None:
        """Return the exception, or None. Raises CancelledError where it was cancelled."""
        if self._state == "cancelled":
            raise CancelledError
        if self._state == "pending":
            raise InvalidStateError(f"there is no result yet: {self!r}")
        self._unseen = False
        return self._exception

    def set_result(self, result: T) -> None:
        """Settle it. Raises InvalidStateError where it is done."""
        self._settle("finished")
        self._result = result

    def set_exception(self, exception: BaseException) -> None:
        """Settle it. Raises InvalidStateError where it is done."""
        self._settle("failed")
        self._exception = exception
        self._unseen = isinstance(exception, Exception)  # Ctrl-C is raised by the loop

    def cancel(self) -> bool:
        """Settle it as cancelled. Return False where it is done."""
        if self.done():
            return False
        self._settle("cancelled")
        return True

    def _settle(self, state: str) -> None:
        if self.done():
            raise InvalidStateError(f"it is settled already: {self!r}")
        self._state = state
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            self.loop.call_soon(callback, self)

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        """Have ``callback(self)`` called when it is done: by the loop's queue, never in here."""
        if self.done():
            self.loop.call_soon(callback, self)
        else:
            self._callbacks.append(callback)

    def __await__(self) -> Generator[Any, None, T]:
        return until_done(self)

    def __del__(self) -> None:
        if self._unseen:  # nobody can ask for it any more: tell it now
            self.loop.on_error(self._exception)  # type: ignore[arg-type]  # it is an Exception

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._state}>"


def settle(future: Future[T], result: T) -> None:
    """Set the result, unless whoever waited has given up in the meantime."""
    if not future.done():
        future.set_result(result)


def fail(future: Future[Any], error: BaseException) -> None:
    """Set the exception, unless whoever waited has given up in the meantime."""
    if not future.done():
        future.set_exception(error)
