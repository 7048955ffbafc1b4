"""What all transports of the loop share: a protocol, what is watched for it, and an end that comes once.

Read watermarks.py first. Next: hearing.py.
"""

import asyncio
import contextvars
import functools
import warnings
from asyncio.log import logger
from typing import Any

from course_lib.eventloop.aio.handles import DebugHandle
from course_lib.eventloop.aio.watermarks import Watermarks

MANY_LOST = 5
"""After so many writes to a connection that is gone the log is told."""


class Flow(Watermarks):
    """Owns a file (a socket or a pipe), which it will close, and tells ``protocol`` of it."""

    _file: Any = None

    def __init__(self, loop: Any, file: Any, protocol: Any, extra: dict[str, Any] | None) -> None:
        super().__init__(extra)
        self._loop, self._file = loop, file
        self._fd: int = file.fileno()
        self._context = contextvars.copy_context()  # all callbacks of the connection run in this one
        self._events = 0
        """What the reactor watches it for."""
        self._paused = False  # the protocol wants to hear nothing for a while
        self._closing = False
        self._lost_writes = 0
        """0 while it is connected; then 1, and one more for each write that comes too late."""
        self.set_protocol(protocol)

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    def _begin(self, waiter: asyncio.Future[Any] | None) -> None:
        """In the next round: first ``connection_made``, then what comes; and then wake ``waiter``."""
        self._loop.call_soon(self._protocol.connection_made, self)
        self._loop.call_soon(self._watch)
        if waiter is not None:
            self._loop.call_soon(self._loop._wake, waiter)

    def _watched(self) -> int:
        """Return what it should be watched for, as it is now."""
        raise NotImplementedError

    def _on_ready(self, events: int) -> None:
        raise NotImplementedError

    def _watch(self) -> None:
        """Have the reactor watch for what is needed, and for nothing else."""
        events, reactor = self._watched(), self._loop._reactor
        if events == self._events or self._loop.is_closed():
            return
        if not events:
            reactor.unregister(self._fd)
        else:
            on_ready: Any = functools.partial(self._context.run, self._on_ready)  # type: ignore[call-arg]
            if self._loop.get_debug():  # so that a slow protocol is told of
                on_ready = functools.partial(DebugHandle.call, self._loop, self._context, self._on_ready)
            (reactor.modify if self._events else reactor.register)(self._fd, events, on_ready)
        self._events = events

    def is_reading(self) -> bool:
        return not self._paused and not self._closing

    def pause_reading(self) -> None:
        if not self._closing:
            self._paused = True
            self._watch()

    def resume_reading(self) -> None:
        if not self._closing:
            self._paused = False
            self._watch()

    def _is_too_late(self) -> bool:
        """Count a write to a connection that is gone."""
        if self._lost_writes:
            if self._lost_writes >= MANY_LOST:
                logger.warning("%r is written to, and its connection is gone", self)
            self._lost_writes += 1
        return self._lost_writes > 0

    # Ending.

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        """Hear nothing more, send what waits, then end."""
        if not self._closing:
            self._closing = True
            self._watch()
            if not self._buffer:
                self._lose(None)

    def abort(self) -> None:
        """End at once; what waits is lost."""
        self._force_close(None)

    def _force_close(self, error: BaseException | None) -> None:
        if not self._lost_writes:
            self._buffer.clear()
            self._closing = True
            self._watch()
            self._lose(error)

    def _lose(self, error: BaseException | None) -> None:
        self._lost_writes = max(1, self._lost_writes)
        self._watch()
        self._loop.call_soon(self._call_connection_lost, error)

    def _call_connection_lost(self, error: BaseException | None) -> None:
        try:
            self._protocol.connection_lost(error)
        finally:
            self._file.close()
            self._file = self._protocol = None

    def _fatal(self, error: BaseException, message: str) -> None:
        """End because of ``error``. What a peer or a network can cause is no news; the rest is told."""
        if not isinstance(error, OSError):
            self._complain(message, error)
        elif self._loop.get_debug():
            logger.debug("%r: %s", self, message, exc_info=error)
        self._force_close(error)

    def _complain(self, message: str, error: BaseException) -> None:
        self._loop.call_exception_handler(
            {"message": message, "exception": error, "transport": self, "protocol": self._protocol}
        )

    def __del__(self) -> None:
        if self._file is not None:
            warnings.warn(f"unclosed transport {self!r}", ResourceWarning, stacklevel=2, source=self)
            self._file.close()

    def __repr__(self) -> str:
        state = "closed" if self._file is None else "closing" if self._closing else "open"
        return f"<{type(self).__name__} fd={self._fd} {state}, {len(self._buffer)} bytes wait>"
