"""One thread for all clients, and the loop is a thing of its own: the reactor.

The rungs below *are* loops. Here the loop has gone into ``eventloop/``, which serves whoever registers with
it: this server, another one beside it, a timer. What is left is what we say, as a protocol.

A server on a reactor can speak first: whoever holds a conversation's ``push`` may say something to its client
at any time. And it can end gracefully, for which it needs a timer.

Read ../eventloop/acceptor.py first. Next: coroutines.py.
"""

import socket
from typing import Any

from course_lib.eventloop import Acceptor, Protocol, Reactor, Transport
from course_lib.servers.base import Server


class ReactorServer(Server):
    """``drop_above`` in bytes: a client that has left more than that unread is not told more, but dropped."""

    name = "reactor"
    speaks_first = True  # it gives its conversations a push, as a chat needs it

    def __init__(self, *args: Any, drop_above: int = 1024 * 1024, **limits: Any) -> None:
        self.drop_above = drop_above
        self.draining = False
        super().__init__(*args, **limits)

    def set_up(self) -> None:
        self.reactor = Reactor()
        self.reactor.on_error = self.report
        self.transports: set[Transport] = set()
        """The open connections."""
        self.acceptor = Acceptor(self.reactor, self.listener, self.accept, self.report)

    def run(self) -> None:
        self.reactor.run_forever()

    def accept(self, sock: socket.socket) -> None:
        Transport(self.reactor, sock, ServerProtocol(self), high=self.high_water)

    def wake(self) -> None:
        self.reactor.stop()

    def drain(self, seconds: float = 5.0) -> None:
        """Stop gracefully: let nobody in, send what waits, and end when all clients have left. Any thread.

        Those who have not left after ``seconds`` are cut off.
        """
        self.reactor.call_soon_threadsafe(self._drain, seconds)

    def _drain(self, seconds: float) -> None:
        self.draining = True
        self.acceptor.close()
        self.reactor.call_later(seconds, self.stop)
        for transport in self.transports:
            transport.write_eof()
            # And listen on, though not to answer: closing a socket in which bytes lie unread
            # makes the kernel send a reset, which may overtake our last ones.
            transport.resume_reading()
        self.stop_if_drained()

    def stop_if_drained(self) -> None:
        if self.draining and not self.transports:
            self.stop()

    def close_all(self) -> None:
        self.acceptor.close()
        while self.transports:  # one that is aborted says its last word in the next round
            for transport in self.transports:
                transport.abort()
            self.reactor.run_once(0)
        self.reactor.close()
        self.listener.close()


class ServerProtocol(Protocol):
    """One client, told by its transport what happens to it."""

    __slots__ = ("conversation", "server", "transport")

    def __init__(self, server: ReactorServer) -> None:
        self.server = server
        self.conversation = server.conversation()

    def connection_made(self, transport: Transport) -> None:
        self.transport = transport
        self.server.transports.add(transport)
        self.conversation.push = self.push
        self.say(self.conversation.greet())

    def data_received(self, data: bytes) -> None:
        if not self.server.draining:
            self.say(self.conversation.receive(data))

    def say(self, data: bytes) -> None:
        self.transport.write(data)
        if self.conversation.closing:
            self.transport.close()  # after the last byte has gone out

    def push(self, data: bytes) -> None:
        """Say what was not asked for. Who does not read it cannot be paused, so there must be an end."""
        self.transport.write(data)
        if self.transport.pending > self.server.drop_above:
            self.transport.abort()

    def pause_writing(self) -> None:
        self.transport.pause_reading()  # the buffer is full: hear no more until it drains

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self.server.transports.discard(self.transport)
        self.server.stop_if_drained()
        self.conversation.ended()
