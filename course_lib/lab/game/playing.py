"""One game: five clients, the table, and what came of it; and a scripted player for where nobody can press.

The scripted player is clumsy on purpose. It receives from clients that have said nothing, is
blocked until the limit rescues it, and the others wait for their answers.

Read guests.py and table.py first. Next: comparing.py.
"""

from typing import NamedTuple

from course_lib.lab.game.guests import Party
from course_lib.lab.game.presses import LISTENER, Press
from course_lib.lab.game.table import PROBE_SECONDS, RESCUE_SECONDS, Table
from course_lib.lab.game.visits import ARRIVALS, Arrivals, at_pace

SCRIPT_PACE = 0.25
"""A script needs no second for each press."""

SCRIPT = (
    ("accept", LISTENER),
    ("accept", LISTENER),
    ("recv", "Bob"),  # he thinks, and Ann waits
    ("recv", "Ann"),
    ("send", "Ann"),
    ("accept", LISTENER),
    ("recv", "Cy"),
    ("send", "Cy"),
    ("recv", "Cy"),  # the rest is not there yet, and Dee waits
    ("accept", LISTENER),
    ("recv", "Dee"),
    ("send", "Dee"),
    ("accept", LISTENER),
    ("recv", "Eve"),
    ("send", "Eve"),
    ("wait until ready", "Cy"),
    ("recv", "Cy"),
    ("send", "Cy"),
    ("wait until ready", "Bob"),
    ("recv", "Bob"),
    ("send", "Bob"),
)
"""Which call on which descriptor. ``wait until ready`` presses wait as often as it takes."""


class Game:
    """Clients and table. ``start`` begins, ``end`` sends everybody home; also a context manager."""

    def __init__(
        self, arrivals: Arrivals = ARRIVALS, rescue: float = RESCUE_SECONDS, probe: float = PROBE_SECONDS
    ) -> None:
        self.table = Table(self._name_of, rescue, probe)
        self.party = Party(arrivals, self.table.listener.getsockname())

    def _name_of(self, port: int) -> str:
        return next((guest.visit.name for guest in self.party.guests if guest.port == port), "a stranger")

    def start(self) -> None:
        """Let the clients come."""
        self.party.start()

    def end(self) -> None:
        """Leave no thread and no socket behind. Any thread, any number of times."""
        self.table.close()
        self.party.end()

    def __enter__(self) -> "Game":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class Transcript(NamedTuple):
    """What a player pressed and what came of it; also for how long each client waited, and when all came."""

    presses: list[Press]
    latencies: dict[str, float | None]
    arrivals: Arrivals

    def __repr__(self) -> str:
        return "\n".join(f"{press.call:16}  {press.who:8}  {press.outcome}" for press in self.presses)


def play_script(script: tuple[tuple[str, str], ...] = SCRIPT, pace: float = SCRIPT_PACE) -> Transcript:
    """Play a game by the script, against real clients; about four seconds."""
    presses = []
    with Game(at_pace(ARRIVALS, pace), RESCUE_SECONDS * pace, PROBE_SECONDS * pace) as game:
        for call, who in script:
            if call == "wait until ready":
                presses.append(_wait_until_ready(game.table, who)._replace(call=call))
            elif press := game.table.press(call, who):
                presses.append(press)
        game.party.join(RESCUE_SECONDS)
        return Transcript(presses, game.party.latencies(), game.party.recorded())


def _wait_until_ready(table: Table, who: str) -> Press:
    while (press := table.press("wait", who)) and press.outcome == "not ready":
        pass
    assert press is not None
    return press
