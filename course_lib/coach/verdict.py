"""What the coach says of an answer.

Next: desk.py.
"""

import html
import re
from typing import Any, NamedTuple

NOT_TRIED, PASS, FAIL, ERROR = "NOT TRIED", "PASS", "FAIL", "ERROR"

COLORS = {NOT_TRIED: "#666666", PASS: "#007755", FAIL: "#B34700", ERROR: "#A3195B"}
"""Dark enough to be read on white, light enough to be told apart."""


class Verdict(NamedTuple):
    """``outcome`` is NOT TRIED, PASS, FAIL or ERROR; ``facts`` say in pairs what happened."""

    exercise: str
    title: str
    outcome: str
    facts: tuple[tuple[str, str], ...] = ()
    idea: str = ""
    printed: str = ""

    @property
    def passed(self) -> bool:
        return self.outcome == PASS

    @property
    def solved_is_next(self) -> bool:
        """A hint would help."""
        return self.outcome != PASS

    def __str__(self) -> str:
        lines = [f"{self.exercise} {self.title}: {self.outcome}".strip()]
        width = max([len(name) for name, _ in self.facts], default=0) + 2
        for name, words in self.facts:
            first, *rest = words.splitlines() or [""]
            lines += [f"  {name + ':':{width}}{first}", *(" " * (width + 2) + line for line in rest)]
        if self.idea:
            lines.append(f"  {self.idea}")
        if self.printed:
            lines += ["  it printed:", *(f"    {line}" for line in self.printed.splitlines())]
        return "\n".join(lines)

    __repr__ = __str__

    def html(self) -> str:
        """Return the same in color, without styles or scripts: it must show in a notebook nobody trusts."""
        rows = "".join(
            f"<tr><td>{left(f'<b>{html.escape(name)}</b>')}</td><td>{left(lines(words))}</td></tr>"
            for name, words in self.facts
        )
        title = f"{self.exercise} {html.escape(self.title)}"
        parts = [f'<p>{title}: <font color="{COLORS[self.outcome]}"><b>{self.outcome}</b></font></p>']
        parts += [f"<table>{rows}</table>"] * bool(rows)
        parts += [f"<p>{inline(self.idea)}</p>"] * bool(self.idea)
        parts += [f"<p>It printed:</p><pre>{html.escape(self.printed)}</pre>"] * bool(self.printed)
        return left("".join(parts))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": str(self)}


def left(content: str) -> str:
    """Return ``content`` for the cell of a table, where JupyterLab heeds no alignment but a block's own."""
    return f'<div align="left">{content}</div>'


def inline(words: str) -> str:
    """Return ``words`` as HTML, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(words))


def lines(words: str) -> str:
    return "<br>".join(f"<code>{html.escape(line)}</code>" for line in words.splitlines())
