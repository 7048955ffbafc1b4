"""Looking at something ten times a second: how a board keeps up with what happens a thousand times a second.

Whatever happens only changes the state. The ticker looks at the state now and then, and what it sees last is
always the last state.

Next: hand_clients.py.
"""

import threading
from collections.abc import Callable

TICK_SECONDS = 0.1


class Ticker:
    """Calls ``look()`` in a thread of its own, every ``seconds``, from ``start`` until ``end``."""

    def __init__(self, look: Callable[[], object], seconds: float = TICK_SECONDS) -> None:
        self._look, self._seconds = look, seconds
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Any thread, any number of times; also again after ``end``."""
        with self._lock:
            if self._thread is None:
                self._ended = threading.Event()
                args = (self._ended,)
                self._thread = threading.Thread(target=self._tick, args=args, name="ticker", daemon=True)
                self._thread.start()

    def end(self) -> None:
        """Look no more. Any thread, any number of times."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._ended.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(5)

    def _tick(self, ended: threading.Event) -> None:
        while not ended.wait(self._seconds):
            self._look()
