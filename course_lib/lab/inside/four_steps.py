"""asyncio's loop beside ours, beside the one that the article sketches: four steps, and who takes which.

    four_steps()

Nothing is typed in: each function is taken apart into its statements, and each statement goes to the step
that it belongs to, known by a name in it. What belongs to none of them is shown last. Two columns fit on a
page, so the article's lines, which are few, stand above those of the others.

Read ../small_loops/asking.py, ../../eventloop/reactor.py and rounds.py first. Next: debugging.py.
"""

import ast
import asyncio
import re
from collections.abc import Callable
from html import escape
from typing import Any

from course_lib.eventloop import Reactor
from course_lib.lab.small_loops import asking
from course_lib.lab.source import source_of

STEPS = (
    "1. For how long may it sleep?",
    "2. Who is ready?",
    "3. Whose time has come?",
    "4. Call them",
    "and besides",
)

DEEP = " " * 16
"""What is indented so far is a detail, and is not shown."""

Rules = tuple[tuple[int, str], ...]
"""For each a step, and a pattern: the first that is found in a statement says where it belongs."""

ARTICLE: Rules = ((1, r"check_all"), (3, r"task\.step"), (1, r"self\.asked"), (4, ""))
OURS: Rules = (
    (1, r"_poller\.poll\(|fresh\.clear|fd, number in"),
    (2, r"take_due"),
    (3, r"popleft"),
    (4, r"attend|run_ready|^registered,"),
    (0, ""),
)
ASYNCIO: Rules = (
    (4, r"_timer_cancelled_count|sched_count|^event_list = None|^handle = None"),
    (1, r"event_list"),
    (2, r"end_time"),
    (3, r"ntodo"),
    (0, ""),
)

COLUMNS: tuple[tuple[str, tuple[Callable[..., Any], ...], Rules], ...] = (
    ("the article's sketch", (asking.Loop.run, asking.Loop.check_all), ARTICLE),
    ("our Reactor", (Reactor._patience, Reactor.run_once, Reactor.attend, Reactor.run_ready), OURS),
    ("asyncio", (asyncio.BaseEventLoop._run_once,), ASYNCIO),  # type: ignore[attr-defined]
)


class FourSteps:
    """``parts[column][step]`` holds the lines of one loop that take one step."""

    def __init__(self, parts: dict[str, list[list[str]]]) -> None:
        self.parts = parts

    def __repr__(self) -> str:
        lines = []
        for number, step in enumerate(STEPS[:4]):
            takes = [name for name, steps in self.parts.items() if steps[number]]
            lines.append(f"{step:30} {', '.join(takes)}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        first, *others = self.parts
        head = "".join(f'<th width="50%">{left(escape(name))}</th>' for name in others)
        rows = "".join(
            f'<tr><td colspan="2">{left(f"<b>{escape(step)}</b>")}'
            f"{left(f'{escape(first)}: {code(self.parts[first][number])}')}</td></tr><tr>"
            + "".join(
                f'<td valign="top" style="vertical-align:top">{left(code(self.parts[name][number]))}</td>'
                for name in others
            )
            + "</tr>"
            for number, step in enumerate(STEPS)
        )
        return {"text/html": f"<table><tr>{head}</tr>{rows}</table>", "text/plain": repr(self)}


def four_steps() -> FourSteps:
    """Return the three loops, side by side."""
    return FourSteps({name: taken_apart(functions, rules) for name, functions, rules in COLUMNS})


def taken_apart(functions: tuple[Callable[..., Any], ...], rules: Rules) -> list[list[str]]:
    """Return the lines of ``functions``, step by step."""
    steps: list[list[str]] = [[] for _ in STEPS]
    for function in functions:
        source = source_of(function)
        [definition] = ast.parse(source.text).body
        assert isinstance(definition, ast.FunctionDef)
        for statement in statements(definition.body):
            lines = source.lines[statement.lineno - 1 : statement.end_lineno]
            text = "\n".join(lines)
            step = next(step for step, pattern in rules if re.search(pattern, text.strip()))
            steps[step] += dedented(lines)
    return steps


def statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a function without its docstring; of an endless loop, those within."""
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    if len(body) == 1 and isinstance(body[0], ast.While):
        return body[0].body
    return body


def dedented(lines: list[str]) -> list[str]:
    indent = len(lines[0]) - len(lines[0].lstrip())
    return [line[indent:] for line in lines]


def code(lines: list[str]) -> str:
    if not lines:
        return "has no such step"
    shown: list[str] = []
    for line in lines:
        if not line.startswith(DEEP):
            shown.append(line)
        elif shown[-1] != f"{DEEP}…":
            shown.append(f"{DEEP}…")
    return f"<pre><small>{escape(chr(10).join(shown))}</small></pre>"


def left(content: str) -> str:
    # JupyterLab aligns the cells of a table to the right, whatever they say; a block inside may differ.
    return f'<div align="left">{content}</div>'
