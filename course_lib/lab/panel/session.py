"""A server of the ladder that is started and stopped by hand, and clients beside it, without widgets.

Read waits.py and ../background.py first. Next: board.py.
"""

import threading
import time
from collections.abc import Callable

from course_lib.conversation import Conversation
from course_lib.lab.background import serve
from course_lib.lab.hand_clients import HandClients
from course_lib.lab.handle import Background
from course_lib.lab.panel.waits import SETTLE_SECONDS, Observer, Waits
from course_lib.lab.ticker import TICK_SECONDS
from course_lib.lab.waiting import POLL_SECONDS
from course_lib.servers.base import Address

LIMIT_SECONDS = 2.0
"""What has not settled by then is told as it is."""

NOTHING = Waits("no server runs", (), {})


class Session:
    """All methods may be called from any thread. ``name`` is the one under which the server is served."""

    def __init__(self, name: str, conversation: Callable[[], Conversation]) -> None:
        self.name, self.conversation = name, conversation
        self.clients = HandClients()
        self.background: Background | None = None
        self.rung = ""
        """The rung that was started last."""
        self._observer: Observer | None = None
        self._life = threading.RLock()

    def start(self, rung: str) -> None:
        """Start this rung; the server that runs is stopped first, and all clients are closed.

        Raises what ``serve`` raises, and RuntimeError for a server that does not stop.
        """
        with self._life:
            self.stop()
            self.clients.clear()
            self.background = serve(rung, self.conversation, name=self.name)
            self.rung = rung
            self._observer = Observer(self.background, self.clients)

    def stop(self) -> None:
        """Stop the server; the clients stay, and see it. Any number of times."""
        with self._life:
            if self.background is not None:
                self.background.stop()

    def end(self) -> None:
        """Leave no thread and no socket behind. Any number of times."""
        with self._life:
            self.clients.clear()
            self.stop()

    @property
    def serving(self) -> bool:
        return self.background is not None and self.background.alive

    @property
    def address(self) -> Address | None:
        """Where the server listens; None while there is none."""
        background = self.background
        return background.server.address if background is not None and background.alive else None

    def look(self, fresh: bool = False) -> Waits:
        """Return who waits for whom now. It settles in the looks that follow; ``fresh`` ones cost more."""
        self.clients.listen()
        observer = self._observer
        return NOTHING if observer is None else observer.look(fresh)

    def settled(self) -> Waits:
        """Return who waits for whom, as soon as that has been the same for a moment."""
        deadline = time.monotonic() + LIMIT_SECONDS
        waits, since = self.look(fresh=True), time.monotonic()
        while time.monotonic() - since < SETTLE_SECONDS + TICK_SECONDS and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            if (again := self.look(fresh=True)) != waits:
                waits, since = again, time.monotonic()
        return waits
