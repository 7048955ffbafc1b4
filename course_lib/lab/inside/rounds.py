"""The rounds in which a program runs on asyncio's loop: what was ready, how long it slept, whom it called.

    rounds = asyncio_rounds(main)      runs main() on a watched loop, in a thread of its own
    rounds                             a table, the same in every run
    rounds.picture()                   the same with the seconds that were measured
    rounds.line_by_line(4)             round 4, through the source of asyncio

Read watched.py first. Next: rounds_picture.py and annotated.py.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from html import escape
from typing import TYPE_CHECKING, Any

from course_lib.lab.inside.annotated import Annotated, annotated
from course_lib.lab.inside.watched import Round, WatchedLoop

if TYPE_CHECKING:
    from course_lib.lab.picture import Picture

HEAD = ("round", "in the queue", "timers", "select", "returned", "called")

MANY = 40
"""So many rounds are shown; of a program that runs for longer, the first ones."""


class Rounds:
    """``rounds`` holds them as data, and ``result`` what the program has returned."""

    def __init__(self, rounds: list[Round], result: Any) -> None:
        self.rounds = rounds
        self.result = result

    def rows(self) -> list[tuple[str, ...]]:
        return [
            (
                str(number),
                in_a_row(each.queue),
                in_a_row(each.timers),
                f"select({timeout_in_words(each)})",
                in_a_row(each.ready) or "nothing",
                in_a_row(each.snapshot) or "nobody",
            )
            for number, each in enumerate(self.rounds[:MANY], 1)
        ]

    def picture(self) -> "Picture":
        from course_lib.lab.inside.rounds_picture import draw

        return draw(self.rounds[:MANY])

    def line_by_line(self, number: int) -> Annotated:
        """Return ``_run_once``, with what each of its lines has done in round ``number``."""
        if not 1 <= number <= len(self.rounds):
            raise ValueError(f"there are rounds 1 to {len(self.rounds)}, and no {number}")
        return annotated(self.rounds[number - 1].lines)

    def __repr__(self) -> str:
        lines = [HEAD, *self.rows()]
        widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
        return "\n".join(
            "  ".join(f"{text:{width}}" for text, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        body = "".join(html_row("td", row) for row in self.rows())
        return {"text/html": f"<table>{html_row('th', HEAD)}{body}</table>", "text/plain": repr(self)}


def asyncio_rounds(main: Callable[[], Coroutine[Any, Any, Any]]) -> Rounds:
    """Run ``main()`` on asyncio's own loop, and note its rounds. What it raises is raised here."""
    loop = WatchedLoop()
    with ThreadPoolExecutor(1) as pool:  # a notebook's own thread has a loop, which is running
        future = pool.submit(run, loop, main)
        try:
            return future.result()
        except KeyboardInterrupt:
            loop.call_soon_threadsafe(cancel_all, loop)
            raise


def run(loop: WatchedLoop, main: Callable[[], Coroutine[Any, Any, Any]]) -> Rounds:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(main())
        return Rounds(list(loop.rounds), result)  # not those in which the runner tidies up


def cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


def in_a_row(names: list[str]) -> str:
    """Return the names, a name that follows itself once, with a number."""
    told: list[list[Any]] = []
    for name in names:
        if told and told[-1][0] == name:
            told[-1][1] += 1
        else:
            told.append([name, 1])
    return ", ".join(name if count == 1 else f"{name} × {count}" for name, count in told)


def timeout_in_words(this: Round) -> str:
    """Return 0 and None as they are. A number of seconds is the time until the first timer is due."""
    if this.timeout is None or this.timeout <= 0:
        return "None" if this.timeout is None else "0"
    return "until timer"


def html_row(tag: str, cells: tuple[str, ...]) -> str:
    # JupyterLab aligns the cells of a table to the right, whatever they say; a block inside may differ.
    inner = "".join(f'<{tag} valign="top"><div align="left">{escape(cell)}</div></{tag}>' for cell in cells)
    return f"<tr>{inner}</tr>"
