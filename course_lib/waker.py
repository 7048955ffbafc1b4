"""Waking a thread that sleeps in select, from another thread: the self-pipe trick.

select wakes for sockets only. So we give it one more socket to watch, and keep the other end of
it ourselves: a byte sent there is an event like any other. (A socket pair, not a pipe: on
Windows select takes nothing else.)

Read servers/nonblocking.py first. Next: servers/select_loop.py.
"""

import socket


class Waker:
    """Watch ``fileno()`` for reading; ``wake()`` makes it ready, ``clear()`` makes it quiet again."""

    def __init__(self) -> None:
        self._inner, self._outer = socket.socketpair()
        self._inner.setblocking(False)
        self._outer.setblocking(False)

    def fileno(self) -> int:
        return self._inner.fileno()

    def wake(self) -> None:
        """Any thread, any number of times, also after ``close``."""
        try:
            self._outer.send(b"\0")
        except BlockingIOError:
            pass  # full of earlier wake-ups: it will wake
        except OSError:
            pass  # closed: nobody sleeps

    def clear(self) -> None:
        """Take back all wake-ups so far. Only for the thread that sleeps."""
        try:
            while self._inner.recv(4096):
                pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        self._inner.close()
        self._outer.close()
