"""The frames of a generator or coroutine that stand on each other, and the line at which each has stopped.

A generator that says ``yield from other``, or a coroutine that awaits one, has stopped because the other one
has. Python itself keeps the way from one to the next: ``gi_yieldfrom``, ``cr_await``.

Read values.py first. Next: steps.py.
"""

import gc
import inspect
import linecache
from types import CodeType, FrameType, TracebackType
from typing import Any, NamedTuple

from course_lib.lab.frames.values import in_words, named_in_words

DEEP = 30
"""So many frames are shown. A generator may delegate to itself without end."""


class Standing(NamedTuple):
    """One frame."""

    function: str
    source: str
    """The line at which it stands, stripped."""

    names: dict[str, str]
    """Its local variables, in words."""

    line: int = 0
    """As its file counts; 0 where there is no source in Python."""

    code: CodeType | None = None

    def __repr__(self) -> str:
        names = ", ".join(f"{name} = {value}" for name, value in self.names.items())
        return f"{self.function}: {self.source}" + (f"\n    {names}" if names else "")


def part(suspended: Any, name: str) -> Any:
    """Return its ``frame``, ``code`` or ``running``, whether it is a generator or a coroutine; else None."""
    for prefix in ("gi", "cr", "ag"):
        if hasattr(suspended, f"{prefix}_{name}"):
            return getattr(suspended, f"{prefix}_{name}")
    return None


def chain(suspended: Any, with_names: bool = True) -> list[Standing]:
    """Return the frames from ``suspended``, which is the outermost, to the innermost.

    One that has ended has none; of one that runs in another thread not all can be seen. To read the names of
    a frame may keep their values alive as long as the frame: hence ``with_names``.
    """
    found: list[Standing] = []
    while suspended is not None and len(found) < DEEP:
        if part(suspended, "code") is None:
            inside = _within(suspended)
            if inside is None:
                found.append(Standing(in_words(suspended), "an iterator; its __next__ is called", {}))
            suspended = inside
            continue
        frame = part(suspended, "frame")
        if frame is not None:
            found.append(standing(frame, frame.f_lineno, with_names))
        # (An asynchronous generator says that it runs while it awaits, too.)
        if part(suspended, "running") and not inspect.isasyncgen(suspended):
            break
        suspended = part(suspended, "yieldfrom") or part(suspended, "await")
    return found


def standing(frame: FrameType, line: int, with_names: bool) -> Standing:
    """Return how a frame stands at a line."""
    code, values = frame.f_code, frame.f_locals if with_names else {}
    # The names that begin with a dot are Python's own.
    names = {name: named_in_words(name, value) for name, value in values.items() if name[0] != "."}
    return Standing(function_name(code), source_line(code, line), names, line, code)


def _within(wrapper: Any) -> Any:
    """Return the coroutine within a wrapper of Python's own, such as ``coroutine.__await__()``; or None."""
    if hasattr(wrapper, "__dict__"):  # an object of the learner's
        return None
    inside = (each for each in gc.get_referents(wrapper) if part(each, "code") is not None)
    return next(inside, None)


def function_name(code: CodeType) -> str:
    """Return the name of a function, or of a method with its class."""
    return code.co_qualname.rpartition("<locals>.")[2]


def source_line(code: CodeType, line: int) -> str:
    return linecache.getline(code.co_filename, line).strip()


def raised_at(frames: TracebackType | None, own: int) -> str:
    """Return the innermost line of a traceback, ``inner: raise ValueError``; ``""`` where there is none.

    The first ``own`` lines are those of the caller, and do not count.
    """
    lines = []
    while frames is not None:
        lines.append((frames.tb_frame.f_code, frames.tb_lineno))
        frames = frames.tb_next
    if len(lines) <= own:
        return ""
    code, line = lines[-1]
    return f"{function_name(code)}: {source_line(code, line)}"
