"""The learner's code in a process of its own, as the judge sees it.

A *driver* stands between: a function of the exercise's file, called in that process with the learner's
object and plain data, which uses the object as its future users would. What it yields and returns
travels to the judge as plain data.

Read ../lab/child_process.py first. Next: child_main.py, then peer.py.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import psutil

from course_lib.coach.exercise import Broke, Failed
from course_lib.coach.plain import decode, encode
from course_lib.lab.child_process import GONE, ChildProcess, Facts, last_words
from course_lib.lab.gauntlet.target import SPIN, cpu_seconds, wanted_seconds

START_LIMIT = 10.0
"""Seconds that the process may take to start; a busy machine needs more than a blink."""

LEAVE_LIMIT = 1.0
"""Seconds that threads and sockets may take to be gone after the driver has returned."""

Ideas = Mapping[str, str]
"""For names of exceptions, what the learner has not thought of when one of them is raised."""


class Cargo(NamedTuple):
    """What the judge knows of the learner's object: how to unpack it elsewhere."""

    pickled: str
    """base64 of what cloudpickle has made."""

    cells: dict[str, str]
    """The sources of the notebook's cells, by file name."""


class Raised(NamedTuple):
    """An exception of the learner's code."""

    types: tuple[str, ...]
    """The name of its type, then those of the bases."""

    message: str
    where: str
    """Such as ``your cell, line 3: data = sock.recv(10)``."""

    def __str__(self) -> str:
        return f"{self.message} ({self.where})" if self.where else self.message


