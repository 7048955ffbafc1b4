"""One thread for all clients, asleep until one of them has something for it: selectors.

The standard library's cover for select, poll, epoll and kqueue: DefaultSelector is the best that
this system has. Beside each registered object it keeps one of ours, ``data``. We keep the function
there that the event is for, so the loop needs to know nothing about listeners and connections.
It is the loop of every event-driven program; asyncio's is built on this module too.

Read epoll_loop.py first. Next: asyncio_base.py.
"""

import selectors
from selectors import EVENT_READ, EVENT_WRITE

from course_lib.servers.base import CROWDED_PAUSE, Server
from course_lib.servers.connection import Connection
from course_lib.waker import Waker


class SelectorsServer(Server):
    name = "selectors"

    def set_up(self) -> None:
        self.listener.setblocking(False)
        self.connections: set[Connection] = set()
        self.waker = Waker()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.waker, EVENT_READ, lambda waker, events: waker.clear())
        self.resume_accepting()

    def run(self) -> None:
        while not self.stopping:
            timeout = CROWDED_PAUSE if self.crowded else None  # seconds
            ready = self.selector.select(timeout)
            if self.crowded:
                self.accept()
            for key, events in ready:
                callback = key.data
                callback(key.fileobj, events)

    def ready(self, connection: Connection, events: int) -> None:
        if events & EVENT_READ:
            self.read(connection)
        if events & EVENT_WRITE and connection in self.connections:  # read may have closed it
            self.write(connection)

    def accept(self) -> None:
        sock = self.next_client()
        if sock is None:
            return
        connection = Connection(sock, self.conversation, self.high_water, self.report)
        self.connections.add(connection)
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
        reading = EVENT_READ if connection.wants_read else 0
        writing = EVENT_WRITE if connection.wants_write else 0
        if reading | writing != connection.events:
            if connection.events:
                self.selector.modify(connection, reading | writing, self.ready)
            else:
                self.selector.register(connection, reading | writing, self.ready)
            connection.events = reading | writing

    def close(self, connection: Connection) -> None:
        self.connections.discard(connection)
        if connection.events:
            self.selector.unregister(connection)  # before the close, which makes its number somebody else's
        connection.sock.close()

    def pause_accepting(self) -> None:
        self.selector.unregister(self.listener)

    def resume_accepting(self) -> None:
        self.selector.register(self.listener, EVENT_READ, lambda listener, events: self.accept())

    def wake(self) -> None:
        self.waker.wake()

    def close_all(self) -> None:
        for connection in list(self.connections):
            self.close(connection)
        self.selector.close()
        self.waker.close()
        self.listener.close()
