"""A server on any loop: what a learner has built becomes a rung, for the gauntlet and all instruments.

Read ../servers/coroutines.py first.
"""

import socket
from typing import Any, ClassVar

from course_lib.eventloop import READ
from course_lib.servers.base import CHUNK, CROWDED_PAUSE, Server


class LoopServer(Server):
    """One coroutine for each client, on a loop of ``loop_class``.

    The loop has ``register``, ``unregister``, ``spawn``, ``call_later``, ``sock_recv``, ``sock_sendall``,
    ``run_forever``, ``stop`` (any thread) and ``close``.
    """

    loop_class: ClassVar[Any]

    def set_up(self) -> None:
        self.listener.setblocking(False)
        self.clients: set[socket.socket] = set()
        self.loop = self.loop_class()

    def run(self) -> None:
        self.watch()
        self.loop.run_forever()

    def watch(self) -> None:
        self.loop.register(self.listener, READ, self.accept)

    def accept(self, events: int) -> None:
        sock = self.next_client()
        if sock is not None:
            sock.setblocking(False)
            self.clients.add(sock)
            self.loop.spawn(self.serve(sock))
        elif self.crowded:
            self.loop.unregister(self.listener)
            self.loop.call_later(CROWDED_PAUSE, self.watch)

    async def serve(self, sock: socket.socket) -> None:
        try:
            conversation = self.conversation()
            await self.loop.sock_sendall(sock, conversation.greet())
            while not conversation.closing and (data := await self.loop.sock_recv(sock, CHUNK)):
                await self.loop.sock_sendall(sock, conversation.receive(data))
        except (ConnectionError, TimeoutError):
            pass  # the client is gone
        except Exception as error:
            self.report(error)
        finally:
            self.clients.discard(sock)
            sock.close()

    def wake(self) -> None:
        self.loop.stop()

    def close_all(self) -> None:
        self.loop.close()
        self.listener.close()
        for sock in self.clients:
            sock.close()


def server_on(loop_class: Any) -> type[LoopServer]:
    """Return a class of servers that run on loops of ``loop_class``."""
    # In __main__, as the loop of a cell is: so it travels whole to the process of the gauntlet.
    members = {"loop_class": loop_class, "name": loop_class.__name__, "__module__": "__main__"}
    return type(f"ServerOn{loop_class.__name__}", (LoopServer,), members)
