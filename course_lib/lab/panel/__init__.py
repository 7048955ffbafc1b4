"""The server panel: start any rung of the ladder, open clients, and watch who waits for whom.

    panel()            with buttons, in JupyterLab
    p = panel("blocking"); p.start(); p.open(); p.waits()      the same without them

A panel is kept by its name: the next one ends its predecessor, and nothing is left of that.

Read ../../servers/__init__.py first, then waits.py.
"""

from collections.abc import Callable
from typing import Any

from course_lib.conversation import Conversation, Echo
from course_lib.lab.hand_client import HandClient
from course_lib.lab.named import ByName, Shown
from course_lib.lab.panel.session import Session
from course_lib.lab.panel.waits import Waits
from course_lib.lab.servable import check_conversation
from course_lib.servers import LADDER, rung
from course_lib.servers.base import Address

__all__ = ["ThePanel", "Waits", "panel"]

HOW = """\
The buttons start, stop and open a client are shown in JupyterLab, when this cell is run there.
Without them: start("select"), then open() a client, say("hello") something, and ask waits()."""


class ThePanel(Shown):
    """What ``panel`` returns. Its text tells what runs, which clients there are, and who waits for whom."""

    def __init__(self, chosen: str, name: str, conversation: Callable[[], Conversation]) -> None:
        super().__init__()
        self.chosen = chosen
        self.session = Session(name, conversation)

    def start(self, name: str | None = None) -> None:
        """Start the rung of this name, else the chosen one; the server that runs is stopped first.

        Raises UnknownRung, and RuntimeError where this system cannot run it.
        """
        self.chosen = rung(name or self.chosen).name
        self.session.start(self.chosen)

    def stop(self) -> None:
        """Stop the server; the clients stay."""
        self.session.stop()

    def open(self) -> HandClient:
        """Open a client of the server. Raises ValueError when none runs."""
        if self.address is None:
            raise ValueError("no server runs: start one first")
        return self.session.clients.open(self.address)

    def waits(self) -> Waits:
        """Return who waits for whom, as soon as that has settled; two seconds at most."""
        return self.session.settled()

    def end(self) -> None:
        self.session.end()
        if self._board is not None:
            self._board.end()

    @property
    def address(self) -> Address | None:
        """Where the server listens; None while there is none."""
        return self.session.address

    def make_board(self) -> Any:
        from course_lib.lab.panel.board import Board

        return Board(self.session, self.chosen)

    def __repr__(self) -> str:
        if self.session.background is None:
            return f"A server panel. No server runs. Rungs: {', '.join(each.name for each in LADDER)}\n{HOW}"
        state = "serves" if self.session.serving else "has been stopped"
        return f"A server panel. {self.session.rung} {state}.\n{self.waits()}\n{HOW}"


_panels: ByName[ThePanel] = ByName()


def panel(
    server: str = "blocking", conversation: Callable[[], Conversation] = Echo, name: str = "panel"
) -> ThePanel:
    """Return a panel on which ``server`` is chosen, and end the last one of that ``name``.

    Raises UnknownRung for a name that is not on the ladder.
    """
    rung(server)
    check_conversation(conversation)
    return _panels.start(name, lambda: ThePanel(server, name, conversation))
