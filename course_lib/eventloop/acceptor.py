"""Letting clients in: a listener on a reactor.

Read transport.py first. Next: ../servers/reactor_loop.py.
"""

import socket
from collections.abc import Callable

from course_lib.eventloop.poller import READ
from course_lib.eventloop.reactor import Reactor
from course_lib.eventloop.timers import Timer
from course_lib.listening import NO_DESCRIPTORS

BATCH = 16
"""So many clients are let in at once, before those that are in have their turn again."""

PAUSE = 0.1
"""Seconds to leave new clients waiting when there is no room for one more socket."""


class Acceptor:
    """Calls ``on_client(sock)`` for each new connection, and ``on_crowded(error)`` when there is no room.

    If ``on_client`` raises, the connection is closed, and the reactor reports the error. The listener stays
    its owner's, who closes it after the acceptor.
    """

    def __init__(
        self,
        reactor: Reactor,
        listener: socket.socket,
        on_client: Callable[[socket.socket], object],
        on_crowded: Callable[[OSError], object],
    ) -> None:
        listener.setblocking(False)
        self._reactor, self.listener = reactor, listener
        self._on_client, self._on_crowded = on_client, on_crowded
        self._resume: Timer | None = None
        self._crowded = False
        self._open = True
        reactor.register(listener, READ, self._on_ready)

    def _on_ready(self, events: int) -> None:
        for _ in range(BATCH):
            sock = self._accept() if self._open else None  # on_client may have closed it
            if sock is None:
                return
            try:
                self._on_client(sock)
            except BaseException:
                sock.close()
                raise

    def _accept(self) -> socket.socket | None:
        try:
            sock, _address = self.listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None  # nobody else waits, or the client left while it waited
        except OSError as error:
            if error.errno not in NO_DESCRIPTORS:
                raise
            # The client stays in the backlog: the listener stays readable, to watch on is to spin.
            self._pause()
            if not self._crowded:
                self._crowded = True
                self._on_crowded(error)
            return None
        self._crowded = False
        return sock

    def _pause(self) -> None:
        self._reactor.unregister(self.listener)
        self._resume = self._reactor.call_later(PAUSE, self._watch_again)

    def _watch_again(self) -> None:
        self._resume = None
        self._reactor.register(self.listener, READ, self._on_ready)

    def close(self) -> None:
        """Let nobody in any more. Any number of times."""
        if self._open:
            self._open = False
            if self._resume is None:
                self._reactor.unregister(self.listener)
            else:
                self._resume.cancel()
