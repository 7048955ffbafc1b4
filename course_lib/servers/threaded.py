"""One thread for each client: every thread may wait, since it waits for its own client only.

Read blocking.py first. Next: thread_pool.py.
"""

import socket
import threading
import time

from course_lib.servers.base import CHUNK, CROWDED_PAUSE, Server
from course_lib.servers.stopping import BlockedSockets


class ThreadedServer(Server):
    name = "threaded"

    def set_up(self) -> None:
        self.blocked = BlockedSockets(self.listener)
        self.threads: set[threading.Thread] = set()

    def run(self) -> None:
        while not self.stopping:
            self.accept()
            if self.crowded:
                time.sleep(CROWDED_PAUSE)

    def accept(self) -> None:
        sock = self.next_client()
        if sock is not None:
            thread = threading.Thread(target=self.serve, args=(sock,), daemon=True)
            self.threads.add(thread)
            try:
                thread.start()
            except RuntimeError as error:  # the system has no room for one more thread
                self.threads.discard(thread)
                sock.close()
                self.report(error)

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
        self.threads.discard(threading.current_thread())

    def wake(self) -> None:
        self.blocked.wake()

    def close_all(self) -> None:
        for thread in list(self.threads):
            thread.join()
        self.listener.close()
