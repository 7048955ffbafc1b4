"""Who waits for whom? Each thread of a server, and each client, at one moment.

    the server's thread waits in recv, for client 1
    client 1: the server waits for it
    client 2: waits for the server: nobody has accepted it; 3 bytes lie unread

A thread is asked by its stack: the call in which it stands, and the connection of the socket whose method
that is. Of what lies unread the kernel is asked.

Read ../where.py, ../hand_clients.py and ../kernel_connections.py first. Next: session.py.
"""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from course_lib.lab.hand_client import HandClient
from course_lib.lab.hand_clients import HandClients
from course_lib.lab.handle import Background
from course_lib.lab.kernel_connections import Entry, connections_of
from course_lib.lab.stepper.names import size_in_words
from course_lib.lab.where import _threads_of, _Watch
from course_lib.lab.xray.standing import call_of

SETTLE_SECONDS = 0.1
"""A thread that has stood at one line for so long, without work, waits there."""

FOR_MANY = {"select", "poll", "control"}
"""The calls that wait for many descriptors at once."""


class Standing(NamedTuple):
    """One thread of the server."""

    runs: bool
    call: str
    """The call in which it waits, as far as that can be seen."""

    client: str
    """The client for which it waits; ``""`` for none in particular."""

    line: str
    """The line of the server's own code at which it stands."""

    def words(self) -> str:
        if self.runs:
            return "runs: it asks again and again"
        if self.call == "accept":
            return "waits in accept, for a new client"
        if self.client:
            verb = "to read what it is sent" if self.call.startswith("send") else "to say something"
            return f"waits in {self.call}, for {self.client} {verb}"
        if self.call in FOR_MANY:
            return f"waits in {self.call}, for whoever comes first"
        if self.call == "get":
            return "waits for work"
        return f"waits in {self.call}" if self.call else "waits"


class Waits(NamedTuple):
    """All of it, at one moment."""

    ending: str
    """How the server has ended; ``""`` while it runs."""

    threads: tuple[Standing, ...]
    clients: dict[str, str]
    """What is to be said of each client, by its name."""

    def lines(self) -> list[str]:
        """Return a line for each thread of the server."""
        if self.ending:
            return [self.ending]
        return [f"{who} {each.words()}" for who, each in self.grouped()]

    def grouped(self) -> list[tuple[str, Standing]]:
        """Return the threads with their names. Those that do the same are one: which is which is chance."""
        first, *others = self.threads
        counts = Counter(sorted(others, key=Standing.words))
        more = [
            ("one more thread" if n == 1 else f"{n} more threads, each", each) for each, n in counts.items()
        ]
        return [("the server's thread", first), *more]

    def __repr__(self) -> str:
        return "\n".join([*self.lines(), *(f"{name}: {words}" for name, words in self.clients.items())])


class Observer:
    """Looks at one server again and again: only so can it be seen whether a thread waits or runs."""

    def __init__(self, background: Background, clients: HandClients) -> None:
        self.background, self.clients = background, clients
        self._watches: dict[threading.Thread, _Watch] = {}
        self._known: dict[int, Entry] | None = None
        self._table_due = 0.0

    def look(self, fresh: bool = False) -> Waits:
        """Return what is the case now, as far as it has settled; ``fresh`` asks the kernel each time."""
        if fresh:
            self._table_due = 0.0
        if not self.background.alive:
            return Waits(self._ending(), (), self._said([]))
        threads = _threads_of(self.background)
        self._watches = {thread: self._watches.get(thread) or _Watch(thread) for thread in threads}
        standing = tuple(self._standing(thread) for thread in threads)
        return Waits("", standing, self._said(standing))

    def _ending(self) -> str:
        error = self.background.error
        return "no server runs" if error is None else f"the server has died: {error}"

    def _standing(self, thread: threading.Thread) -> Standing:
        watch = self._watches[thread]
        watch.look(SETTLE_SECONDS)
        line = watch.place.source if watch.place else ""
        if not watch.waits:
            return Standing(True, "", "", line)
        name, _, wire, _ = call_of(thread) or ("", -1, None, None)
        client = self.clients.name_of(wire.peer[1]) or "a stranger" if wire else ""
        return Standing(False, name, client, line)

    def _table(self) -> dict[int, Entry] | None:
        """Return the kernel's table, where it is long a little old: a tenth of our time for it is enough."""
        now = time.monotonic()
        if now >= self._table_due:
            self._known = connections_of(self.background.server.address[1])
            self._table_due = now + 10 * (time.monotonic() - now)
        return self._known

    def _said(self, threads: Sequence[Standing]) -> dict[str, str]:
        entries = self._table() if threads else {}
        return {
            client.name: _of_client(client, entries, threads)
            for client in list(self.clients.shown)
            if client.is_open and threads
        }


def _of_client(client: HandClient, entries: dict[int, Entry] | None, threads: Sequence[Standing]) -> str:
    """Return what is to be said of one client."""
    for each in threads:
        if each.client == client.name:
            return "the server waits for it" + (" to read" if each.call.startswith("send") else "")
    if entries is None:
        return "this system does not tell"
    entry = entries.get(client.port)
    if entry is None:
        return "the server has no connection to it any more"
    unread = (
        f"{size_in_words(entry.unread)} lie{'s' if entry.unread == 1 else ''} unread" if entry.unread else ""
    )
    if unread or not entry.accepted:
        accepted = "" if entry.accepted else "nobody has accepted it"
        only = threads[0].client if len(threads) == 1 else ""
        because = f", which waits for {only}" if only else ""
        return f"waits for the server{because}: {', '.join(filter(None, [accepted, unread]))}"
    if len(threads) == 1 and threads[0].runs:
        return "the server asks it again and again"
    if any(each.call in FOR_MANY for each in threads):
        return "the server waits for it, as for all others"
    return "nothing of it lies unread"
