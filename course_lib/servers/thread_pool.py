"""A fixed number of threads for all clients: memory has a limit, and so has the patience needed.

The accepting thread puts each new connection into a queue; a worker takes it and stays with it
to its end. When all workers have a client, the next client waits in the queue.

(concurrent.futures has a pool, but its threads cannot be daemons: a kernel that ends while a
worker waits in recv would hang.)

Read threaded.py first. Next: connection.py, then nonblocking.py.
"""

import queue
import socket
import threading
import time

from course_lib.servers.base import CHUNK, CROWDED_PAUSE, Server
from course_lib.servers.stopping import BlockedSockets


class ThreadPoolServer(Server):
    name = "thread_pool"
    known_failures = {
        "idle_neighbour": "16 silent clients hold all 16 workers",
    }
    workers = 16

    def set_up(self) -> None:
        self.blocked = BlockedSockets(self.listener)
        self.clients: queue.SimpleQueue[socket.socket | None] = queue.SimpleQueue()
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(self.workers)]

    def run(self) -> None:
        for thread in self.threads:
            thread.start()
        while not self.stopping:
            self.accept()
            if self.crowded:
                time.sleep(CROWDED_PAUSE)

    def work(self) -> None:
        while (sock := self.clients.get()) is not None:
            self.serve(sock)

    def accept(self) -> None:
        sock = self.next_client()
        if sock is not None:
            self.clients.put(sock)

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

    def close_all(self) -> None:
        for _ in self.threads:
            self.clients.put(None)
        for thread in self.threads:
            if thread.is_alive():
                thread.join()
        self.listener.close()
