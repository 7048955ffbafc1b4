"""You are the event loop: a game with five real clients.

    game()             the board, with buttons, in JupyterLab
    game().replay()    a scripted game, as text
    game().compare()   your game, or else the scripted one, beside three servers that meet the same clients

A game is kept by its name: the next one ends its predecessor, and nothing is left of that.

Read visits.py first, and ../named.py.
"""

from typing import Any

from course_lib.lab.game.comparing import let_servers_play
from course_lib.lab.game.playing import Transcript, play_script
from course_lib.lab.game.scores import Scores
from course_lib.lab.named import ByName, Shown

__all__ = ["TheGame", "game"]

TEXT = """\
You are the event loop: five clients, one listener, and the buttons accept, recv, send and wait.
The buttons are shown in JupyterLab, when this cell is run there.
Without them, replay() plays a scripted game, and compare() lets three servers meet the same clients."""


class TheGame(Shown):
    """What ``game`` returns. The board is made when it is shown. Nothing runs before Start is pressed."""

    def __init__(self, lamps: bool = False) -> None:
        super().__init__()
        self.lamps = lamps

    def make_board(self) -> Any:
        from course_lib.lab.game.board import Board

        return Board(self.lamps)

    def replay(self) -> Transcript:
        """Play the scripted game against real clients, about four seconds; return it as text."""
        return play_script()

    def compare(self) -> Scores:
        """Let three servers meet the clients of your last game, when it is finished, else of a scripted one.

        It takes as long as that game.
        """
        session = self._board.session if self._board is not None else None
        if session is not None and session.finished and session.game.party.over:
            party = session.game.party
            return Scores({"you": party.latencies(), **let_servers_play(party.recorded())})
        script = play_script()
        return Scores({"script": script.latencies, **let_servers_play(script.arrivals)})

    def end(self) -> None:
        """End the game that runs, if one does. Any number of times."""
        if self._board is not None:
            self._board.session.end()

    def __repr__(self) -> str:
        return TEXT


_games: ByName[TheGame] = ByName()


def game(lamps: bool = False, name: str = "game") -> TheGame:
    """Return a new game, and end the last one of that ``name``. ``lamps`` tell which descriptor is ready."""
    return _games.start(name, lambda: TheGame(lamps))
