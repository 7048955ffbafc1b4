"""Who takes part: rungs of the ladder, servers of the learner's own, peers, and programs.

Whoever cannot take part is listed all the same, with the reason, so that nobody looks for a missing line.

Read peers.py and program.py first. Next: pinning.py.
"""

import shlex
import socket
from collections.abc import Callable, Iterable
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

from course_lib.conversation import Conversation, Echo
from course_lib.lab.bench.peers import PEERS, Peer
from course_lib.lab.bench.program import Program
from course_lib.lab.gauntlet.child import Child
from course_lib.lab.servable import build, name_of
from course_lib.servers import LADDER, UnknownRung, rung
from course_lib.servers.base import Address


class BenchError(ValueError):
    """What was asked for cannot be measured; says why in one line."""


ROOM = {
    "blocking": (1, "it serves one client at a time"),
    "thread_pool": (16, "its 16 workers serve 16 clients at a time"),
    "select": (1000, "select takes no descriptor above 1023"),
}
"""How many clients a rung can serve at once, and why not more, where that is not a matter of memory."""


class Entrant(NamedTuple):
    """``make`` starts the process. ``most`` is how many clients it serves at once; ``why`` not more."""

    name: str
    make: Callable[[], "PythonServer | Program"] | None
    most: int | None = None
    why: str = ""
    absent: str = ""
    """Why it cannot take part at all."""

    def refusal(self, connections: int) -> str:
        """Say why it cannot be measured with so many connections; empty where it can."""
        if self.absent:
            return self.absent
        return self.why if self.most is not None and connections > self.most else ""


class PythonServer(Child):
    """A server of the ladder's shape, in a process of its own."""

    def __init__(self, server: Callable[..., Any]) -> None:
        super().__init__(server, Echo)

    def why_gone(self, within: float) -> str:
        """Say why the server has ended, or does so ``within`` seconds; empty where it goes on."""
        return self.end if self.has_died(within) else ""


class PeerServer:
    """A peer in the ladder's shape, as far as the child's process needs it: it is killed, never stopped."""

    def __init__(self, peer: str, address: Address, conversation: Callable[[], Conversation]) -> None:
        self.serve = next(each.serve for each in PEERS if each.name == peer)
        self.listener = socket.create_server(address, backlog=1024)
        self.address: Address = self.listener.getsockname()[:2]

    def serve_forever(self) -> None:
        self.serve(self.listener)

    def stop(self) -> None:
        raise NotImplementedError


def choose(names: Iterable[Any], peers: bool, programs: Iterable[str]) -> list[Entrant]:
    """Return all who take part: programs, then rungs, then peers, each once. Raises BenchError.

    Without any name the whole ladder takes part.
    """
    names = list(names)
    chosen = [a_program(text) for text in programs]
    chosen += [entrant(name) for name in names or LADDER]
    chosen += [a_peer(peer) for peer in PEERS if peers]
    named = {name.lower() for name in names if isinstance(name, str)}
    by_name: dict[str, Entrant] = {}
    for each in chosen:
        if each.absent and each.name in named:
            raise BenchError(f"{each.name} cannot run here: {each.absent}")
        by_name.setdefault(each.name, each)
    return list(by_name.values())


def entrant(server: Any) -> Entrant:
    """Return who takes part as ``server``: a name, a class of the ladder's shape, or a function."""
    if isinstance(server, str):
        for peer in PEERS:
            if peer.name == server.lower():
                return a_peer(peer)
        try:
            server = rung(server)
        except UnknownRung as error:
            raise BenchError(f"{error}, or of the peers {', '.join(peer.name for peer in PEERS)}") from None
    if reason := getattr(server, "unavailable", ""):
        return Entrant(str(server.name), None, absent=reason)
    name = name_of(server)
    if not isinstance(server, type):
        return Entrant(name, partial(PythonServer, partial(of_function, server)))
    return Entrant(name, partial(PythonServer, server), *ROOM.get(name, (None, "")))


def of_function(function: Callable[..., Any], address: Address, conversation: Callable[[], Any]) -> Any:
    return build(function, conversation, address, {})


def a_peer(peer: Peer) -> Entrant:
    if peer.package and find_spec(peer.package) is None:
        return Entrant(peer.name, None, absent=f"not installed: pip install {peer.package}")
    return Entrant(peer.name, partial(PythonServer, partial(PeerServer, peer.name)))


def a_program(text: str) -> Entrant:
    """Return who takes part as NAME=COMMAND."""
    name, equals, command = text.partition("=")
    try:
        words = shlex.split(command)
    except ValueError as error:  # a quotation mark without its partner
        raise BenchError(f"the command of {name.strip() or text!r} cannot be read: {error}") from None
    if not (equals and name.strip() and words):
        raise BenchError(f"a program is given as NAME=COMMAND, not as {text!r}")
    return Entrant(name.strip(), partial(Program, words))
