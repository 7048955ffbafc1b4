"""What is kept by its name, so that a cell may be run twice: the next one of a name ends its predecessor.

Also what such a thing has in common with the others: a board of widgets, made when it is shown, and beside it
a text for where no front end shows widgets. The text is compared when the notebooks are tested.

Next: ticker.py.
"""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class Shown:
    """Something with a board. Its ``repr`` says the same in words, without what varies."""

    def __init__(self) -> None:
        self._board: Any = None
        self._making = threading.Lock()

    def make_board(self) -> Any:
        """Return the widgets; the attribute ``box`` holds all of them."""
        raise NotImplementedError

    @property
    def board(self) -> Any:
        """The widgets. They are made when they are first asked for."""
        with self._making:
            if self._board is None:
                self._board = self.make_board()
            return self._board

    def end(self) -> None:
        """Leave no thread and no socket behind. Any number of times."""
        raise NotImplementedError

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        bundle = self.board.box._repr_mimebundle_()
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        return {"text/plain": repr(self), WIDGET_VIEW: data[WIDGET_VIEW]}


T = TypeVar("T", bound=Shown)


class ByName(Generic[T]):
    """The last one of each name."""

    def __init__(self) -> None:
        self.kept: dict[str, T] = {}
        self._starting = threading.Lock()

    def start(self, name: str, make: Callable[[], T]) -> T:
        """End the one of this name, and keep the one that ``make`` returns."""
        with self._starting:
            predecessor = self.kept.pop(name, None)
            if predecessor is not None:
                predecessor.end()
            self.kept[name] = make()
            return self.kept[name]

    def end_all(self) -> None:
        """End them all, and forget them."""
        with self._starting:
            while self.kept:
                self.kept.popitem()[1].end()
