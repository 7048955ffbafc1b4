"""An asyncio loop in a thread of its own, where a notebook can watch it, and where it disturbs nobody.

    with LoopThread() as thread:
        print(thread.run(main()))

A notebook's own loop is busy with the notebook: who breaks it, or puts it into debug mode, breaks that.

Read handle.py first.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")

END_SECONDS = 5.0
"""So long the loop may take to cancel its tasks and to close."""


class LoopThread:
    """``factory`` makes the loop; without it, it is asyncio's own. Leaving the ``with`` block ends it."""

    loop: asyncio.AbstractEventLoop

    def __init__(
        self, factory: Callable[[], asyncio.AbstractEventLoop] | None = None, debug: bool = False
    ) -> None:
        self._factory, self._debug = factory, debug
        self._started, self._ended = threading.Event(), threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="loop", daemon=True)

    def _run(self) -> None:
        try:
            # The runner cancels what is left at the end, and closes the loop.
            with asyncio.Runner(loop_factory=self._factory, debug=self._debug) as runner:
                self.loop = runner.get_loop()
                self.loop.call_soon(self._started.set)
                self.loop.run_forever()
        except BaseException as error:
            self._error = error
        finally:
            self._ended.set()
            self._started.set()

    def run(self, coro: Coroutine[Any, Any, T]) -> T:
        """Run ``coro`` on the loop; return its result. Ctrl-C cancels it."""
        future = asyncio.run_coroutine_threadsafe(coro, self.loop)
        try:
            return future.result()
        finally:
            future.cancel()  # it is done, unless we are interrupted

    def __enter__(self) -> "LoopThread":
        self._thread.start()
        self._started.wait()
        if self._error is not None:  # of the factory
            raise self._error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._ended.is_set():
            self.loop.call_soon_threadsafe(self.loop.stop)
            if not self._ended.wait(END_SECONDS):
                raise RuntimeError(
                    f"the loop does not end: something blocks its thread for {END_SECONDS:g} s"
                )
        self._thread.join(END_SECONDS)
        if self._error is not None and error is None:
            raise self._error


def run_on(
    factory: Callable[[], asyncio.AbstractEventLoop] | None,
    main: Callable[[], Coroutine[Any, Any, T]],
    debug: bool = False,
) -> T:
    """Run ``main()`` on a new loop in a thread of its own; return its result."""
    with LoopThread(factory, debug) as thread:
        return thread.run(main())
