"""A connection with a buffer: the transport. It moves the bytes of a protocol, and no call to it waits.

Three things want care. *WRITE only while needed*: a socket is nearly always writable; watched for that
without need, it wakes the reactor without end. *Backpressure*: a peer that does not read must not fill our
memory. *Half-close*: the end of what a peer says is not the end of what it hears.

Read endpoint.py first. Next: acceptor.py.
"""

import socket

from course_lib.eventloop.buffers import SendBuffer
from course_lib.eventloop.endpoint import Endpoint
from course_lib.eventloop.poller import READ, WRITE
from course_lib.eventloop.protocol import Protocol
from course_lib.eventloop.reactor import Reactor

CHUNK = 64 * 1024
"""The most bytes that one recv may return. One recv a round: who sends without end delays nobody."""


class Transport(Endpoint):
    """Connects ``sock`` and ``protocol``. The watermarks are ``high`` and ``low``, in bytes (see SendBuffer).

    Only for the thread that runs the reactor. An error of the connection is raised nowhere here: it ends in
    the protocol's ``connection_lost``. A protocol that raises loses its connection.
    """

    __slots__ = ("_buffer", "_closing", "_ended", "_finishing", "_reading", "_recv", "_send")

    def __init__(self, reactor: Reactor, sock: socket.socket, protocol: Protocol, **watermarks: int) -> None:
        super().__init__(reactor, sock, protocol)
        self._recv, self._send = sock.recv, sock.send
        self._buffer = SendBuffer(**watermarks)
        self._reading = True  # the protocol wants to hear
        self._ended = False  # the peer has said its last byte
        self._finishing = False  # the protocol has said its last byte
        self._closing = False  # and wants to hear nothing more
        self.tell(protocol.connection_made, self)
        self._watch()

    def write(self, data: bytes) -> None:
        """Send ``data``, now or when there is room; it is dropped after ``close``, ``write_eof``."""
        if self._finishing or not data:
            return
        if not self.events & WRITE:  # nothing waits
            try:
                sent = self._send(data)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                return self.lose(error)
            if sent == len(data):
                return
            data = data[sent:]
        is_too_much = self._buffer.append(data)
        self._watch()
        if is_too_much:
            self.protocol.pause_writing()

    def write_eof(self) -> None:
        """Say that no more will come, after all that waits. Reading goes on: half-close."""
        if not self._finishing:
            self._finishing = True
            self._finish()

    def close(self) -> None:
        """Hear nothing more, send what waits, then end the connection."""
        self._finishing = self._closing = True
        self.pause_reading()
        self._finish()

    def abort(self) -> None:
        """End the connection at once; what waits is lost."""
        self.lose(None)

    def pause_reading(self) -> None:
        """Leave what comes to the kernel, which makes the sender wait when it has enough."""
        self._reading = False
        self._watch()

    def resume_reading(self) -> None:
        """Take again what comes; not after ``close``, and not after the end of the stream."""
        self._reading = not (self._closing or self._ended)
        self._watch()

    @property
    def pending(self) -> int:
        """How many bytes wait to be sent."""
        return len(self._buffer)

    def on_ready(self, events: int) -> None:
        if events & WRITE and self._buffer:
            self._flush()
        if not (events & READ and self._reading):
            return
        try:
            data = self._recv(CHUNK)
        except BlockingIOError:
            return  # readiness is a hint
        except OSError as error:
            return self.lose(error)
        if not data:
            return self._end()
        try:
            self.protocol.data_received(data)
        except BaseException:  # as tell does it, with one call less for each message
            self.lose(None)
            raise

    def _end(self) -> None:
        self._ended = True
        self.pause_reading()
        if not self.tell(self.protocol.eof_received):
            self.close()

    def _flush(self) -> None:
        try:
            has_room = self._buffer.flush(self._send)
        except BlockingIOError:
            return
        except OSError as error:
            return self.lose(error)
        self._watch()
        if has_room:
            self.tell(self.protocol.resume_writing)
        self._finish()

    def _finish(self) -> None:
        """Do what was promised for the moment at which nothing waits any more."""
        if self._buffer or self.lost or not self._finishing:
            return
        if self._closing:
            return self.lose(None)
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.lose(error)

    def _watch(self) -> None:
        self.watch((READ if self._reading else 0) | (WRITE if self._buffer else 0))

    def lose(self, error: Exception | None) -> None:
        self._finishing = self._closing = True
        self._reading = False
        self._buffer.clear()
        super().lose(error)
