"""A server in a background thread, as its starter sees it: where it listens, how it fares, how to end it.

Read ../servers/base.py and servable.py first. Next: background.py.
"""

import sys
import threading
import time
from types import TracebackType

from course_lib.lab.explain import one_line
from course_lib.lab.servable import ServerShape
from course_lib.lab.stacks import works_for
from course_lib.lab.waiting import Call
from course_lib.servers.base import Address

STOP_SECONDS = 2.0
"""A server that has not ended so long after ``stop()`` does not obey."""


class ServerDied(RuntimeError):
    """The server's thread was ended by an error, which is this one's ``__cause__``."""


class Background:
    """A server that runs in a thread of its own. Leaving its ``with`` block stops it.

    ``errors`` are those that the server has told of and survived: each cost one client its connection.
    """

    def __init__(self, name: str, server: ServerShape) -> None:
        self.name = name
        self.server = server
        self._error: BaseException | None = None
        self.errors: list[BaseException] = []
        if hasattr(server, "on_error"):
            server.on_error = self.errors.append
        self._asked = False
        self._told = False
        self._lock = threading.Lock()
        # Not Thread.join: interrupted, it says on 3.11 and 3.12 that a running thread has ended.
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        try:
            self.server.serve_forever()
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()

    @property
    def alive(self) -> bool:
        """True while the server's thread runs."""
        return not self._done.is_set()

    @property
    def error(self) -> BaseException | None:
        """What has ended the thread, or None. Who has looked has been told."""
        self._told = self._told or self._error is not None
        return self._error

    @property
    def address(self) -> Address:
        """Host and port. Raises ServerDied when an error has ended the server."""
        if self.error is not None:
            raise self._death() from self.error
        return self.server.address

    @property
    def port(self) -> int:
        """The port alone. Raises ServerDied when an error has ended the server."""
        return self.address[1]

    def wait(self, limit: float = 5.0) -> None:
        """Wait until the server has ended by itself. Raises TimeoutError after ``limit`` seconds."""
        if not self._done.wait(limit):
            raise TimeoutError(f"{self.name} still runs after {limit:g} s")

    def stop(self) -> None:
        """Stop the server and wait until it has ended. Any thread, any number of times.

        Raises ServerDied when an error has ended it and nobody has been told yet; RuntimeError when
        it has not ended after 2 s, which leaves its thread behind; and what its own ``stop`` raises.
        """
        if self._is_calling():
            self._asked = True
            self.server.stop()
            return  # it ends when it goes on from here, so it cannot wait here for its end
        deadline = time.monotonic() + STOP_SECONDS
        asked = self._ask()
        if not asked.has_returned(deadline):
            raise RuntimeError(f"{self.name} does not stop: its stop() does not return")
        if not self._done.wait(deadline - time.monotonic()):
            raise RuntimeError(f"{self.name} does not stop: after stop() its serve_forever() runs on")
        self._thread.join(STOP_SECONDS)  # for the instant between `_done` and the thread's end
        if self._is_news():
            raise self._death() from self._error

    def _is_calling(self) -> bool:
        """Tell whether the thread that asks is one of the server's own."""
        return threading.current_thread() is self._thread or works_for(sys._getframe(), self.server)

    def _ask(self) -> Call:
        self._asked = True
        # In a thread: a learner's stop() may never return, and Ctrl-C must not cut it in two.
        return Call(self.server.stop, f"stop {self.name}")

    def _is_news(self) -> bool:
        """Tell, once, whether an error has ended the server."""
        with self._lock:
            news = self._error is not None and not self._told
            self._told = True
            return news

    def _death(self) -> ServerDied:
        assert self._error is not None
        return ServerDied(f"the server {self.name!r} died: {one_line(self._error)}")

    def __enter__(self) -> "Background":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.stop()
        except Exception as at_stop:
            if error is None:
                raise
            # The error of the block must not be hidden, and this one not be lost.
            error.add_note(as_line(at_stop))

    def __repr__(self) -> str:
        return f"<Background {self.name!r} {self._state()}>"

    def _state(self) -> str:
        if self._error is not None:
            return f"died: {one_line(self._error)}"
        if self.alive:
            state = "stopping" if self._asked else "serving"
        else:
            state = "stopped" if self._asked else "ended"
        return f"{state}, last error: {one_line(self.errors[-1])}" if self.errors else state


def as_line(error: BaseException) -> str:
    """Return one line for ``error``; ours are sentences and need no type."""
    return str(error) if isinstance(error, RuntimeError) else one_line(error)
