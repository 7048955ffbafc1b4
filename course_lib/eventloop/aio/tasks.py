"""The third storey: futures and tasks, which are asyncio's own, and threads for what blocks.

Our ``Future`` and ``Task`` (../future.py, ../task.py) do the same, in Python. asyncio's are written in C,
know of contexts, and are what programs, libraries and debuggers expect.

Read running.py first. Next: descriptors.py.
"""

import asyncio
import concurrent.futures
import socket
import threading
import warnings
from asyncio import futures
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from course_lib.eventloop.aio.running import Running

T = TypeVar("T")
Address = tuple[Any, ...] | str | bytes
AddressInfo = tuple[int, int, int, str, Any]
"""Family, type, protocol, canonical name, address: what getaddrinfo says."""


class Tasks(Running):
    """Makes tasks, and runs functions in threads."""

    def __init__(self) -> None:
        super().__init__()
        self._task_factory: Callable[..., Any] | None = None
        self._default_executor: concurrent.futures.Executor | None = None
        self._executor_is_shut_down = False

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None, **options: Any) -> Any:
        """Return a task that runs ``coro``, beginning in the next round."""
        self._check_closed()
        if self._task_factory is None:
            return asyncio.Task(coro, loop=self, name=name, context=context, **options)
        if context is not None:
            options["context"] = context
        task = self._task_factory(self, coro, **options)
        if name is not None and hasattr(task, "set_name"):
            task.set_name(name)
        return task

    def set_task_factory(self, factory: Callable[..., Any] | None) -> None:
        """Have tasks made by ``factory(loop, coro, …)``; None: by ``asyncio.Task``."""
        if factory is not None and not callable(factory):
            raise TypeError("task factory must be a callable or None")
        self._task_factory = factory

    def get_task_factory(self) -> Any:
        return self._task_factory

    def run_in_executor(  # type: ignore[override]
        self, executor: concurrent.futures.Executor | None, function: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Call ``function(*args)`` in a thread, or wherever ``executor`` calls it."""
        self._check_closed()
        if self._debug:
            self._check_callback(function)
        if executor is None:
            executor = self._default_pool()
        # When it is done, in its thread, wrap_future uses call_soon_threadsafe.
        return futures.wrap_future(executor.submit(function, *args), loop=self)

    def _default_pool(self) -> concurrent.futures.Executor:
        if self._executor_is_shut_down:
            raise RuntimeError("Executor shutdown has been called")
        if self._default_executor is None:
            self._default_executor = concurrent.futures.ThreadPoolExecutor(thread_name_prefix="asyncio")
        return self._default_executor

    def set_default_executor(self, executor: Any) -> None:
        if not isinstance(executor, concurrent.futures.ThreadPoolExecutor):
            raise TypeError("executor must be ThreadPoolExecutor instance")
        self._default_executor = executor

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait until the threads have done their work, at most ``timeout`` seconds."""
        self._executor_is_shut_down = True
        pool = self._default_executor
        if pool is None:
            return
        joined = self.create_future()
        thread = threading.Thread(target=self._join, args=(pool, joined))
        thread.start()
        try:
            async with asyncio.timeout(timeout):
                await joined
        except TimeoutError:
            text = f"the executor's threads did not end within {timeout} s"
            warnings.warn(text, RuntimeWarning, stacklevel=2)
            pool.shutdown(wait=False)
        else:
            thread.join()

    def _join(self, pool: concurrent.futures.Executor, joined: asyncio.Future[None]) -> None:
        try:
            pool.shutdown(wait=True)
            if not self.is_closed():
                self.call_soon_threadsafe(futures._set_result_unless_cancelled, joined, None)  # type: ignore[attr-defined]
        except Exception as error:
            if not self.is_closed() and not joined.cancelled():
                self.call_soon_threadsafe(joined.set_exception, error)

    def close(self) -> None:
        super().close()
        self._executor_is_shut_down = True
        pool, self._default_executor = self._default_executor, None
        if pool is not None:
            pool.shutdown(wait=False)

    async def getaddrinfo(  # type: ignore[override]
        self, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Sequence[AddressInfo]:
        """Look a name up, in a thread, since ``socket.getaddrinfo`` blocks."""
        return await self.run_in_executor(None, socket.getaddrinfo, host, port, family, type, proto, flags)

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        return await self.run_in_executor(None, socket.getnameinfo, sockaddr, flags)

    async def resolve(
        self, address: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Sequence[AddressInfo]:
        """Return what getaddrinfo says of a host and a port. Numbers need no look-up, and no thread."""
        host, port = address[:2]
        try:
            numeric = flags | socket.AI_NUMERICHOST
            return socket.getaddrinfo(host, port, family, type, proto, numeric)
        except OSError:
            pass
        infos = await self.getaddrinfo(host, port, family=family, type=type, proto=proto, flags=flags)
        if not infos:
            raise OSError(f"getaddrinfo({host!r}) returned empty list")
        return infos
