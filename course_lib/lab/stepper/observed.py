"""A reactor that is watched from outside: it does what every reactor does, and keeps a record of each round.

Nothing is woven into ../../eventloop. Here a class derives from the reactor and notes what passes through its
methods; its poller, its timers and each callback stand in a wrapper that notes and passes on.

While it rests between two rounds its clock stands too: a timer of 5 s is due after 5 s in which it was awake,
or asleep in select. So nothing falls due while somebody is reading.

Read wrappers.py and telling_socket.py first. Next: observed_loop.py.
"""

import socket
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakSet

from course_lib.eventloop import Reactor, Timer
from course_lib.eventloop.reactor import FileLike, descriptor
from course_lib.lab.explain import one_line
from course_lib.lab.stepper.names import Names, events_in_words, name_of, seconds_in_words
from course_lib.lab.stepper.rounds import Ran, Round
from course_lib.lab.stepper.telling_socket import adopted, here
from course_lib.lab.stepper.wrappers import Observed, ObservedPoller, ObservedTimers, StandingClock

HISTORY = 50
"""So many rounds are kept."""


class GivenUp(BaseException):
    """The round is over because the reactor is to end. (No Exception: no callback may catch it.)"""


class Doing(NamedTuple):
    """What the reactor does right now."""

    what: str
    """rest, sleep or call."""

    words: str = ""
    since: float = 0.0
    """As time.monotonic tells it."""


REST = Doing("rest")


class ObservedReactor(Reactor):
    """``client_of(port)`` tells which client of the board has a port; ``""`` stands for a stranger."""

    def __init__(self, client_of: Callable[[int], str]) -> None:
        self.names = Names(client_of)
        self.labels: dict[int, str] = {}
        """The name of each registered descriptor."""
        self.sockets: WeakSet[socket.socket] = WeakSet()
        """All that have ever been registered or accepted; who ends the reactor closes them."""
        self.round = Round(0)
        """The last one, or the one that runs."""
        self.history: deque[Round] = deque(maxlen=HISTORY)
        self.doing = REST
        self.given_up = False
        self.on_poll: Callable[[], object] = lambda: None
        """Called when the poller is about to be asked."""
        self.clock = StandingClock()
        self._ran: Ran | None = None
        self._delay: float | None = None
        super().__init__(clock=self.clock)
        self._poller = ObservedPoller(self, self._poller)
        self._timers = ObservedTimers(self)
        self.on_error = lambda error: None  # it stands in the round already

    # What the callbacks ask of it.

    def register(self, fileobj: FileLike, events: int, callback: Callable[[int], object]) -> None:
        name = self.names.of(fileobj)
        super().register(fileobj, events, Observed(self, callback, subject=name))
        self.adopt(fileobj)
        self.labels[descriptor(fileobj)] = name
        self.did(f"registers {name} for {events_in_words(events)}")

    def modify(self, fileobj: FileLike, events: int, callback: Callable[[int], object]) -> None:
        name = self._name(fileobj)
        super().modify(fileobj, events, Observed(self, callback, subject=name))
        self.did(f"watches {name} for {events_in_words(events)}")

    def unregister(self, fileobj: FileLike) -> None:
        name = self._name(fileobj)
        super().unregister(fileobj)
        self.labels.pop(descriptor(fileobj), None)
        self.did(f"unregisters {name}")

    def _name(self, fileobj: FileLike) -> str:
        """Return its name; a bare number that is registered goes by what is behind it."""
        label = self.labels.get(fileobj) if isinstance(fileobj, int) else None
        return label or self.names.of(fileobj)

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        super().call_soon(Observed(self, callback, "the ready queue"), *args)
        self.did(f"puts {self.names.of_callback(callback)} into the ready queue")

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: Any) -> None:
        super().call_soon_threadsafe(
            Observed(self, callback, "the ready queue, by call_soon_threadsafe"), *args
        )

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> Timer:
        self._delay = delay
        try:
            return super().call_later(delay, callback, *args)
        finally:
            self._delay = None

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> Timer:
        timer = super().call_at(when, callback, *args)
        delay = when - self.time() if self._delay is None else self._delay
        self.did(f"sets the timer {self.names.of_timer(callback, args)}, due in {seconds_in_words(delay)}")
        return timer

    def run_forever(self) -> None:
        raise RuntimeError("the stepper runs this reactor: only set up what it is to do")

    # What is noted.

    def adopt(self, sock: object) -> None:
        """Hear what is done with the socket, and see to it that it is closed in the end."""
        if adopted(sock):
            self.sockets.add(sock)  # type: ignore[arg-type]

    def did(self, deed: str) -> None:
        """Note what the callback that runs has done."""
        if self._ran is not None and here.listener is self:
            subject = f"{self._ran.subject}: "
            self._ran.did(deed.removeprefix(subject) if self._ran.subject else deed)

    def build(self, build: Callable[[Any], object]) -> object:
        """Let ``build`` set everything up; return what it returns. Raises what it raises."""
        return self.call(build, (self,), Ran(name_of(build)))

    def run_once(self, timeout: float | None = None) -> None:
        self.round = Round(self.round.number + 1)
        self.clock.go()
        try:
            super().run_once(timeout)
        finally:
            self.clock.stand()
            self.round.asleep, self.round.over = False, True
            self.history.append(self.round)
            self.doing = REST

    def falls_asleep(self, timeout: float | None) -> None:
        patience, asleep = self._patience_in_words(timeout)
        self.round.patience, self.round.asleep = patience, asleep
        if asleep:
            self.doing = Doing("sleep", patience, time.monotonic())
        self.on_poll()
        if self.given_up:
            raise GivenUp

    def wakes(self, ready: list[tuple[int, int]]) -> None:
        if self.given_up:
            raise GivenUp
        self.round.returned = [
            (self.labels.get(fd, "unknown"), events_in_words(self._poller.meaning[number]))
            for fd, number in ready
        ]
        self.round.asleep = False
        self.doing = Doing("call", "", time.monotonic())

    def _patience_in_words(self, timeout: float | None) -> tuple[str, bool]:
        if timeout is None:
            return "may sleep until something comes", True
        pending = self._timers.pending()
        timer = f"the timer {self.names.of_timer(pending[0])} is due" if pending else "its limit is over"
        if timeout > 0:
            return f"may sleep until {timer}, or something comes", True
        ready = len(self._ready)
        callbacks = f"{ready} callback{'s are' if ready > 1 else ' is'} ready"
        return f"does not sleep: {callbacks if ready else timer}", False

    def call(self, callback: Callable[..., object], args: tuple[Any, ...], ran: Ran) -> object:
        """Call it, and note in ``ran`` what it does and what it raises."""
        self.round.begin(ran)
        outer, self._ran, before = here.listener, ran, self.doing
        here.listener = self
        self.doing = Doing("call", ran.title(), time.monotonic())
        try:
            return callback(*args)
        except BaseException as error:  # the reactor decides what becomes of it
            ran.error = one_line(error)
            ran.traceback = _from_callback(error)
            raise
        finally:
            ran.over = True
            here.listener, self._ran = outer, None
            self.doing = before


def _from_callback(error: BaseException) -> str:
    """Return the traceback without this file's own line; ``""`` where nothing else is in it."""
    frames = error.__traceback__ and error.__traceback__.tb_next
    return "".join(traceback.format_exception(type(error), error, frames)) if frames else ""
