"""A callback that waits for its turn, in asyncio's terms: it can be cancelled, and it has a context.

The reactor's queue takes any callable. asyncio promises more: ``call_soon`` returns a handle, what the
callback raises goes to the loop's exception handler, and it runs in the context (PEP 567) of its caller.

Read ../reactor.py first. Next: calls.py.
"""

import asyncio
import contextvars
import os
import time
import traceback
from asyncio.log import logger
from collections.abc import Callable
from typing import Any

from course_lib.eventloop.reactor import Reactor
from course_lib.eventloop.timers import Timer, Timers

HERE = os.path.dirname(__file__)


class Handle(asyncio.Handle):
    """``loop`` is told of what the callback raises."""

    __slots__ = ()

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: Any,
        context: contextvars.Context | None = None,
    ) -> None:
        self._context = contextvars.copy_context() if context is None else context
        self._loop, self._callback, self._args = loop, callback, args
        self._cancelled, self._repr, self._source_traceback = False, None, None

    def _run(self) -> None:
        if self._cancelled:
            return
        try:
            self._context.run(self._callback, *self._args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            about = {"message": f"Exception in callback {self!r}", "exception": error, "handle": self}
            if self._source_traceback:
                about["source_traceback"] = self._source_traceback
            self._loop.call_exception_handler(about)


class DebugHandle(Handle):
    """Remembers where it was made, and tells when its callback took too long."""

    __slots__ = ()

    def __init__(self, callback: Any, args: Any, loop: Any, context: Any = None) -> None:
        asyncio.Handle.__init__(self, callback, args, loop, context)  # asyncio's own keeps the stack
        leave_us_out(self._source_traceback)

    def _run(self) -> None:
        begin = time.monotonic()
        Handle._run(self)
        took = time.monotonic() - begin
        if took >= self._loop.slow_callback_duration:
            logger.warning("Executing %r took %.3f seconds", self, took)

    @classmethod
    def call(
        cls, loop: Any, context: contextvars.Context, callback: Callable[..., object], *args: Any
    ) -> None:
        """Call ``callback(*args)`` now, with such a handle."""
        cls(callback, args, loop, context)._run()


class TimerHandle(asyncio.TimerHandle):
    """The same for a moment. ``timer`` is the reactor's; the loop sets it."""

    __slots__ = ("timer",)

    timer: Timer | None
    _loop: Any
    _source_traceback: Any

    def __init__(self, when: float, callback: Any, args: Any, loop: Any, context: Any = None) -> None:
        super().__init__(when, callback, args, loop, context)
        self.timer = None
        leave_us_out(self._source_traceback)

    def cancel(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None  # it holds this handle: else only the garbage collector would find them
        asyncio.Handle.cancel(self)

    def _run(self) -> None:
        self.timer = None
        kind = DebugHandle if self._loop.get_debug() else Handle
        kind._run(self)  # type: ignore[arg-type]  # a TimerHandle has all that a Handle has


def leave_us_out(stack: traceback.StackSummary | None) -> None:
    """Let a stack end where the program has called us."""
    while stack and stack[-1].filename.startswith(HERE):
        del stack[-1]


def close_and_empty(reactor: Reactor) -> None:
    """Let a closed reactor keep nothing: what waits there would keep the loop, which keeps the reactor."""
    reactor.close()
    reactor._ready.clear()
    for timer in reactor._timers.pending():
        del timer.callback
    reactor._timers = Timers()
    reactor.on_error = traceback.print_exception
