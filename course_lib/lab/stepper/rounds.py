"""One round of a reactor, as it is told: what it waited for, what select returned, which callbacks ran.

    round 3: may sleep until the timer heartbeat is due, or something comes
    select returned: client 1 for READ
    client 1: Transport._on_ready ran
        recv gave b'hello'
        send took b'hello'

The words hold no time, no port and no number of a descriptor, so they are the same whenever the same happens.

Read names.py first. Next: telling_socket.py and wrappers.py.
"""

from dataclasses import dataclass, field

DEEDS = 12
"""So many deeds of one callback are told, and the others counted."""

CALLS = 24
"""The same for the callbacks of one round."""


@dataclass
class Ran:
    """One callback that was called."""

    callback: str
    subject: str = ""
    """The descriptor that it is about, or ``""``."""

    source: str = ""
    """Where it came from, where that is not a descriptor: "the ready queue", "its timer"."""

    deeds: list[str] = field(default_factory=list)
    """What it did, in order: to the reactor, and to its sockets."""

    left_out: int = 0
    outcome: str = ""
    """What the step of a task has led to: "waits for its timer", "returned 3"."""

    error: str = ""
    """One line; empty where it raised nothing."""

    traceback: str = ""
    over: bool = False
    """False while it runs."""

    def did(self, deed: str) -> None:
        if len(self.deeds) < DEEDS:
            self.deeds.append(deed)
        else:
            self.left_out += 1

    def title(self) -> str:
        """Return whose callback it is, its name, and where it came from."""
        subject = f"{self.subject}: " if self.subject else ""
        source = f", from {self.source}" if self.source else ""
        return f"{subject}{self.callback} {'ran' if self.over else 'runs'}{source}"

    def effects(self) -> list[str]:
        """Return what it did, line by line."""
        more = [f"and {self.left_out:,} more"] if self.left_out else []
        raised = [f"raised {self.error}"] if self.error else []
        return [*self.deeds, *more, *([self.outcome] if self.outcome else []), *raised]


@dataclass
class Round:
    """One ``run_once``. Number 0 is the building: nothing has run yet."""

    number: int
    patience: str = ""
    """For what the poller was told to wait, or why it does not."""

    asleep: bool = False
    """True while it sleeps in the poller."""

    returned: list[tuple[str, str]] = field(default_factory=list)
    """What select returned: the descriptor and the events."""

    due: list[str] = field(default_factory=list)
    """The timers that were due, and went into the ready queue."""

    ran: list[Ran] = field(default_factory=list)
    left_out: int = 0
    over: bool = False

    def begin(self, ran: Ran) -> None:
        if len(self.ran) < CALLS:
            self.ran.append(ran)
        else:
            self.left_out += 1

    def answer(self) -> str:
        """Return what select returned, in words."""
        if self.asleep:
            return "asleep in select"
        found = ", ".join(f"{name} for {events}" for name, events in self.returned[:CALLS])
        more = len(self.returned) - CALLS
        return f"select returned: {found or 'nothing'}" + (f", and {more} more" if more > 0 else "")

    def summary(self) -> str:
        """Return one line."""
        if not self.number:
            return "build: " + "; ".join(deed for ran in self.ran for deed in ran.effects())
        calls = [f"{ran.subject}: {ran.callback}" if ran.subject else ran.callback for ran in self.ran]
        more = f", and {self.left_out} more" if self.left_out else ""
        return f"round {self.number}: {', '.join(calls) or 'nothing ran'}{more}"

    def __repr__(self) -> str:
        lines = [f"round {self.number}: {self.patience}", self.answer()] if self.number else []
        lines += [f"the timer {name} is due: it goes into the ready queue" for name in self.due]
        for ran in list(self.ran):
            lines += [ran.title(), *(f"    {effect}" for effect in ran.effects())]
        if self.left_out:
            lines.append(f"and {self.left_out} more callbacks ran")
        return "\n".join(lines)
