"""One thread for all clients, asleep until one of them has something for it: select.

We hand the kernel two sets of descriptors, those to read from and those to write to. It lets us
sleep, and wakes us with those that are ready: one call on each of them will not block.

The sets travel with every call, so idle clients cost something too, and no descriptor may have
a number of 1024 or more (FD_SETSIZE, man 2 select).

Read nonblocking.py and ../waker.py first. Next: poll_loop.py.
"""

import select

from course_lib.servers.base import CROWDED_PAUSE, Server
from course_lib.servers.connection import Connection
from course_lib.waker import Waker

FD_SETSIZE = 1024


class SelectServer(Server):
    name = "select"

    def set_up(self) -> None:
        self.listener.setblocking(False)
        self.connections: dict[int, Connection] = {}
        self.waker = Waker()
        self.readers = {self.waker.fileno(), self.listener.fileno()}
        self.writers: set[int] = set()

    def run(self) -> None:
        while not self.stopping:
            timeout = CROWDED_PAUSE if self.crowded else None  # seconds
            readable, writable, _ = select.select(self.readers, self.writers, [], timeout)
            if self.crowded:
                self.accept()
            for fd in readable:
                if fd == self.listener.fileno():
                    self.accept()
                elif fd in self.connections:
                    self.read(self.connections[fd])
            for fd in writable:
                if fd in self.connections:  # read may have closed it
                    self.write(self.connections[fd])

    def accept(self) -> None:
        sock = self.next_client()
        if sock is None:
            return
        if sock.fileno() >= FD_SETSIZE:
            self.report(ValueError(f"a client was sent away: select cannot watch descriptor {sock.fileno()}"))
            sock.close()
            return
        connection = Connection(sock, self.conversation, self.high_water, self.report)
        self.connections[sock.fileno()] = connection
        self.write(connection)

    def read(self, connection: Connection) -> None:
        connection.receive()
        self.write(connection)

    def write(self, connection: Connection) -> None:
        connection.flush()
        if connection.done:
            self.close(connection)
        else:
            self.watch(connection)

    def watch(self, connection: Connection) -> None:
        fd = connection.fileno()
        (self.readers.add if connection.wants_read else self.readers.discard)(fd)
        (self.writers.add if connection.wants_write else self.writers.discard)(fd)

    def close(self, connection: Connection) -> None:
        fd = connection.fileno()
        del self.connections[fd]
        self.readers.discard(fd)
        self.writers.discard(fd)
        connection.sock.close()

    def pause_accepting(self) -> None:
        self.readers.discard(self.listener.fileno())

    def resume_accepting(self) -> None:
        self.readers.add(self.listener.fileno())

    def wake(self) -> None:
        self.waker.wake()

    def close_all(self) -> None:
        for connection in list(self.connections.values()):
            self.close(connection)
        self.waker.close()
        self.listener.close()
