"""The lines of a function, with the one at which it stands: what the board shows of a frame. No widgets.

Read chain.py first. Next: board_html.py.
"""

import inspect
import textwrap
from typing import NamedTuple

from course_lib.lab.frames.chain import Standing


class Listed(NamedTuple):
    number: int
    """As its file counts."""

    text: str
    here: bool
    """True for the line at which it stands."""


def listing(frame: Standing, most: int) -> list[Listed]:
    """Return up to ``most`` lines, around the one at which it stands; none where there is no source."""
    if frame.code is None:
        return []
    try:
        lines, first = inspect.getsourcelines(frame.code)
    except (OSError, TypeError, SyntaxError):
        return []
    lines = textwrap.dedent("".join(lines)).splitlines()
    listed = [Listed(first + index, line, first + index == frame.line) for index, line in enumerate(lines)]
    start = max(0, min(frame.line - first - most // 2, len(listed) - most))
    return listed[start : start + most]
