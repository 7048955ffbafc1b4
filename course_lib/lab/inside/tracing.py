"""Which lines of ``_run_once`` run in a round, and what they set: a trace function for the loop's thread.

Python calls a trace function (``sys.settrace``) at each line of the functions that it asks for; here of one.

Read names.py first. Next: watched.py.
"""

import asyncio
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from course_lib.lab.inside.names import handle_name, ready_names

Line = tuple[int, dict[str, str]]
"""The number of a line, and the local variables that it has set, in words."""

RUN_ONCE: CodeType = asyncio.BaseEventLoop._run_once.__code__  # type: ignore[attr-defined]


def observer(done: Callable[[list[Line]], None]) -> Callable[..., Any]:
    """Return a trace function that notes the lines of ``_run_once``, and calls ``done`` at each end of it."""

    def begin(frame: FrameType, event: str, arg: object) -> Any:
        if frame.f_code is not RUN_ONCE:
            return None
        lines: list[Line] = []
        before: dict[str, Any] = {}

        def step(frame: FrameType, event: str, arg: object) -> Any:
            values = {name: value for name, value in frame.f_locals.items() if name != "self"}
            if lines:  # what is new has been set by the line before
                lines[-1][1].update(changed(before, values))
            before.update(values)
            if event == "line":
                lines.append((frame.f_lineno, {}))
            elif event == "return":
                done(lines)
            return step

        return step

    return begin


def changed(before: dict[str, Any], values: dict[str, Any]) -> dict[str, str]:
    """Return the variables that have another value than before, in words."""
    return {
        name: in_words(value)
        for name, value in values.items()
        if name not in before or before[name] is not value
    }


def in_words(value: Any) -> str:
    if isinstance(value, asyncio.Handle):
        return handle_name(value) if value._callback else "a handle"  # type: ignore[attr-defined]
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, list):
        return "[" + ", ".join(ready_names(value)) + "]"
    return repr(value)
