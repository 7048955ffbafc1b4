"""The twelfth storey: signals.

A signal arrives between any two instructions, where hardly anything may be done. So Python only writes its
number into a socket (``signal.set_wakeup_fd``), and the loop, which reads there, calls the handler when it is
safe: the self-pipe trick once more (../../waker.py).

Read pipe_ends.py first. Next: subprocesses.py.
"""

import inspect
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

from course_lib.eventloop.aio.handles import Handle
from course_lib.eventloop.aio.pipe_ends import Pipes
from course_lib.eventloop.poller import READ


class Signals(Pipes):
    """``add_signal_handler``; only in the main thread, as Python has it."""

    def __init__(self) -> None:
        super().__init__()
        self._signal_handlers: dict[int, Handle] = {}
        self._signal_sockets: tuple[socket.socket, socket.socket] | None = None

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: Any) -> None:  # type: ignore[override]
        """Call ``callback(*args)`` in the loop when ``sig`` comes. Raises RuntimeError where none can."""
        if inspect.iscoroutine(callback) or inspect.iscoroutinefunction(callback):
            raise TypeError("coroutines cannot be used with add_signal_handler()")
        check_signal(sig)
        self._check_closed()
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("signals can be caught in the main thread only")
        try:
            self._listen_for_signals()
            signal.signal(sig, do_nothing)  # with any handler at all, Python writes the number
            signal.siginterrupt(sig, False)
        except (ValueError, OSError) as error:
            self._listen_no_more()
            raise RuntimeError(f"sig {sig} cannot be caught: {error}") from error
        self._signal_handlers[sig] = self._handle(callback, args, self)

    def remove_signal_handler(self, sig: int) -> bool:
        """Give the signal back to Python; return whether there was a handler."""
        check_signal(sig)
        if self._signal_handlers.pop(sig, None) is None:
            return False
        signal.signal(sig, signal.default_int_handler if sig == signal.SIGINT else signal.SIG_DFL)
        self._listen_no_more()
        return True

    def _listen_for_signals(self) -> None:
        if self._signal_sockets is None:
            ours, pythons = socket.socketpair()
            ours.setblocking(False)
            pythons.setblocking(False)
            self._signal_sockets = ours, pythons
            self._reactor.register(ours, READ, lambda events: self._signals_came(ours))
        signal.set_wakeup_fd(self._signal_sockets[1].fileno())

    def _signals_came(self, ours: socket.socket) -> None:
        for sig in ours.recv(4096):
            handle = self._signal_handlers.get(sig)
            if handle is not None:
                self._reactor.call_soon(handle._run)

    def _listen_no_more(self) -> None:
        """Close the sockets when no handler is left."""
        if not self._signal_handlers and self._signal_sockets is not None:
            ours, pythons = self._signal_sockets
            self._signal_sockets = None
            signal.set_wakeup_fd(-1)
            if not self._closed:
                self._reactor.unregister(ours)
            ours.close()
            pythons.close()

    def close(self) -> None:
        super().close()
        for sig in list(self._signal_handlers):
            self.remove_signal_handler(sig)


def check_signal(sig: object) -> None:
    """Raise TypeError or ValueError where ``sig`` is no signal of this system."""
    if not isinstance(sig, int):
        raise TypeError(f"sig must be an int, not {sig!r}")
    if sig not in signal.valid_signals():
        raise ValueError(f"invalid signal number {sig}")


def do_nothing(sig: int, frame: object) -> None:
    """The number has been written already."""
