"""The clients of a board: up to six of them, opened by hand, each with a name.

Read hand_client.py first. Next: client_rows.py.
"""

import threading
from collections import deque

from course_lib.lab.hand_client import HandClient
from course_lib.servers.base import Address

MOST = 6
"""So many clients may be open at the same time."""


class HandClients:
    """Up to six open clients, numbered as they come: client 1, client 2."""

    def __init__(self) -> None:
        self.shown: list[HandClient] = []
        """Those that are open, and of the others the last ones; no more than six."""
        self._names: dict[int, str] = {}
        self._order: deque[int] = deque()
        self._count = 0
        self._lock = threading.RLock()

    def open(self, address: Address) -> HandClient:
        """Connect one more. Raises ValueError, with one line, where that is impossible."""
        with self._lock:
            self._make_room()
            client = HandClient(f"client {self._count + 1}")
            self._name(client)
            client.connect(address)
            self._count += 1
            self.shown.append(client)
            return client

    def _make_room(self) -> None:
        if len(self.shown) >= MOST:
            gone = next((each for each in self.shown if not each.is_open), None)
            if gone is None:
                raise ValueError(f"{MOST} clients are open: close one first")
            self.shown.remove(gone)

    def _name(self, client: HandClient) -> None:
        self._names[client.port] = client.name
        self._order.append(client.port)
        while len(self._order) > 20 * MOST:  # a port may come again: not for ever
            self._names.pop(self._order.popleft(), None)

    def name_of(self, port: int) -> str:
        """Return the name of the client that has, or had, this port; ``""`` for a stranger."""
        return self._names.get(port, "")

    def listen(self) -> bool:
        """Let all of them take what has come; return whether anything is new."""
        news = [client.listen() for client in list(self.shown)]  # all of them, hence no generator
        return any(news)

    def clear(self) -> None:
        """Close them all and forget them; the next one is client 1 again."""
        with self._lock:
            for client in self.shown:
                client.close()
            self.shown, self._count = [], 0
            self._names.clear()
            self._order.clear()
