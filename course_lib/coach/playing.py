"""Play a coroutine on a loop whose time is not real, and tell what became of it.

What takes nine seconds takes none, and ends at the same moment in every run. A coroutine that never ends is
found out: where such a loop would sleep for ever, FakeTime says so.

Read ../eventloop/fake_time.py first.
"""

from collections.abc import Coroutine
from typing import Any, Self

from course_lib.coach.exercise import Broke
from course_lib.eventloop import CancelledError, Future, Loop
from course_lib.eventloop.fake_time import FakeTime

ASLEEP, BUSY, ESCAPED = "sleeps for ever", "goes round and round", "an error has ended the loop"

KNOWN = {"returned", "ValueError", "CancelledError", "TimeoutError", ASLEEP, BUSY, ESCAPED}
"""What a judge may have a word for. Any other exception is a slip of the learner's."""

ROUNDS = 5000
"""No play of a judge's needs so many."""


Played = tuple[str, Any, float]
"""How it ended: ``"returned"``, the name of an exception, or one of the above; with what; after how long."""


class FakeLoop(Loop):
    """A loop of fake time, which keeps the errors that are reported to it."""

    def __init__(self) -> None:
        fake = FakeTime()
        super().__init__(fake, fake.clock)
        self.errors: list[str] = []
        self.on_error = self._keep

    def _keep(self, error: Exception) -> None:
        self.errors.append(f"{type(error).__name__}: {error}")

    def play(self, coro: Coroutine[Any, Any, Any]) -> Played:
        """Run ``coro`` as a task, as far as it goes."""
        return self.finish(self.spawn(coro))

    def finish(self, task: Future[Any]) -> Played:
        """Run until ``task`` is done; tell how it has ended."""
        for _ in range(ROUNDS):
            if task.done():
                return outcome(task, self.time())
            try:
                self.run_once()
            except CancelledError as error:  # no Exception, so the loop does not catch it
                return ESCAPED, type(error).__name__, self.time()
            except RuntimeError as error:
                if "sleep for ever" not in str(error):
                    raise
                return ASLEEP, "", self.time()
        return BUSY, "", self.time()

    def gather(self, *parts: Any) -> Any:
        raise NotImplementedError("loop.gather is not for this exercise")

    def timeout(self, seconds: float) -> Any:
        raise NotImplementedError("loop.timeout is not for this exercise")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()


def outcome(task: Future[Any], seconds: float) -> Played:
    if task.cancelled():
        return "CancelledError", "", seconds
    error = task.exception()
    if error is not None:
        return type(error).__name__, str(error), seconds
    return "returned", task.result(), seconds


def expect_no_slip(played: Played) -> None:
    """Raise Broke where it ended by an exception that is no answer."""
    if played[0] not in KNOWN:
        raise Broke(f"your code raised {in_words(played)}")


def in_words(played: Played) -> str:
    end, value, seconds = played
    at = f"{seconds:g} s"
    if end in (ASLEEP, BUSY, ESCAPED):
        return f"a loop that {end} ({at})" if end != ESCAPED else f"{value}, which has ended the loop ({at})"
    if end == "returned":
        return f"{value!r}, after {at}"
    return f"{end}({value!r}), after {at}" if value else f"{end}, after {at}"
