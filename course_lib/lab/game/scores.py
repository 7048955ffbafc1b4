"""The score: for how long each client waited, under you and under three servers.

Read comparing.py first. Next: scores_picture.py.
"""

from course_lib.lab.game.comparing import Latencies
from course_lib.lab.picture import Picture

NOTICEABLE = 0.4
"""Seconds from which on a client is said to have waited."""


class Scores(Picture):
    """The picture; ``latencies`` holds the measurement: player, client, seconds."""

    def __init__(self, latencies: dict[str, Latencies]) -> None:
        from course_lib.lab.game.scores_picture import draw

        self.latencies = latencies
        text = "\n".join(f"{player}: {verdict(found)}" for player, found in latencies.items())
        super().__init__(draw(latencies), text)


def verdict(latencies: Latencies) -> str:
    """Say who had to wait. No times: they differ in every game."""
    names = [name for name, seconds in latencies.items() if seconds is None or seconds >= NOTICEABLE]
    if not names:
        return "nobody had to wait"
    if len(names) == len(latencies):
        return "everybody had to wait"
    *others, last = names
    return f"{', '.join(others)} and {last} had to wait" if others else f"{last} had to wait"


def in_words(seconds: float | None) -> str:
    """Return "2.5 s"; milliseconds for what is so short that no person could press it."""
    if seconds is None:
        return "never asked"
    if seconds < 0.0001:
        return "< 0.1 ms"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds:.1f} s"
