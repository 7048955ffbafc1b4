"""What all rungs of the ladder share: a listening socket, limits, a beginning, and an end.

How a server waits, reads and writes is *not* here: that is what the rungs differ in. Each rung says what it
holds (``set_up``, ``close_all``), how it runs (``run``) and how another thread wakes it (``wake``); this file
turns those into ``serve_forever`` and ``stop``.

Read ../listening.py first. Next: blocking.py.
"""

import socket
import sys
import threading
from collections.abc import Callable
from typing import ClassVar

from course_lib.conversation import Conversation, Echo
from course_lib.listening import NO_DESCRIPTORS, listen

Address = tuple[str, int]

CHUNK = 64 * 1024
"""The most bytes that one recv may return."""

CROWDED_PAUSE = 0.1
"""Seconds to leave new clients waiting when there is no room for one more socket."""


class Server:
    """The shape of every rung.

    ``address`` is the host and port to bind; port 0 lets the system choose. The socket is bound and listening
    when the constructor returns. Raises OSError when that is impossible.
    """

    name: ClassVar[str]
    """Its name on the ladder and on the command line."""

    known_failures: ClassVar[dict[str, str]] = {}
    """The scenarios of the gauntlet that it fails, each with the reason."""

    unavailable: ClassVar[str] = ""
    """Why this system cannot run it; empty where it can."""

    def __init__(
        self,
        address: Address = ("127.0.0.1", 0),
        conversation: Callable[[], Conversation] = Echo,
        *,
        backlog: int = 1024,
        high_water: int = 256 * 1024,
    ) -> None:
        self.conversation = conversation
        self.backlog = backlog
        self.high_water = high_water
        """Bytes of answers waiting for a client; from there on nothing more is read from it."""
        self.on_error: Callable[[BaseException], object] = print_error
        self.stopping = False
        self.crowded = False
        """True while there is no room for one more socket."""
        self._serving = False
        self._lock = threading.RLock()
        self.listener = listen(address, backlog)
        self.address: Address = self.listener.getsockname()[:2]
        try:
            self.set_up()
        except BaseException:
            self.listener.close()
            raise

    def serve_forever(self) -> None:
        """Serve until ``stop()``; blocks the thread that calls it. Leaves no socket and no thread behind."""
        try:
            with self._lock:
                self._serving = True
            if not self.stopping:
                self.run()
        finally:  # also after an exception, such as Ctrl-C
            self.stopping = True
            self.wake()
            self.close_all()
            self._serving = False

    def stop(self) -> None:
        """Make ``serve_forever`` return within a second. Any thread, any number of times, before or after."""
        with self._lock:
            self.stopping = True
            serving = self._serving
            if not serving:
                self.close_all()
        if serving:
            self.wake()  # without the lock: a rung has locks of its own

    def set_up(self) -> None:
        """Make what the rung needs beside the listener. Called once, by the constructor."""

    def run(self) -> None:
        """Serve until ``self.stopping``."""
        raise NotImplementedError

    def wake(self) -> None:
        """End every wait of ``run``, from another thread; ``self.stopping`` is already set."""
        raise NotImplementedError

    def close_all(self) -> None:
        """Close every socket and join every thread. ``run`` is over; may be called twice."""
        self.listener.close()

    def next_client(self) -> socket.socket | None:
        """Accept one connection; None where there is none to be had now."""
        try:
            sock, _ = self.listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            sock = None  # nobody is waiting, or the client left while it waited
        except OSError as error:
            if self.stopping:  # wake() has shut the listener down
                return None
            if error.errno not in NO_DESCRIPTORS:
                raise
            # The client stays in the backlog and the listener stays readable: to try again at once would
            # be to spin. So each rung leaves the listener alone for a moment.
            if not self.crowded:
                self.crowded = True
                self.pause_accepting()
                self.report(error)
            return None
        if self.crowded:
            self.crowded = False
            self.resume_accepting()
        return sock

    def pause_accepting(self) -> None:
        """Watch the listener no more: ``crowded`` has just become true."""

    def resume_accepting(self) -> None:
        """Watch the listener again: ``crowded`` has just become false."""

    def report(self, error: BaseException) -> None:
        """Tell of an error that cost one client its connection; the server lives on."""
        self.on_error(error)

    def __repr__(self) -> str:
        host, port = self.address
        state = "stopped" if self.stopping else "serving" if self._serving else "listening"
        return f"<{type(self).__name__} {host}:{port} {state}>"


def print_error(error: BaseException) -> None:
    """Write one line about ``error`` to stderr."""
    print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201
