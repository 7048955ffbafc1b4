"""Reading the stacks of the threads that run: whose thread is it, and where does it stand in our own code?"""

import linecache
import sys
import sysconfig
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from course_lib.lab.function_server import FunctionServer, WatchedSocket

PACKAGE = Path(__file__).parent.parent
"""The folder course_lib."""

INSTRUMENTS = (PACKAGE / "lab", PACKAGE / "coach")
LIBRARIES = [sysconfig.get_path(which) for which in ("purelib", "platlib", "stdlib", "platstdlib")]
"""Where Python keeps other people's code; the packages come first, for they may lie inside the rest."""

CELL_MARKS = ("ipykernel_", "<ipython-input-")
"""One of these is in the file name of a notebook's cell."""


class Place(NamedTuple):
    """One line of code, as a learner would name it."""

    file: str
    """As ``display_name`` gives it."""

    line: int
    function: str
    source: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}" if self.file else f"line {self.line}"


def outwards(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield ``frame``, its caller, the caller's caller, and so on."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def works_for(frame: FrameType | None, server: object) -> bool:
    """Tell whether a thread that stands at ``frame`` runs a method of ``server`` or holds a socket of it."""
    return any(_is_of(each, server) for each in outwards(frame))


def _is_of(frame: FrameType, server: object) -> bool:
    # To read a frame's locals is to copy them, which keeps them alive: only where it may tell something.
    if not is_own(frame.f_code.co_filename):
        return False
    if isinstance(server, FunctionServer):
        values = list(frame.f_locals.values())
        return any(isinstance(value, WatchedSocket) and value.server is server for value in values)
    return "self" in frame.f_code.co_varnames and frame.f_locals.get("self") is server


@lru_cache(maxsize=1024)
def is_own(filename: str) -> bool:
    """Tell whether the code is the learner's or the course's: no library's, no instrument's."""
    if is_cell(filename):
        return True
    path = Path(filename)
    if path.is_relative_to(PACKAGE):
        return not any(path.is_relative_to(folder) for folder in INSTRUMENTS)
    return not filename.startswith("<") and not any(path.is_relative_to(folder) for folder in LIBRARIES)


def is_cell(filename: str) -> bool:
    """Tell whether the code is from a cell of a notebook."""
    return any(mark in filename for mark in CELL_MARKS)


def own_place(frame: FrameType | None) -> Place | None:
    """Return the innermost line of own code on the stack of ``frame``; None when there is none."""
    for each in outwards(frame):
        filename = each.f_code.co_filename
        if is_own(filename):
            source = linecache.getline(filename, each.f_lineno).strip()
            return Place(display_name(filename), each.f_lineno, each.f_code.co_name, source)
    return None


def display_name(filename: str) -> str:
    """Return the name under which a learner knows the file, without a path of this machine.

    It is relative to the course's folder or to Python's library; the bare name of any other file;
    ``""`` for a cell of the notebook.
    """
    if is_cell(filename):
        return ""
    path = Path(filename)
    if path.is_relative_to(PACKAGE):
        return path.relative_to(PACKAGE.parent).as_posix()
    for folder in LIBRARIES:
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.name


def frame_of(thread: threading.Thread) -> FrameType | None:
    """Return the frame in which the thread stands right now; None before its start and after its end."""
    return sys._current_frames().get(thread.ident or 0)
