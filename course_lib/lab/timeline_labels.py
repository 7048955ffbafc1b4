"""The words in a timeline, each in a place of its own.

A name stands inside its bar if it fits, otherwise beside the lane: on the side that fewer arrows touch.
Names that would cover each other are joined.

Read timeline.py first.
"""

from functools import lru_cache

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from course_lib.lab.picture import DPI, INK, SMALL
from course_lib.lab.xray.folding import ARROW, fold

HALF_BAR, NEAR, HIGH = 14, 4, 13
"""In dots: half of a bar, from a bar to the label beside it, and the height of a label."""

LONGEST = 170
"""Joined names that are wider are counted instead."""

BOX = {"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.9}


@lru_cache(maxsize=4096)
def width_of(text: str, size: float = SMALL, *, bold: bool = False) -> float:
    """Return how many dots wide the text is."""
    font = FontProperties(weight="bold" if bold else "normal")
    return float(TextPath((0, 0), text or " ", size=size, prop=font).get_extents().width) * DPI / 72


class Labels:
    """Where there are words already, in dots; and those that wait to be joined."""

    def __init__(self, axes: Axes, lane_height: float, sides: dict[int, int]) -> None:
        self.axes = axes
        self.lane_height = lane_height
        self.sides = sides
        """1 for each lane whose labels stand above it, -1 where they stand below."""
        self.taken: list[tuple[float, float, float, float]] = []
        self.group: list[str] = []
        self.left = self.right = self.lane = 0.0

    def inside(self, lane: float, left: float, right: float, text: str) -> bool:
        """Write ``text`` into the bar from ``left`` to ``right``; False if it does not fit."""
        options = (text, text.split()[0] + " …") if " " in text else (text,)
        fitting = [option for option in options if width_of(option) + 10 <= right - left]
        if fitting:
            self._write((left + right) / 2, lane, fitting[0], zorder=6)
        return bool(fitting)

    def beside(self, lane: float, left: float, right: float, text: str) -> None:
        """Write ``text`` beside what is drawn from ``left`` to ``right``, joined with its neighbors."""
        if not self.group:
            self.left, self.lane = left, lane
        self.group.append(text)
        self.right = right

    def flush(self) -> None:
        """Write what waits: near the lane or, if that place is taken, farther away, or nowhere."""
        if not self.group:
            return
        text, side = self._joined(), self.sides.get(int(self.lane), 1)
        half, limit = width_of(text) / 2, self.axes.get_xlim()[1] + 20
        middle = min(max((self.left + self.right) / 2, half - 10), limit - half)
        self.group = []
        for level in (0, 1):
            lane = self.lane + side * (HALF_BAR + NEAR + HIGH * (level + 0.5)) / self.lane_height
            if self.note(middle, lane, text):
                self._write(middle, lane, text, zorder=5)
                return

    def _joined(self) -> str:
        text = ", ".join(fold(self.group)).replace(ARROW, ", ")
        return text if width_of(text) <= LONGEST else f"{len(self.group)} calls"

    def note(self, x: float, lane: float, text: str) -> bool:
        """Take the place for ``text`` around ``x``; False if some of it is taken."""
        y, half = lane * self.lane_height, width_of(text) / 2
        place = (x - half - 2, x + half + 2, y - HIGH / 2, y + HIGH / 2)
        free = all(
            place[1] <= left or right <= place[0] or place[3] < bottom + 1 or top < place[2] + 1
            for left, right, bottom, top in self.taken
        )
        if free:
            self.taken.append(place)
        return free

    def at(self, x: float, lane: float, text: str) -> None:
        """Write ``text`` around ``x``."""
        self._write(x, lane, text, zorder=6)

    def _write(self, x: float, lane: float, text: str, zorder: int) -> None:
        style = {"fontsize": SMALL, "color": INK, "ha": "center", "va": "center_baseline"}
        self.axes.text(x, lane, text, zorder=zorder, bbox=BOX, **style)
