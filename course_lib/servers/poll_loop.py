"""One thread for all clients, asleep until one of them has something for it: poll.

We register each descriptor once, with a mask of the events we want. There is no limit to the
number of a descriptor, and the answer says for each which events came. Two can come unasked:
POLLHUP and POLLERR, when there is nothing left to wait for.

Still, the whole list travels with every call, so idle clients cost something too. And poll
counts milliseconds, where its neighbors count seconds.

Read select_loop.py first. Next: epoll_loop.py.
"""

import select

from course_lib.servers.base import CROWDED_PAUSE, Server
from course_lib.servers.connection import Connection
from course_lib.waker import Waker


class PollServer(Server):
    name = "poll"
    unavailable = "" if hasattr(select, "poll") else "this system has no poll"

    def set_up(self) -> None:
        self.listener.setblocking(False)
        self.connections: dict[int, Connection] = {}
        self.waker = Waker()
        self.poller = select.poll()
        self.poller.register(self.waker, select.POLLIN)
        self.poller.register(self.listener, select.POLLIN)

    def run(self) -> None:
        while not self.stopping:
            timeout = CROWDED_PAUSE * 1000 if self.crowded else None  # milliseconds
            ready = self.poller.poll(timeout)
            if self.crowded:
                self.accept()
            for fd, events in ready:
                if fd == self.listener.fileno():
                    self.accept()
                elif fd in self.connections:
                    if events & ~select.POLLOUT:  # POLLHUP and POLLERR too: recv tells which it is
                        self.read(self.connections[fd])
                    if events & select.POLLOUT and fd in self.connections:  # read may have closed it
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
        reading = select.POLLIN if connection.wants_read else 0
        writing = select.POLLOUT if connection.wants_write else 0
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
        self.poller.modify(self.listener, select.POLLIN)

    def wake(self) -> None:
        self.waker.wake()

    def close_all(self) -> None:
        for connection in list(self.connections.values()):
            self.close(connection)
        self.waker.close()
        self.listener.close()
