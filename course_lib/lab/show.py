"""Showing code in a notebook: the very lines that run, and never a copy of them.

``show(obj)`` shows a source and says where it stands; ``show(a, b)`` shows what the second changes.

Read source.py first.
"""

import ast
import re
from difflib import SequenceMatcher
from types import ModuleType

from course_lib.lab.source import Source, source_of

CONTEXT = 1
"""Equal lines that a diff shows before and after each change."""

DEFINITION = re.compile(r"\s*((?:async def|def|class) \w+)")


class Shown:
    """Code on display. Its text is the code alone; where Markdown is understood, it has colors and a link."""

    def __init__(self, heading: str, language: str, code: str) -> None:
        self.heading = heading
        self.language = language
        self.code = code

    def __repr__(self) -> str:
        return self.code

    def _repr_markdown_(self) -> str:
        fence = "```"
        while fence in self.code:  # a fence ends at the first that is as long
            fence += "`"
        return f"{self.heading}\n\n{fence}{self.language}\n{self.code}\n{fence}"


def show(obj: object, other: object = None) -> Shown:
    """Show the source of a function, method, class or module; of two, the lines in which they differ.

    Raises TypeError for what has no source in Python.
    """
    source = source_of(obj)
    if other is None:
        return Shown(_heading(source), "python", source.text)
    heading = f"{_heading(source)} → {_heading(source_of(other))}"
    return Shown(heading, "diff", "\n".join(_diff(_body(obj), _body(other))) or "no difference")


def _heading(source: Source) -> str:
    """Say where the source stands, with a link that works from the folder of the notebooks."""
    lines = f"lines {source.first}-{source.last}" if source.last > source.first else f"line {source.first}"
    if not source.file:
        return f"a cell of this notebook, {lines}"
    if not source.file.startswith("course_lib/"):
        return f"`{source.file}`, {lines}"
    return f"[`{source.file}`](../{source.file}#L{source.first}-L{source.last}), {lines}"


def _body(obj: object) -> list[str]:
    """Return the lines without the docstring of a module: those always differ, and hide what does."""
    source = source_of(obj)
    if isinstance(obj, ModuleType):
        first = ast.parse(source.text).body[:1]
        if first and isinstance(first[0], ast.Expr) and isinstance(first[0].value, ast.Constant):
            return source.lines[first[0].end_lineno :]
    return source.lines


def _diff(old: list[str], new: list[str]) -> list[str]:
    """Return a unified diff, with the name of the function where others have line numbers."""
    text = []
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT):
        tag, old_start, _, new_start, _ = next(change for change in group if change[0] != "equal")
        text.append(
            f"@@ {_definition(old, old_start) if tag == 'delete' else _definition(new, new_start)} @@"
        )
        for tag, i, j, k, m in group:
            if tag == "equal":
                text += [f" {line}".rstrip() for line in old[i:j]]
            else:
                text += [f"-{line}" for line in old[i:j]] + [f"+{line}" for line in new[k:m]]
    return text


def _definition(lines: list[str], index: int) -> str:
    """Return the name of the function or class that line ``index`` is in."""
    for line in reversed(lines[: index + 1]):
        if match := DEFINITION.match(line):
            return match[1]
    return "at the top"
