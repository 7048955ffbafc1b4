"""Games, one after the other, played by a person: threads and no widgets.

A press is a thread, because the call may block; a ticker watches for the end of the game. Whoever
shows the game is told by ``on_change``, from whatever thread, as soon as something is new, and
every 0.1 s while a game runs.

Read playing.py and comparing.py first. Next: board.py.
"""

import threading
from collections.abc import Callable

from course_lib.lab.game.comparing import Latencies, let_servers_play
from course_lib.lab.game.playing import Game
from course_lib.lab.game.presses import LISTENER, Press
from course_lib.lab.game.visits import Arrivals

TICK_SECONDS = 0.1

LIMIT_SECONDS = 180.0
"""The clients leave when a game has lasted for so long."""


class Session:
    """All methods may be called from any thread, and none of them blocks for long."""

    def __init__(self, on_change: Callable[[], object]) -> None:
        self.on_change = on_change
        self.game: Game | None = None
        self.last: Press | None = None
        """What came of the press that returned last."""
        self.finished = False
        """True when the clients have their answers, or have lost their patience."""
        self.servers: dict[str, Latencies] = {}
        """What the three servers made of the same clients."""
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, arrivals: Arrivals) -> None:
        """End the game that runs, and begin one with these clients."""
        with self._lock:
            self.end()
            self.last, self.finished, self.servers, self._ended = None, False, {}, threading.Event()
            self.game = Game(arrivals)
            self.game.start()
            self._run(self._tick, self.game, self._ended)

    def press(self, call: str, who: str = LISTENER) -> None:
        """Make the call in a thread. Nothing happens while another call has not returned: you are blocked."""
        with self._lock:
            if self.game is not None and not self.finished and self.game.table.busy is None:
                self._run(self._press, self.game, call, who)

    def compare(self) -> None:
        """Let three servers meet the clients of the finished game; their scores will be in ``servers``."""
        with self._lock:
            if self.game is not None and self.finished and not self.servers:
                self._run(self._compare, self.game, self._ended)

    def end(self) -> None:
        """Leave no thread and no socket behind. Any number of times."""
        with self._lock:
            self._ended.set()
            if self.game is not None:
                self.game.end()
            for thread in self._threads:
                thread.join()
            self._threads = []

    def _run(self, function: Callable[..., None], *args: object) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._threads.append(threading.Thread(target=function, args=args, name="game", daemon=True))
        self._threads[-1].start()

    def _press(self, game: Game, call: str, who: str) -> None:
        press = game.table.press(call, who)
        if press is not None and not self._ended.is_set():
            self.last = press
            self.on_change()

    def _tick(self, game: Game, ended: threading.Event) -> None:
        while not ended.wait(TICK_SECONDS):
            if game.party.over or game.party.clock() >= LIMIT_SECONDS:
                game.end()
                self.finished = True
            self.on_change()
            if self.finished:
                return

    def _compare(self, game: Game, ended: threading.Event) -> None:
        servers = let_servers_play(game.party.recorded(), given_up=ended.is_set)
        if not ended.is_set():
            self.servers = servers
            self.on_change()
