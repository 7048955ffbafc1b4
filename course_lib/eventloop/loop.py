"""Our own event loop: a reactor, and coroutines that wait for what it calls back.

Each thing to wait for is made the same way: a future, somebody who settles it, and an ``await``. A timer
settles the one of ``sleep``, readiness those of the socket calls, a thread that of ``run_in_thread``.

Read timeout.py first. Next: ../servers/coroutines.py.
"""

import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from course_lib.eventloop.directions import Directions
from course_lib.eventloop.future import Future, fail, settle
from course_lib.eventloop.gathering import Gathering
from course_lib.eventloop.poller import READ, WRITE
from course_lib.eventloop.reactor import Reactor
from course_lib.eventloop.task import Task
from course_lib.eventloop.timeout import Timeout
from course_lib.eventloop.traps import next_round

T = TypeVar("T")


class Loop(Reactor):
    """``Loop().run(main())`` runs a coroutine to its end. Sockets must be non-blocking."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._directions = Directions(self)
        self.tasks: set[Task[Any]] = set()  # not done; so none is lost that nobody else keeps
        self.current_task: Task[Any] | None = None  # the one whose step runs now

    def run(self, coro: Coroutine[Any, Any, T]) -> T:
        """Run ``coro`` until it is done; return its result. Cancel what is left then.

        Raises RuntimeError where ``stop`` is called before, and in a task of this loop.
        """
        if self._running:
            coro.close()  # nobody will await it, and Python would complain
            raise RuntimeError("this loop runs already: await the coroutine, or spawn it")
        main = self.spawn(coro)
        ended: list[Task[T]] = []
        main.add_done_callback(ended.append)  # a round later: what it spawned last begins
        self._running = True
        try:
            while not ended:
                if self._stopping and not main.done():
                    raise RuntimeError(f"the loop was stopped before {main!r} was done")
                self.run_once()
        finally:
            self._running = self._stopping = False
            self.cancel_all()
            while self.tasks:
                self.run_once()
        return main.result()

    def cancel_all(self) -> None:
        """Cancel all tasks. They end in the rounds that follow."""
        for task in self.tasks:
            task.cancel()

    def spawn(self, coro: Coroutine[Any, Any, T]) -> Task[T]:
        """Return a task that runs ``coro`` beside all others. Await it for its result."""
        task = Task(coro, self)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def sleep(self, seconds: float) -> None:
        """Wait so long. With 0, or less, all others that are ready have their turn."""
        if seconds <= 0:
            return await next_round()
        future: Future[None] = Future(self)
        timer = self.call_later(seconds, settle, future, None)
        try:
            await future
        finally:
            timer.cancel()

    async def ready(self, sock: socket.socket, event: int) -> None:
        """Wait until ``sock`` is ready for READ, or WRITE. RuntimeError if a task does already."""
        future: Future[None] = Future(self)
        fd = self._directions.watch(sock, event, lambda: settle(future, None))
        try:
            await future
        finally:
            self._directions.leave(fd, event)

    async def sock_accept(self, listener: socket.socket) -> tuple[socket.socket, Any]:
        """Wait for a connection; return its socket, non-blocking, and the peer's address."""
        sock, address = await self._when_ready(listener, listener.accept)
        sock.setblocking(False)
        return sock, address

    async def sock_recv(self, sock: socket.socket, limit: int) -> bytes:
        """Wait for bytes; return up to ``limit``. ``b""`` is the end of the stream."""
        return await self._when_ready(sock, lambda: sock.recv(limit))

    async def _when_ready(self, sock: socket.socket, call: Callable[[], T]) -> T:
        while True:
            # First wait, then call: so a peer that sends without end keeps nobody out.
            await self.ready(sock, READ)
            with suppress(BlockingIOError):  # readiness is a hint
                return call()

    async def sock_sendall(self, sock: socket.socket, data: bytes) -> None:
        """Send all of ``data``; wait whenever there is no room."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[sock.send(rest) :]
            except BlockingIOError:
                await self.ready(sock, WRITE)

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Connect to ``address``, an IP address and a port. Raises OSError."""
        try:
            sock.connect(address)
        except BlockingIOError:
            await self.ready(sock, WRITE)  # when it has failed it is writable too
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number:
                raise OSError(number, f"cannot connect to {address}") from None

    async def run_in_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Call it in a thread, for it may block; wait for its outcome. Nothing ends the thread."""
        future: Future[T] = Future(self)

        def work() -> None:
            try:
                self.call_soon_threadsafe(settle, future, function(*args))
            except BaseException as error:
                self.call_soon_threadsafe(fail, future, error)

        threading.Thread(target=work, daemon=True).start()
        return await future

    def gather(self, *parts: Coroutine[Any, Any, Any] | Future[Any]) -> Gathering:
        """Run all of them at once; await the list of their results, or the first exception."""
        futures = [part if isinstance(part, Future) else self.spawn(part) for part in parts]
        return Gathering(futures, self)

    def timeout(self, seconds: float) -> Timeout:
        """``async with loop.timeout(2):`` raises TimeoutError if the block takes longer."""
        return Timeout(self, seconds)
