"""One thread, one client at a time: the server that everybody writes first.

Each call here waits until it has something to return. A server that waits for the client it
serves waits for nobody else.

Read base.py first. Next: stopping.py, then threaded.py.
"""

import socket
import time

from course_lib.servers.base import CHUNK, CROWDED_PAUSE, Server
from course_lib.servers.stopping import BlockedSockets


class BlockingServer(Server):
    name = "blocking"
    known_failures = {
        "idle_neighbour": "it waits in recv for the first silent client and accepts nobody else",
        "never_reads": "it waits in sendall until the client reads, and accepts nobody else",
    }

    def set_up(self) -> None:
        self.blocked = BlockedSockets(self.listener)

    def run(self) -> None:
        while not self.stopping:
            self.accept()
            if self.crowded:
                time.sleep(CROWDED_PAUSE)

    def accept(self) -> None:
        sock = self.next_client()
        if sock is not None:
            self.serve(sock)

    def serve(self, sock: socket.socket) -> None:
        with self.blocked.adopt(sock):
            try:
                conversation = self.conversation()
                sock.sendall(conversation.greet())
                while not conversation.closing and (data := sock.recv(CHUNK)):
                    sock.sendall(conversation.receive(data))
            except (ConnectionError, TimeoutError):
                pass  # the client is gone
            except Exception as error:
                self.report(error)

    def wake(self) -> None:
        self.blocked.wake()
