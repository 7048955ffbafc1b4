"""What a judge has in hand: the learner's code in processes, peers on real sockets, and unseen data.

    def judge(exam):
        message = exam.bytes(10)
        with exam.listen() as listener, exam.run(drive, listener.address, 10) as run:
            peer = listener.accept()
            peer.send(message[:4])
            run.settle()
            peer.send(message[4:])
            run.expect(message, idea="recv returns what is there, which may be less than you asked for.")

The end of the exam ends every process and closes every socket.

Read exercise.py and run.py first. Next: desk.py.
"""

import random
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, Self

from course_lib.coach.exercise import Failed
from course_lib.coach.peer import LIMIT, Peer
from course_lib.coach.run import Cargo, Raised, Run
from course_lib.coach.serving import serve_on, unpack_server
from course_lib.lab.gauntlet import judge_scenario
from course_lib.lab.gauntlet.target import describe

Address = tuple[str, int]


class Listener:
    """A listening socket of the judge's."""

    def __init__(self, backlog: int | None = None) -> None:
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.sock.settimeout(LIMIT)
        self.address: Address = self.sock.getsockname()
        self.peers = ExitStack()

    def accept(self, name: str = "") -> Peer:
        """Return the next client as a Peer."""
        try:
            sock, _ = self.sock.accept()
        except OSError:
            raise Failed("nothing yet", "a connection", "nobody connected") from None
        return Peer(self.peers.enter_context(sock), name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.peers.close()
        self.sock.close()


class Exam:
    """``random`` is seeded anew in each exam, so no answer can be learned by heart."""

    def __init__(self, cargo: Cargo) -> None:
        self.cargo = cargo
        self.random = random.Random()
        self.printed = ""
        """The last words of the code that failed."""
        self._open = ExitStack()
        self._runs: list[Run] = []

    def bytes(self, size: int) -> bytes:
        """Return ``size`` random letters."""
        return bytes(self.random.choices(b"abcdefghijklmnopqrstuvwxyz", k=size))

    def word(self, size: int = 8) -> str:
        """Return a random word of ``size`` letters."""
        return self.bytes(size).decode()

    def run(self, driver: Callable[..., Any], *arguments: Any, nofile: int | None = None) -> Run:
        """Call ``driver(learners_object, *arguments)``, a function of a module, in a new process."""
        run = Run(self.cargo, driver, arguments, nofile)
        self._runs.append(run)
        self._open.callback(self._end, run)
        return run

    def raised(self) -> Raised | None:
        """Return an exception of the learner's code that nobody has asked for yet."""
        return next(filter(None, (run.raised() for run in self._runs)), None)

    def serve(self, *arguments: Any, nofile: int | None = None) -> tuple[Run, Address]:
        """Let the learner's server serve: a function of one listener, or a class of the ladder's shape."""
        run = self.run(serve_on, *arguments, nofile=nofile)
        return run, tuple(run.next())

    def listen(self, backlog: int | None = None) -> Listener:
        """Return a new listening socket."""
        return self._open.enter_context(Listener(backlog))

    def connect(
        self, address: Address, name: str = "", idea: str = "", receive_buffer: int | None = None
    ) -> Peer:
        """Connect to the server. With a small ``receive_buffer`` it soon notices that we do not read."""
        sock = self._open.enter_context(socket.socket())
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            with suppress(OSError, AttributeError):  # small segments: its kernel keeps fewer bytes for us
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 512)
        try:
            sock.settimeout(LIMIT)
            sock.connect(address)
        except OSError as error:
            raise Failed("a connection request", "a connection", describe(error), idea) from None
        return Peer(sock, name)

    def pair(self) -> tuple[Peer, Peer]:
        """Return two connected ends, both the judge's."""
        return tuple(Peer(self._open.enter_context(sock)) for sock in socket.socketpair())  # type: ignore[return-value]

    def echo(self, peer: Peer, idea: str, limit: float = LIMIT) -> None:
        """Let ``peer`` send a random word, and expect it back."""
        word = self.bytes(9)
        peer.send(word, idea=idea)
        peer.expect(word, idea, limit)

    def scenario(self, name: str, idea: str = "", limit: float = 2.0) -> None:
        """Put the learner's server through one scenario of the gauntlet; it must answer with an echo."""
        result = judge_scenario(partial(unpack_server, self.cargo), name, limit)
        if result.outcome == "FAIL":
            self.printed = result.printed
            raise Failed(result.sent, result.expected, result.got, idea)

    def scenarios(self, ideas: dict[str, str], limit: float = 2.0) -> None:
        """Put the server through the scenarios named in ``ideas``, each with what its failure means."""
        for name, idea in ideas.items():
            self.scenario(name, idea, limit)

    def _end(self, run: Run) -> None:
        if run.process.is_running():
            self.printed = run.printed() or self.printed
        run.__exit__()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self._open.close()
