"""``run_forever`` of asyncio, line by line: its own source, and what each line is there for.

    run_forever_line_by_line()

The lines are those of the Python that runs, and they are counted while a small program runs on them. In newer
versions what comes before the loop and after it is in methods of its own; they stand where they are called.

Read annotated.py first. Next: rounds_picture.py.
"""

import ast
import asyncio
import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from html import escape
from types import CodeType, FrameType
from typing import Any, NamedTuple

from course_lib.lab.inside.annotated import NOTE
from course_lib.lab.source import source_of

NOTES = (
    (r"self\._run_forever_", "a method of its own, which follows"),
    (r"_check_closed", "a loop that has been closed does not run again"),
    (r"_check_running", "nor one that runs already, nor a second one in this thread"),
    (r"origin_tracking\(self", "in debug mode coroutines note where they were made"),
    (r"old_agen_hooks = sys", "what was set before, to be put back at the end"),
    (r"_thread_id = threading", "its own thread; debug mode compares each caller with it"),
    (r"firstiter", "async generators that are left half-way are this loop's to close"),
    (r"_set_running_loop\(self", "get_running_loop() in this thread returns this loop from now on"),
    (r"while True", "the event loop"),
    (r"_run_once", "one round: sleep in the selector, then call what is due"),
    (r"if self\._stopping", "has anybody called stop()? That only sets this flag"),
    (r"break", "then that was the last round"),
    (r"_stopping = False", "it may run again"),
    (r"_thread_id = None", "it belongs to no thread"),
    (r"_set_running_loop\(None", "get_running_loop() raises RuntimeError again"),
    (r"origin_tracking\(False", "as it was"),
    (r"sys\.set_asyncgen_hooks", "as it was"),
    (r"_old_agen_hooks", "as it was"),
)
"""For each line a pattern, and what the line is there for. The first that is found counts."""

METHODS = ("run_forever", "_run_forever_setup", "_run_forever_cleanup")


class Line(NamedTuple):
    text: str
    times: int | None
    """How often it has run; None for a line that is no statement, or continues one."""
    note: str


class LineByLine:
    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines

    def __repr__(self) -> str:
        return "\n".join(row for line in self.lines for row in in_rows(line))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        rows = [colored(escape(row)) for line in self.lines for row in in_rows(line)]
        return {"text/html": f"<pre>{chr(10).join(rows)}</pre>", "text/plain": repr(self)}


def in_rows(line: Line) -> list[str]:
    """Return the line, after its number; above it what it is there for, as a comment."""
    indent = " " * (len(line.text) - len(line.text.lstrip()))
    comment = [f"{'':7}{indent}# {line.note}"] if line.note else []
    return [*comment, f"{'' if line.times is None else f'{line.times} ×':>5}  {line.text}"]


def colored(row: str) -> str:
    number, text = row[:7], row[7:]
    if text.lstrip().startswith("# "):
        return f'{number}<font color="{NOTE}">{text}</font>'
    return f"{number}<b>{text}</b>"


def run_forever_line_by_line(rounds: int = 3) -> LineByLine:
    """Run a loop for so many rounds; return the lines of ``run_forever``, counted and explained."""
    with ThreadPoolExecutor(1) as pool:  # a notebook's own thread has a loop, which is running
        times = pool.submit(count_lines, rounds).result()
    return LineByLine(lines_of("run_forever", times, set(METHODS)))


def count_lines(rounds: int) -> Counter[tuple[CodeType, int]]:
    loop = asyncio.SelectorEventLoop()
    codes = {getattr(loop, name).__code__ for name in METHODS if hasattr(loop, name)}
    times: Counter[tuple[CodeType, int]] = Counter()

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        if event == "line":
            times[frame.f_code, frame.f_lineno] += 1
        return trace if frame.f_code in codes else None

    def again(left: int) -> None:
        loop.call_soon(again, left - 1) if left > 1 else loop.stop()

    loop.call_soon(again, rounds)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        loop.run_forever()
    finally:
        sys.settrace(before)
        loop.close()
    return times


def lines_of(name: str, times: Counter[tuple[CodeType, int]], inline: set[str]) -> list[Line]:
    """Return the lines of one method without its docstring; a method in ``inline`` follows its call."""
    method = getattr(asyncio.BaseEventLoop, name)
    source = source_of(method)
    [definition] = ast.parse(source.text).body
    assert isinstance(definition, ast.FunctionDef)
    docstring = definition.body[0]
    spans = {each.lineno: span(each) for each in ast.walk(definition) if isinstance(each, ast.stmt)}
    found = []
    for number, text in enumerate(source.lines, 1):
        if not text.strip() or docstring.lineno <= number <= (docstring.end_lineno or 0):
            continue
        statement = spans.get(number, range(0))
        counts = [count for n in statement if (count := times[method.__code__, source.first + n - 1])]
        whole = "\n".join(source.lines[n - 1] for n in statement)
        note = next((note for pattern, note in NOTES if re.search(pattern, whole)), "")
        found.append(Line(text, min(counts) if counts and note else None, note))
        called = re.search(r"( *)self\.(\w+)\(\)", text)
        if called and called[2] in inline:
            inner = lines_of(called[2], times, inline - {called[2]})
            found += [line._replace(text=called[1] + line.text) for line in inner]
    return found


def span(statement: ast.stmt) -> range:
    """Return the lines of a statement; of one that holds others, its first."""
    last = statement.lineno if hasattr(statement, "body") else statement.end_lineno or 0
    return range(statement.lineno, last + 1)
