"""One thread for all clients: no call waits, so it asks each of them again and again.

Every client is served. The price is that the server never rests: it burns a whole processor to
learn that nothing has happened.

Read connection.py first. Next: ../waker.py, then select_loop.py.
"""

from course_lib.servers.base import Server
from course_lib.servers.connection import Connection


class NonblockingServer(Server):
    name = "nonblocking"
    known_failures = {
        "idle_cpu": "it asks the listener without end whether somebody has come",
        "never_reads": "it asks the client without end whether there is room",
        "descriptor_limit": "it tries accept again at once",
    }

    def set_up(self) -> None:
        self.listener.setblocking(False)
        self.connections: set[Connection] = set()

    def run(self) -> None:
        while not self.stopping:
            self.accept()
            for connection in list(self.connections):
                if connection.wants_read:
                    self.read(connection)
                elif connection.wants_write:
                    self.write(connection)

    def accept(self) -> None:
        sock = self.next_client()
        if sock is not None:
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

    def close(self, connection: Connection) -> None:
        self.connections.discard(connection)
        connection.sock.close()

    def wake(self) -> None:
        pass  # it never sleeps

    def close_all(self) -> None:
        for connection in list(self.connections):
            self.close(connection)
        self.listener.close()
