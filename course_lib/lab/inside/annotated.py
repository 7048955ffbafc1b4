"""One round of asyncio's loop, line by line: its own source, and beside each line what it has done.

Which lines there are depends on the Python that runs, and so does what is shown.

Read tracing.py first. Next: rounds_picture.py.
"""

import asyncio
import inspect
import textwrap
from collections import defaultdict
from html import escape

from course_lib.lab.inside.tracing import Line

VALUES = 3
"""So many values of a variable are shown of a line that has set it more often."""

SET = ("timeout", "event_list", "ntodo", "handle")
"""The variables worth a word."""

# Both can be read on a white page and on a black one.
QUIET, NOTE = "#808080", "#1A7FC4"


class Annotated:
    """``lines`` holds a pair for each line of ``_run_once``: its text, and a note; None: it has not run."""

    def __init__(self, lines: list[tuple[str, str | None]]) -> None:
        self.lines = lines

    def __repr__(self) -> str:
        return "\n".join(
            f"{' ' if did is None else '>'} {text}" + (f"   # {did}" if did else "")
            for text, did in self.lines
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        body = "\n".join(_html(text, did) for text, did in self.lines)
        return {"text/html": f"<pre><small>{body}</small></pre>", "text/plain": repr(self)}


def annotated(ran: list[Line]) -> Annotated:
    """Return the source of ``_run_once``, with what ``ran`` tells of its lines."""
    source, first = inspect.getsourcelines(asyncio.BaseEventLoop._run_once)  # type: ignore[attr-defined]
    values: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for number, names in ran:
        for name, value in names.items():
            if name in SET and value != "None":
                values[number][name].append(value)
    reached = {number for number, _ in ran}
    texts = textwrap.dedent("".join(source)).splitlines()
    return Annotated(
        [
            (text, in_words(values[number]) if number in reached else None)
            for number, text in enumerate(texts, first)
        ]
    )


def in_words(values: dict[str, list[str]]) -> str:
    told = []
    for name, each in values.items():
        shown = [*each[:VALUES], *(["…"] if len(each) > VALUES else [])]
        told.append(f"{name} = {', then '.join(shown)}")
    return "; ".join(told)


def _html(text: str, did: str | None) -> str:
    text = escape(text)
    if did is None:
        return f'<font color="{QUIET}">{text}</font>'
    note = f'   <font color="{NOTE}"># {escape(did)}</font>' if did else ""
    return f"<b>{text}</b>{note}"
