"""A figure with its meaning in words, and the colors that all pictures of the course share.

A picture is shown as an ``<img>`` whose alt text says what is to be seen. The same words are its
plain text, which is compared when the notebooks are tested, so they must hold nothing that varies
from run to run.
"""

import base64
import html
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 100
"""Dots per inch at which a figure has its size on the page."""

SHARPNESS = 2
"""Dots drawn for each dot on the page, since many screens have more."""

SMALL, NORMAL, LARGE = 9, 10, 11
"""Sizes of letters, in points."""


class Ink(NamedTuple):
    """How a state is drawn: told apart by color, and by hatch where color cannot be seen."""

    face: str
    edge: str
    hatch: str = ""


class Mark(NamedTuple):
    """How a moment is drawn: told apart by color and by shape."""

    color: str
    shape: str
    size: float


# The strong colors are those of Okabe and Ito (Color Universal Design, 2008), which people of all
# kinds of color vision can tell apart.
RUNNING = Ink("#56B4E9", "#0072B2")
BLOCKED = Ink("#FBE3B0", "#E69F00", "////")
IDLE = Ink("#DDDDDD", "#888888", "..")
ANSWERED = Mark("#009E73", "o", 8)
FAILED = Mark("#D55E00", "X", 10)
INK = "#222222"
"""Letters and lines."""

GRID = "#DDDDDD"


class Picture:
    """A matplotlib ``Figure`` and what it shows, in words."""

    def __init__(self, figure: "Figure", text: str) -> None:
        self.figure = figure
        self.text = text
        self._png = b""

    def png(self) -> bytes:
        """Return the picture as PNG, on white: a dark page would swallow its letters."""
        if not self._png:
            buffer = io.BytesIO()
            self.figure.savefig(
                buffer, format="png", dpi=DPI * SHARPNESS, facecolor="white", metadata={"Software": None}
            )
            self._png = buffer.getvalue()
        return self._png

    def save(self, path: str | Path) -> None:
        """Write the PNG to ``path``."""
        Path(path).write_bytes(self.png())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        data = base64.b64encode(self.png()).decode()
        width = round(self.figure.get_figwidth() * DPI)
        alt = html.escape(self.text)
        return {
            "text/html": f'<img alt="{alt}" width="{width}" src="data:image/png;base64,{data}">',
            "text/plain": self.text,
        }

    def __repr__(self) -> str:
        return self.text


def new_figure(width: int, height: int) -> "Figure":
    """Return an empty figure of that size in dots on the page. No pyplot: it keeps every figure it makes."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / DPI, height / DPI), dpi=DPI)


def draw_bar(axes: "Axes", lane: float, start: float, end: float, ink: Ink, height: float = 0.6) -> None:
    """Draw what lasted from ``start`` to ``end``, with its middle at ``lane``."""
    axes.barh(
        lane,
        end - start,
        left=start,
        height=height,
        facecolor=ink.face,
        edgecolor=ink.edge,
        hatch=ink.hatch,
        linewidth=0.8,
    )


def draw_marks(axes: "Axes", lane: float, times: list[float], mark: Mark) -> None:
    """Draw one mark for each of ``times``, over the bars."""
    axes.plot(times, [lane] * len(times), zorder=3, clip_on=False, **_style(mark))


def legend_mark(mark: Mark, label: str) -> "Artist":
    """Return the entry of ``mark`` for a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label, **_style(mark))


def _style(mark: Mark) -> dict[str, Any]:
    return {
        "linestyle": "",
        "marker": mark.shape,
        "markersize": mark.size,
        "color": mark.color,
        "markeredgecolor": "white",
    }
