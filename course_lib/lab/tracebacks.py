"""Tracebacks side by side: by which calls did each error come about?

    tracebacks(callbacks=error, coroutine=other_error)

Of each call its function and its line. What stands in a cell of the notebook is set off from the rest.

Read stacks.py first.
"""

import html
import linecache
import traceback
from itertools import zip_longest
from typing import NamedTuple

from course_lib.lab.explain import one_line
from course_lib.lab.stacks import display_name, is_cell

GAP = "    "


class Call(NamedTuple):
    """One frame of a traceback."""

    function: str
    """With its class, as in ``Order.on_line``."""

    file: str
    """``""`` for a cell of the notebook."""

    source: str


class Tracebacks:
    """What ``tracebacks`` returns: for each name the calls, the outermost first, and what was raised."""

    def __init__(self, errors: dict[str, BaseException]) -> None:
        self.calls = {name: calls_of(error) for name, error in errors.items()}
        self.raised = {name: one_line(error) for name, error in errors.items()}

    def __repr__(self) -> str:
        columns = [
            [name, "", *(line for call in calls for line in _lines(call)), self.raised[name]]
            for name, calls in self.calls.items()
        ]
        widths = [max(map(len, column)) for column in columns]
        return "\n".join(
            GAP.join(f"{line:{width}}" for line, width in zip(row, widths, strict=True)).rstrip()
            for row in zip_longest(*columns, fillvalue="")
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        width = 100 // len(self.calls)
        head = "".join(f'<th width="{width}%">{_left(html.escape(name))}</th>' for name in self.calls)
        cells = "".join(
            f'<td valign="top">{_left("".join(map(_html, calls)) + _raised(self.raised[name]))}</td>'
            for name, calls in self.calls.items()
        )
        return {
            "text/html": f"<table><tr>{head}</tr><tr>{cells}</tr></table>",
            "text/plain": repr(self),
        }


def tracebacks(**errors: BaseException) -> Tracebacks:
    """Return the tracebacks of ``errors``, to be shown side by side, each under its name."""
    return Tracebacks(errors)


def calls_of(error: BaseException) -> list[Call]:
    """Return the calls that ``error`` has come through, the outermost first."""
    calls = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        source = linecache.getline(code.co_filename, line).strip()
        name = code.co_qualname.rpartition("<locals>.")[2]
        file = "" if is_cell(code.co_filename) else display_name(code.co_filename)
        calls.append(Call(name, file, source))
    return calls


def _lines(call: Call) -> tuple[str, str]:
    where = f"  ({call.file})" if call.file else ""
    return f"{call.function}{where}", f"    {call.source}"


def _html(call: Call) -> str:
    function, source = html.escape(call.function), f"<code>{html.escape(call.source)}</code>"
    if call.file:
        return f'<p><font color="#808080">{function}, {html.escape(call.file)}<br>{source}</font></p>'
    return f"<p><b>{function}</b><br>{source}</p>"


def _raised(words: str) -> str:
    kind, colon, rest = html.escape(words).partition(":")
    return f'<p><font color="#C04A00"><b>{kind}</b></font>{colon}{rest}</p>'


def _left(content: str) -> str:
    # JupyterLab aligns the cells of a table to the right, whatever they say; a block inside may differ.
    return f'<div align="left">{content}</div>'
