"""How does a connection end? Each of its two directions may end alone, and a break ends both.

    endings()                        the table state × event, made on real sockets

Nothing tells a program the state of its connection. What it can know is what ``recv`` and ``send`` say; two
states of which they say the same are one. So the next state in the table is the one that answers alike.

Read two_ends.py first. Next: endings_board.py.
"""

import html
from typing import NamedTuple

from course_lib.lab.two_ends import THEY_CLOSE, THEY_END, THEY_RESET, WE_END, Wire

STATES: dict[str, tuple[str, ...]] = {
    "open": (),
    "they ended": (THEY_END,),
    "they closed": (THEY_CLOSE,),
    "we ended": (WE_END,),
    "both ended": (THEY_END, WE_END),
    "broken off": (THEY_RESET,),
}
"""Each state with a way that leads to it from a new connection."""

EVENTS = (WE_END, THEY_END, THEY_CLOSE, THEY_RESET)
IMPOSSIBLE = "–"


class Answers(NamedTuple):
    """What the calls say in one state."""

    recv: str
    send: str
    """Two of them, one after the other."""


class Row(NamedTuple):
    """A state, what the calls say in it, and the state after each of EVENTS."""

    state: str
    answers: Answers
    after: tuple[str, ...]


class Endings:
    """The table; ``rows`` holds it as data. It holds nothing that varies from run to run."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.head = ("state", "recv(10)", "send, and once more", *(f"after {event}" for event in EVENTS))

    def __repr__(self) -> str:
        lines = [self.head, *((row.state, *row.answers, *row.after) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(f"{word:{width}}" for word, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        head = _html_row("th", [whole(word).replace("after&nbsp;", "after<br>") for word in self.head])
        rows = "".join(
            _html_row("td", [f"<b>{whole(row.state)}</b>", *map(_code, row.answers), *map(whole, row.after)])
            for row in self.rows
        )
        return {"text/html": f"<table>{head}{rows}</table>", "text/plain": repr(self)}


def _html_row(tag: str, cells: list[str]) -> str:
    # JupyterLab aligns the cells of a table to the right, whatever they say; a block inside may differ.
    inner = "".join(f'<{tag}><div align="left">{cell}</div></{tag}>' for cell in cells)
    return f"<tr>{inner}</tr>"


def whole(words: str) -> str:
    """Return ``words`` as HTML that stays in one line."""
    return html.escape(words).replace(" ", "&nbsp;")


def _code(words: str) -> str:
    return f"<code>{whole(words)}</code>"


def answers(path: tuple[str, ...]) -> Answers | None:
    """Walk ``path`` on new connections, and ask; None where a step is impossible."""
    with Wire() as one, Wire() as other:
        for step in path:
            for wire in (one, other):
                if step.startswith("they") and wire.they_are_gone:
                    return None
                wire.do(step)
        first, second = other.do("we: send(4 bytes)"), other.do("we: send(4 bytes)")
        return Answers(one.do("we: recv(10)"), first if first == second else f"{first}, then {second}")


def endings() -> Endings:
    """Make every state, and every state after each event, on real sockets; about two seconds."""
    known = {state: answers(path) for state, path in STATES.items()}
    names = {said: state for state, said in known.items()}
    rows = []
    for state, path in STATES.items():
        after = [answers((*path, event)) for event in EVENTS]
        words = tuple(IMPOSSIBLE if said is None else names.get(said, "another") for said in after)
        rows.append(Row(state, known[state] or Answers("", ""), words))
    return Endings(rows)
