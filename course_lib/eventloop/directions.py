"""Two who wait for one descriptor: one to read, the other to write.

A reactor has one callback for each descriptor. But one task may wait for what a client says while another one
waits for room to answer it. Here each direction has its own callback, on one registration.

Read reactor.py first. Next: traps.py.
"""

import functools
from collections.abc import Callable

from course_lib.eventloop.poller import FileLike, descriptor
from course_lib.eventloop.reactor import Reactor

Callback = Callable[[], object]


class Directions:
    """Who is called when a descriptor is ready for READ, and who when it is ready for WRITE."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._callbacks: dict[int, dict[int, Callback]] = {}

    def watch(self, fileobj: FileLike, event: int, callback: Callback) -> int:
        """Call ``callback()`` whenever it is ready for ``event``, READ or WRITE; return its number.

        Raises RuntimeError where somebody waits for the same already.
        """
        fd = descriptor(fileobj)
        callbacks = self._callbacks.get(fd, {})
        if event in callbacks:
            raise RuntimeError(f"somebody waits already until {fileobj!r} can be read or written")
        register = self._reactor.modify if callbacks else self._reactor.register
        register(fileobj, sum(callbacks) | event, functools.partial(self._on_ready, fd))
        self._callbacks[fd] = callbacks | {event: callback}
        return fd

    def leave(self, fd: int, event: int) -> None:
        """Call that one no more; nothing where there is none."""
        callbacks = self._callbacks.get(fd, {})
        if callbacks.pop(event, None) is None:
            return
        try:
            if callbacks:
                self._reactor.modify(fd, sum(callbacks), functools.partial(self._on_ready, fd))
            else:
                del self._callbacks[fd]
                self._reactor.unregister(fd)
        except (OSError, KeyError):
            pass  # it was closed in the meantime, or the reactor: nobody watches it any more

    def _on_ready(self, fd: int, events: int) -> None:
        for event, callback in list(self._callbacks[fd].items()):
            if event & events:
                callback()
