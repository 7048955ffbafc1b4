"""A charge against the article, the experiment that decides it, and how a verdict is shown.

Next: selecting.py.
"""

from collections.abc import Callable
from html import escape
from typing import NamedTuple

Seen = tuple[str, bool]
"""What an experiment has shown, in words that do not vary; and whether that refutes the claim."""


class Charge(NamedTuple):
    claim: str
    """What the article says, in our words."""

    setup: str
    """What the experiment does."""

    experiment: Callable[[], Seen]
    truth: str
    """What is so instead: the verdict, where the experiment refutes the claim."""

    lesson: str
    """The lesson that explains it."""


class Heard(NamedTuple):
    """A charge that has been heard."""

    charge: Charge
    seen: str
    refuted: bool

    @property
    def verdict(self) -> str:
        return self.charge.truth if self.refuted else "Not refuted here."


HEAD = ("the article says", "the experiment", "what was seen", "verdict", "lesson")


class Trial:
    """``heard`` holds what was found, charge by charge."""

    def __init__(self, heard: list[Heard]) -> None:
        self.heard = heard

    @property
    def refuted(self) -> list[Heard]:
        return [each for each in self.heard if each.refuted]

    def __repr__(self) -> str:
        return "\n\n".join(
            f"{number}. The article says: {each.charge.claim}\n"
            f"   Experiment: {each.charge.setup}\n"
            f"   Seen: {each.seen}\n"
            f"   Verdict: {each.verdict} (lesson {each.charge.lesson})"
            for number, each in enumerate(self.heard, 1)
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        rows = "".join(
            html_row(
                "td", (each.charge.claim, each.charge.setup, each.seen, each.verdict, each.charge.lesson)
            )
            for each in self.heard
        )
        return {"text/html": f"<table>{html_row('th', HEAD)}{rows}</table>", "text/plain": repr(self)}


def hear(charge: Charge) -> Heard:
    """Run the experiment of ``charge``."""
    seen, refuted = charge.experiment()
    return Heard(charge, seen, refuted)


def html_row(tag: str, cells: tuple[str, ...]) -> str:
    # JupyterLab aligns the cells of a table to the right, whatever they say; a block inside may differ.
    inner = "".join(f'<{tag} valign="top"><div align="left">{escape(cell)}</div></{tag}>' for cell in cells)
    return f"<tr>{inner}</tr>"
