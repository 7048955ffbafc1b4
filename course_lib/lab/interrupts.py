"""Ending a server by Ctrl-C, at whatever moment it comes.

Python runs its signal handlers in the main thread, between two of its steps. A thread that is just about
to wait in accept has made its last step: the handler runs when some client has come, perhaps never. What
is done at once, in whatever state the main thread is, is the writing of one byte to the wakeup descriptor
(signal.set_wakeup_fd). So another thread waits for that byte, and calls stop().
"""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stopped_by_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Call ``stop`` from another thread when SIGINT or SIGTERM comes. Only for the main thread."""
    outer, inner = socket.socketpair()
    inner.setblocking(False)  # as set_wakeup_fd asks

    def watch() -> None:
        if outer.recv(1):
            stop()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    wakeup = signal.set_wakeup_fd(inner.fileno(), warn_on_full_buffer=False)
    # A handler of ours must be there, or the byte is not written; there is nothing left for it to do.
    handlers = {number: signal.signal(number, _do_nothing) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)
        inner.close()  # ends the watcher
        watcher.join()
        outer.close()


def _do_nothing(number: int, frame: object) -> None:
    pass
