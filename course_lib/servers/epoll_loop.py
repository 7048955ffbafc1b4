"""One thread for all clients, asleep until one of them has something for it: epoll.

The registrations stay in the kernel, which notes events as they happen. A call sends no list and
brings back only what is ready: idle clients cost nothing. Linux only; macOS and the BSDs have
kqueue, which is like it.

epoll still tells of readiness, no more: we do the reading and the writing ourselves.

Read poll_loop.py first. Next: selectors_loop.py.
"""

import select

from course_lib.servers.base import CROWDED_PAUSE, Server
from course_lib.servers.connection import Connection
from course_lib.waker import Waker


class EpollServer(Server):
    name = "epoll"
    unavailable = "" if hasattr(select, "epoll") else "epoll is part of Linux"

    def set_up(self) -> None:
        self.listener.setblocking(False)
        self.connections: dict[int, Connection] = {}
        self.waker = Waker()
        self.poller = select.epoll()
        self.poller.register(self.waker, select.EPOLLIN)
        self.poller.register(self.listener, select.EPOLLIN)

    def run(self) -> None:
        while not self.stopping:
            timeout = CROWDED_PAUSE if self.crowded else None  # seconds
            ready = self.poller.poll(timeout)
            if self.crowded:
                self.accept()
            for fd, events in ready:
                if fd == self.listener.fileno():
                    self.accept()
                elif fd in self.connections:
                    if events & ~select.EPOLLOUT:  # EPOLLHUP and EPOLLERR too: recv tells which it is
                        self.read(self.connections[fd])
                    if events & select.EPOLLOUT and fd in self.connections:  # read may have closed it
                        self.write(self.connections[fd])

    def accept(self) -> None:
        sock = self.next_client()
        if sock is None:
            return
        connection = Connection(sock, self.conversation, self.high_water, self.report)
        self.connections[sock.fileno()] = connection
        self.poller.register(sock, 0)
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
        reading = select.EPOLLIN if connection.wants_read else 0
        writing = select.EPOLLOUT if connection.wants_write else 0
        if reading | writing != connection.events:
            connection.events = reading | writing
            self.poller.modify(connection, connection.events)

    def close(self, connection: Connection) -> None:
        del self.connections[connection.fileno()]
        self.poller.unregister(connection)  # before the close, which makes its number somebody else's
        connection.sock.close()

    def pause_accepting(self) -> None:
        self.poller.modify(self.listener, 0)

    def resume_accepting(self) -> None:
        self.poller.modify(self.listener, select.EPOLLIN)

    def wake(self) -> None:
        self.waker.wake()

    def close_all(self) -> None:
        for connection in list(self.connections.values()):
            self.close(connection)
        self.poller.close()  # a descriptor like any other
        self.waker.close()
        self.listener.close()
