"""A socket that tells the stepper what is done with it: accept, recv, send, close.

A socket that is registered with the observed reactor is made into one, by its class, and so is each that it
accepts. It does all that it did before, and tells of it when the call is made in the reactor's thread.

Read rounds.py first. Next: observed.py.
"""

import errno
import socket
import threading
from typing import Any, Protocol

from course_lib.lab.stepper.names import Names, data_in_words, size_in_words


class Listener(Protocol):
    """Who is told."""

    names: Names

    def did(self, deed: str) -> None: ...
    def adopt(self, sock: socket.socket) -> None: ...


class _Here(threading.local):
    """Who is told of the calls of this thread."""

    listener: Listener | None = None


here = _Here()


def adopted(sock: Any) -> bool:
    """Make a plain socket into one that tells; return whether it is one now."""
    if type(sock) is socket.socket:
        sock.__class__ = TellingSocket
    return isinstance(sock, TellingSocket)


class TellingSocket(socket.socket):
    """It has no attributes of its own: so a plain socket can become one while it is open."""

    __slots__ = ()

    def accept(self) -> tuple[socket.socket, Any]:
        try:
            sock, address = super().accept()
        except BlockingIOError:
            self._tell("accept: nobody else waits")
            raise
        except OSError as error:
            self._tell(f"accept raised {error_in_words(error)}")
            raise
        if here.listener is not None:
            here.listener.adopt(sock)
            here.listener.did(f"accept gave {here.listener.names.of(sock)}")
        return sock, address

    def recv(self, *args: Any) -> bytes:
        try:
            data = super().recv(*args)
        except OSError as error:
            self._failed("recv", error)
            raise
        self._tell(f"recv gave {data_in_words(data)}" + ("" if data else ": it has said its last byte"))
        return data

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        try:
            count = super().recv_into(*args, **kwargs)
        except OSError as error:
            self._failed("recv", error)
            raise
        self._tell(f"recv gave {size_in_words(count)}")
        return count

    def send(self, data: Any, *args: Any) -> int:
        try:
            taken = super().send(data, *args)
        except OSError as error:
            self._failed("send", error)
            raise
        if taken < len(data):
            self._tell(f"send took {size_in_words(taken)} of {size_in_words(len(data))}")
        else:
            self._tell(f"send took {data_in_words(data)}")
        return taken

    def sendall(self, data: Any, *args: Any) -> None:
        try:
            super().sendall(data, *args)
        except OSError as error:
            self._failed("sendall", error)
            raise
        self._tell(f"sendall sent {data_in_words(data)}")

    def shutdown(self, how: int) -> None:
        super().shutdown(how)
        self._tell("shutdown: no more will be sent" if how == socket.SHUT_WR else "shutdown")

    def close(self) -> None:
        was_open = self.fileno() >= 0
        super().close()
        if was_open:
            self._tell("close")

    def _failed(self, call: str, error: OSError) -> None:
        if isinstance(error, BlockingIOError):
            why = "the kernel has no more room" if call.startswith("send") else "nothing is there"
            self._tell(f"{call}: {why}")
        else:
            self._tell(f"{call} raised {error_in_words(error)}")

    def _tell(self, deed: str) -> None:
        if here.listener is not None:
            here.listener.did(f"{here.listener.names.of(self)}: {deed}")


def error_in_words(error: OSError) -> str:
    """Return its type and the name of its number; the number differs from system to system."""
    name = errno.errorcode.get(error.errno or 0)
    return f"{type(error).__name__} ({name})" if name else type(error).__name__
