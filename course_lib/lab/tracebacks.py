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
    """What ``tracebacks`` returns: for each name the calls, the outermost first, and what was raised.

    They are aligned at their ends, where the errors are.
    """

    def __init__(self, errors: dict[str, BaseException]) -> None:
        self.calls = {name: calls_of(error) for name, error in errors.items()}
        self.raised = {name: one_line(error) for name, error in errors.items()}

    def _rows(self) -> list[tuple[Call | None, ...]]:
        """Return the calls, row by row; None above the first one of a shorter traceback."""
        from_the_end = zip_longest(*(reversed(calls) for calls in self.calls.values()))
        return list(from_the_end)[::-1]

    def __repr__(self) -> str:
        rows = [tuple(self.calls), *[("",) * len(self.calls)]]
        for calls in self._rows():
            rows += zip(*map(_lines, calls), strict=True)
        rows.append(tuple(self.raised.values()))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            GAP.join(f"{line:{width}}" for line, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        width = 100 // len(self.calls)
        head = "".join(f'<th width="{width}%">{_left(html.escape(name))}</th>' for name in self.calls)
        rows = [map(_html, calls) for calls in self._rows()]
        rows.append(map(_raised, self.raised.values()))
        body = "".join(f"<tr>{''.join(f'<td>{_left(cell)}</td>' for cell in row)}</tr>" for row in rows)
        return {"text/html": f"<table><tr>{head}</tr>{body}</table>", "text/plain": repr(self)}


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


def _lines(call: Call | None) -> tuple[str, str]:
    if call is None:
        return "", ""
    where = f"  ({call.file})" if call.file else ""
    return f"{call.function}{where}", f"    {call.source}"


def _html(call: Call | None) -> str:
    if call is None:
        return ""
    function, source = html.escape(call.function), f"<code>{html.escape(call.source)}</code>"
    if call.file:
        return f'<font color="#808080">{function}, {html.escape(call.file)}<br>{source}</font>'
    return f"<b>{function}</b><br>{source}"


def _raised(words: str) -> str:
    kind, colon, rest = html.escape(words).partition(":")
    return f'<font color="#C04A00"><b>{kind}</b></font>{colon}{rest}'


def _left(content: str) -> str:
    # JupyterLab aligns the cells of a table to the right, whatever they say; a block inside may differ.
    return f'<div align="left">{content}</div>'
