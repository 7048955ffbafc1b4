"""The second storey: running, stopping, closing.

Read calls.py first. Next: tasks.py.
"""

import asyncio
import sys
import threading
import warnings
import weakref
from asyncio import events
from collections.abc import AsyncGenerator, Awaitable
from typing import Any, TypeVar

from course_lib.eventloop.aio.calls import Calls
from course_lib.eventloop.aio.handles import close_and_empty

T = TypeVar("T")

ORIGINS = 10
"""So many lines of a coroutine's origin are kept in debug mode."""


class Running(Calls):
    """A reactor's ``run_forever``, and what Python must know while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self._stopping = False
        self._generators: weakref.WeakSet[AsyncGenerator[Any, Any]] = weakref.WeakSet()
        """Asynchronous generators that have begun; those that have not ended are closed by the loop."""
        self._generators_closed = False

    def run_forever(self) -> None:
        """Run until ``stop``."""
        self._check_closed()
        self._check_running()
        hooks, depth = sys.get_asyncgen_hooks(), sys.get_coroutine_origin_tracking_depth()
        self._thread_id = threading.get_ident()
        try:
            events._set_running_loop(self)
            sys.set_asyncgen_hooks(firstiter=self._generator_begins, finalizer=self._generator_is_lost)
            if self._debug:
                sys.set_coroutine_origin_tracking_depth(ORIGINS)
            while True:
                self._run_once()
                if self._stopping:
                    break
        finally:
            self._stopping, self._thread_id = False, None
            events._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)
            sys.set_coroutine_origin_tracking_depth(depth)

    def _run_once(self) -> None:
        # In this order: what is in the queue comes before what the system has to tell.
        self._reactor.run_ready()
        self._reactor.attend(0 if self._stopping else None)

    def run_until_complete(self, future: Awaitable[T]) -> T:  # type: ignore[override]
        """Run until ``future``, or the task made of it, is done; return its result.

        Raises RuntimeError where the loop is stopped before.
        """
        self._check_closed()
        self._check_running()
        is_ours = not asyncio.isfuture(future)
        task = asyncio.ensure_future(future, loop=self)
        if is_ours:
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # an error below says more
        task.add_done_callback(self._stop_after)
        try:
            self.run_forever()
        except BaseException:
            if is_ours and task.done() and not task.cancelled():
                task.exception()  # it is what has just been raised: nobody need be told again
            raise
        finally:
            task.remove_done_callback(self._stop_after)
        if not task.done():
            raise RuntimeError("Event loop stopped before Future completed.")
        return task.result()

    def _stop_after(self, task: asyncio.Future[Any]) -> None:
        if not task.cancelled() and isinstance(task.exception(), (SystemExit, KeyboardInterrupt)):
            return  # it ends the loop by itself
        self.stop()

    def stop(self) -> None:
        """Return from ``run_forever`` at the end of the round."""
        self._stopping = True

    def is_running(self) -> bool:
        return self._thread_id is not None

    def _check_running(self) -> None:
        if self.is_running():
            raise RuntimeError("This event loop is already running")
        if events._get_running_loop() is not None:
            raise RuntimeError("Cannot run the event loop while another loop is running")

    def close(self) -> None:
        """Give back all that the loop itself holds. Any number of times, but not while it runs."""
        if self.is_running():
            raise RuntimeError("Cannot close a running event loop")
        if not self._closed:
            self._closed = self._checks = True
            close_and_empty(self._reactor)

    def __del__(self) -> None:
        if not self.is_closed():
            warnings.warn(f"unclosed event loop {self!r}", ResourceWarning, stacklevel=2, source=self)
            if not self.is_running():
                self.close()

    def _generator_begins(self, generator: AsyncGenerator[Any, Any]) -> None:
        if self._generators_closed:
            text = f"{generator!r} begins after shutdown_asyncgens()"
            warnings.warn(text, ResourceWarning, stacklevel=2, source=self)
        self._generators.add(generator)

    def _generator_is_lost(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._generators.discard(generator)
        if not self._closed:  # its finally may have to await something: only a task can do that
            self.call_soon_threadsafe(self.create_task, generator.aclose())

    async def shutdown_asyncgens(self) -> None:
        """Close all asynchronous generators that have begun and not ended."""
        self._generators_closed = True
        left, self._generators = list(self._generators), weakref.WeakSet()
        ends = await asyncio.gather(*[each.aclose() for each in left], return_exceptions=True)
        for generator, error in zip(left, ends, strict=True):
            if isinstance(error, Exception):
                message = f"an error occurred during closing of asynchronous generator {generator!r}"
                self.call_exception_handler({"message": message, "exception": error, "asyncgen": generator})

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} running={self.is_running()} closed={self.is_closed()} "
            f"debug={self.get_debug()}>"
        )