class Run(ChildProcess):
    """One process in which ``driver(learners_object, *arguments)`` runs."""

    def __init__(
        self, cargo: Cargo, driver: Callable[..., Any], arguments: tuple[Any, ...], nofile: int | None = None
    ) -> None:
        self.sent = "a call of it"
        """What has been done to the code so far, in words, for the report on it."""
        super().__init__(
            "course_lib.coach.child_main",
            cargo=cargo.pickled,
            cells=cargo.cells,
            module=driver.__module__,
            driver=driver.__name__,
            arguments=encode(arguments),
            nofile=nofile,
        )
        unpacked = self._wait("unpacked", START_LIMIT)
        if unpacked is None or unpacked["error"]:
            why = unpacked["error"] if unpacked else last_words(self.printed(), 1) or "no process in time"
            self.__exit__()
            raise Broke(f"your code cannot be used in another process: {why}")
        self.before = Facts.of(self.process)
        self._say(do="begin")

    def next(self, limit: float = 2.0, ideas: Ideas | None = None, idea: str = "") -> Any:
        """Return what the driver yields next. Raises as ``result`` does."""
        return self._value("yielded", "the next step", limit, ideas or {}, idea)

    def result(
        self, limit: float = 2.0, ideas: Ideas | None = None, idea: str = "", *, clean: bool = True
    ) -> Any:
        """Return what the driver returns, when that comes within ``limit`` seconds.

        Raises Failed with ``idea`` when it does not, and when what is raised has an idea in ``ideas``;
        Broke for any other exception. ``clean``: threads and descriptors that are left are a failure, too.
        """
        value = self._value("returned", "an end", limit, ideas or {}, idea)
        if clean:
            self.expect_clean()
        return value

    def expect(self, expected: Any, idea: str = "", limit: float = 2.0, ideas: Ideas | None = None) -> None:
        """Expect that the driver returns a value equal to ``expected``, and leaves nothing."""
        self.expect_equal(self.result(limit, ideas, idea), expected, idea)

    def expect_equal(self, value: Any, expected: Any, idea: str = "") -> None:
        """Expect that ``value``, which has come from the driver, is ``expected``."""
        if value != expected or type(value) is not type(expected):
            raise Failed(self.sent, brief(expected), brief(value), idea)

    def expect_error(self, name: str, idea: str = "", limit: float = 2.0) -> Raised:
        """Expect that the driver raises an exception called ``name``, and return it; nothing may be left."""
        event = self._first(("raised", "returned"), limit)
        if event["event"] == "raised":
            error = raised(event)
            if name not in error.types:
                raise Failed(self.sent, name, str(error), idea)
            self.expect_clean()
            return error
        if event["event"] == "returned":
            raise Failed(self.sent, name, f"{brief(decode(event['value']))}, and no exception", idea)
        raise self._no_event(event, name, idea)

    def expect_clean(self) -> None:
        """Expect that as many threads run and descriptors are open as before the driver began."""
        end = time.monotonic() + LEAVE_LIMIT
        while any(self._extra()):
            if time.monotonic() > end:
                threads, descriptors = self._extra()
                left = " and ".join(
                    f"{count} {what}{'s' * (count > 1)}"
                    for count, what in ((threads, "thread"), (descriptors, "open descriptor"))
                    if count
                )
                idea = "What your code starts or opens, it must also end or close, on every way out."
                raise Failed(self.sent, "nothing left behind", f"{left} more than before", idea)
            time.sleep(0.01)

    def _extra(self) -> tuple[int, int]:
        try:
            now = Facts.of(self.process)
        except psutil.Error:
            return 0, 0  # it has ended, and all that was its own with it
        return max(0, now.threads - self.before.threads), max(0, now.descriptors - self.before.descriptors)

    @contextmanager
    def talking(self, ideas: Ideas | None = None) -> Iterator[None]:
        """While peers talk to the code: a failure also says where the code stands, or what it has died of.

        A death by an exception that has an idea in ``ideas`` is a failure with that idea, any other is Broke.
        The idea called "return" is for code that has returned.
        """
        try:
            yield
        except Failed as failure:
            event = self._first(("raised", "returned"), 0.2)
            if event["event"] == "raised":
                error = raised(event)
                for name in error.types:
                    if ideas and name in ideas:
                        got = f"{failure.got}; your code has died of {error}"
                        raise Failed(failure.sent, failure.expected, got, ideas[name]) from None
                raise Broke(f"your code raised {error}") from None
            if event["event"] == "returned":
                got = f"{failure.got}; your code has returned"
                idea = (ideas or {}).get("return", "A server goes on for ever.")
                raise Failed(failure.sent, failure.expected, got, idea) from None
            if (where := self.where()).startswith("your cell, "):  # a line in a loop of ours says little
                got = f"{failure.got}; your code stands at {where.removeprefix('your cell, ')}"
                raise Failed(failure.sent, failure.expected, got, failure.idea) from None
            raise

    def expect_idle(self, idea: str = "", seconds: float = 0.15) -> None:
        """Expect that the code sleeps, for two times ``seconds`` out of four: there is nothing to do."""
        quiet = 0
        for _ in range(4):  # see Target.expect_idle
            used, start = self._used(), time.monotonic()
            time.sleep(seconds)
            quiet += self._used() - used <= SPIN * (time.monotonic() - start)
            if quiet == 2:
                return
        raise Failed(self.sent, "code that sleeps until something happens", "a busy loop", idea)

    def _used(self) -> float:
        with suppress(psutil.Error):  # it has ended
            return wanted_seconds(self.process) or cpu_seconds(self.process)
        return 0.0

    def settle(self, limit: float = 1.0) -> None:
        """Wait until the code waits: its process sleeps, and uses no processor, for 20 ms."""
        end = time.monotonic() + limit
        quiet, used = 0, -1.0
        while quiet < 4 and time.monotonic() < end:
            try:
                times = self.process.cpu_times()
                sleeping = self.process.status() in (psutil.STATUS_SLEEPING, psutil.STATUS_IDLE)
            except psutil.Error:
                return
            quiet = quiet + 1 if sleeping and times.user + times.system == used else 0
            used = times.user + times.system
            time.sleep(0.005)

    def where(self) -> str:
        """Return the line at which the code stands, in words; ``""`` when it does not say."""
        self._say(do="where")
        event = self._wait("standing", 0.5)
        return at_line(event["place"], event["source"]) if event else ""

    def raised(self) -> Raised | None:
        """Return the exception that the driver has raised, if nobody has asked for it yet."""
        event = self._first(("raised",), 0.1)
        return raised(event) if event["event"] == "raised" else None

    def _value(self, name: str, what: str, limit: float, ideas: Ideas, idea: str) -> Any:
        event = self._first((name, "raised", "returned"), limit)
        if event["event"] == name:
            return decode(event["value"])
        raise self._no_event(event, what, idea, ideas)

    def _first(self, names: tuple[str, ...], limit: float) -> dict[str, Any]:
        """Return the first event of one of ``names``; the last one, GONE; or ``{"event": ""}`` in time."""
        end = time.monotonic() + limit
        while not self._gone:
            event = self._get(end)
            if event is None:
                return {"event": ""}
            if event["event"] in (*names, GONE):
                return event
        return {"event": GONE}

    def _no_event(
        self, event: dict[str, Any], expected: str, idea: str, ideas: Ideas | None = None
    ) -> Exception:
        match event["event"]:
            case "raised":
                error = raised(event)
                for name in error.types:
                    if ideas and name in ideas:
                        return Failed(self.sent, expected, str(error), ideas[name])
                return Broke(f"your code raised {error}")
            case "returned":
                return Failed(self.sent, expected, "an early end", idea)
            case "gone":
                self.kill()
                status = self._process.returncode
                return Broke(f"your code has ended its whole process, with status {status}")
        where = self.where()
        return Failed(
            self.sent, expected, f"no end in time{f'; it stands at {where}' if where else ''}", idea
        )


def raised(event: dict[str, Any]) -> Raised:
    where = at_line(event["place"], event["source"])
    return Raised(tuple(event["types"]), str(event["message"]), where)


def at_line(place: str, source: str) -> str:
    if not place:
        return ""
    return f"{'your cell, ' if place.startswith('line ') else ''}{place}: {source}"


def brief(value: Any) -> str:
    """Return ``value`` as a person wants to read it."""
    if isinstance(value, bytes) and len(value) > 60:
        return f"{len(value):,} bytes starting {value[:20]!r}"
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:280]} …"
