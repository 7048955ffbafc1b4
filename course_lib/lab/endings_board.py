"""The table of endings.py, one step at a time: buttons for a real connection.

    endings_board()                                 the board, with buttons, in JupyterLab
    play("they: close()", "we: recv(10)")           the same steps as text

A board is kept by its name: the next one ends its predecessor, and nothing is left of that.

Read endings.py and named.py first.
"""

import html
import threading
from typing import Any

from course_lib.lab.endings import IMPOSSIBLE
from course_lib.lab.named import ByName, Shown
from course_lib.lab.two_ends import ACTIONS, Wire

ANEW = "a new connection"

TEXT = """\
One connection: buttons for what we do and for what they do, and the answer of each call.
The buttons are shown in JupyterLab, when this cell is run there.
Without them, play() takes the same steps."""


class Session:
    """One connection at a time, and what has been done with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # JupyterLab calls back on a thread of its own
        self._wire: Wire | None = None
        self.log: list[tuple[str, str, str]] = []
        """For each step: what was done, what the call said, what select says of our end now."""

    def press(self, action: str) -> None:
        """Do one of ACTIONS, or take a new connection."""
        with self._lock:
            if action == ANEW or self._wire is None:
                self._renew()
            if action != ANEW and self._wire is not None:
                gone = action.startswith("they") and self._wire.they_are_gone
                said = IMPOSSIBLE if gone else self._wire.do(action)
                self.log.append((action, said, self._wire.ready()))

    def _renew(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = Wire()
        self.log = [(ANEW, "", self._wire.ready())]

    def end(self) -> None:
        """Close the connection. Any number of times."""
        with self._lock:
            if self._wire is not None:
                self._wire.close()
                self._wire = None

    def __repr__(self) -> str:
        return "\n".join(f"{done:24} {said:12} our end is {ready}".rstrip() for done, said, ready in self.log)


class Board:
    """The widgets. They are made once; later only their values are set."""

    def __init__(self, session: Session) -> None:
        import ipywidgets as widgets

        self.session = session
        self.log = widgets.HTML()
        rows = []
        for who in ("we", "they"):
            buttons = [
                widgets.Button(description=action.removeprefix(f"{who}: "), layout={"width": "170px"})
                for action in ACTIONS
                if action.startswith(who)
            ]
            for button in buttons:
                button.on_click(lambda button, who=who: self.press(f"{who}: {button.description}"))
            rows.append(widgets.HBox([widgets.HTML(f"<b>{who}</b>", layout={"width": "50px"}), *buttons]))
        anew = widgets.Button(
            description=ANEW, icon="refresh", button_style="primary", layout={"width": "220px"}
        )
        anew.on_click(lambda _: self.press(ANEW))
        self.box = widgets.VBox([*rows, anew, self.log], layout={"max_width": "980px"})
        self.press(ANEW)

    def press(self, action: str) -> None:
        self.session.press(action)
        self.log.value = table(self.session.log)


def table(log: list[tuple[str, str, str]]) -> str:
    """Return the steps as HTML."""
    cells = [("<b>what was done</b>", "<b>it said</b>", "<b>select says of our end</b>")]
    cells += [(html.escape(done), f"<code>{html.escape(said)}</code>", ready) for done, said, ready in log]
    rows = ["".join(f'<td><div align="left">&nbsp;{word}&nbsp;</div></td>' for word in row) for row in cells]
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


class EndingsBoard(Shown):
    """What ``endings_board`` returns. The board, and the connection, are made when it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session()

    def make_board(self) -> Any:
        return Board(self.session)

    def end(self) -> None:
        self.session.end()

    def __repr__(self) -> str:
        return TEXT


_boards: ByName[EndingsBoard] = ByName()


def endings_board(name: str = "endings") -> EndingsBoard:
    """Return a new board, and end the last one of that ``name``."""
    return _boards.start(name, EndingsBoard)


def play(*actions: str) -> Session:
    """Do the ACTIONS on a new connection, and close it; return the session, which tells what came of them."""
    session = Session()
    for action in (ANEW, *actions):
        session.press(action)
    session.end()
    return session
