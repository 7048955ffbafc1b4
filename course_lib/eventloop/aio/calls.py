"""The first storey of the loop: the time, the queue, the timers, and what becomes of an exception.

    reactor.call_soon    is behind    loop.call_soon, loop.call_soon_threadsafe
    reactor.call_at                   loop.call_at, loop.call_later

Read handles.py first. Next: running.py.
"""

import asyncio
import contextvars
import inspect
import threading
from asyncio import coroutines
from asyncio.log import logger
from collections.abc import Callable
from typing import Any

from course_lib.eventloop.aio.handles import DebugHandle, Handle, TimerHandle
from course_lib.eventloop.reactor import Reactor

Context = contextvars.Context | None
ExceptionHandler = Callable[[Any, dict[str, Any]], object]


class Calls(asyncio.AbstractEventLoop):
    """Calls functions back. All methods but ``call_soon_threadsafe`` belong to the loop's own thread."""

    def __init__(self) -> None:
        self._reactor = Reactor()
        self._reactor.on_error = self._report
        self._closed = False
        self._thread_id: int | None = None
        self._exception_handler: ExceptionHandler | None = None
        self.slow_callback_duration = 0.1
        """Seconds; in debug mode a callback that takes longer is told of."""
        self.set_debug(coroutines._is_debug_mode())  # type: ignore[attr-defined]

    def time(self) -> float:
        """Return the seconds of a clock that only ever goes forward."""
        return self._reactor.time()

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context = None) -> Handle:  # type: ignore[override]
        """Call ``callback(*args)`` in the next round."""
        if self._checks:
            self._check(callback)
        handle = self._handle(callback, args, self, context)
        self._reactor.call_soon(handle._run)
        return handle

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context = None
    ) -> Handle:
        """The same for any thread, and for signal handlers."""
        self._check_closed()
        if self._debug:
            self._check_callback(callback)
        handle = self._handle(callback, args, self, context)
        self._reactor.call_soon_threadsafe(handle._run)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context = None
    ) -> TimerHandle:
        """Call ``callback(*args)`` in ``delay`` seconds."""
        if delay is None:
            raise TypeError("delay must not be None")
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context = None
    ) -> TimerHandle:
        """Call ``callback(*args)`` when ``time()`` is ``when``."""
        if when is None:
            raise TypeError("when cannot be None")
        if self._checks:
            self._check(callback)
        handle = TimerHandle(when, callback, args, self, context)
        handle.timer = self._reactor.call_at(when, handle._run)
        return handle

    def get_debug(self) -> bool:
        return self._debug

    def set_debug(self, enabled: bool) -> None:
        self._debug = enabled
        self._handle = DebugHandle if enabled else Handle
        self._checks = enabled or self._closed

    def is_closed(self) -> bool:
        return self._closed

    def _check(self, callback: object) -> None:
        """Find what a program does wrong with a callback."""
        self._check_closed()
        if self._thread_id not in (None, threading.get_ident()):
            raise RuntimeError(
                "Non-thread-safe operation invoked on an event loop other than the current one"
            )
        self._check_callback(callback)

    def _check_callback(self, callback: object) -> None:
        if inspect.iscoroutine(callback) or inspect.iscoroutinefunction(callback):
            raise TypeError(f"a coroutine is no callback: make a task of it ({callback!r})")
        if not callable(callback):
            raise TypeError(f"a callable object was expected, not {callback!r}")

    def _check_closed(self) -> None:
        if self._closed:
            raise RuntimeError("Event loop is closed")

    def get_exception_handler(self) -> ExceptionHandler | None:
        return self._exception_handler

    def set_exception_handler(self, handler: ExceptionHandler | None) -> None:
        """Have ``handler(loop, context)`` told of what nobody else can be told of; None: the log."""
        if handler is not None and not callable(handler):
            raise TypeError(f"A callable object or None is expected, got {handler!r}")
        self._exception_handler = handler

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Write it to the log, all of it."""
        lines = [context.get("message") or "Unhandled exception in event loop"]
        lines += [f"{key}: {value!r}" for key, value in sorted(context.items()) if key not in SAID_ALREADY]
        lines += [
            f"{key}, most recent call last:\n{''.join(context[key].format())}"
            for key in STACKS
            if key in context
        ]
        logger.error("\n".join(lines), exc_info=context.get("exception"))

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Tell of an error that belongs to no caller: of a callback, a transport, a forgotten task."""
        try:
            if self._exception_handler is None:
                self.default_exception_handler(context)
            else:
                self._exception_handler(self, context)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException:  # a handler that fails must not end the loop
            logger.error("The exception handler failed, for %r", context, exc_info=True)

    def _report(self, error: Exception) -> None:
        self.call_exception_handler({"message": "Exception in the event loop", "exception": error})


STACKS = ("source_traceback", "handle_traceback")
SAID_ALREADY = ("message", "exception", *STACKS)
