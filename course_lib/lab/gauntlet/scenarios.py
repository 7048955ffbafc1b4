"""The list of the gauntlet: every scenario, and what it needs to be judged.

Read target.py first. Next: talking.py.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from course_lib.conversation import ArticleBlocking, ArticleSelectors, Echo
from course_lib.lab.gauntlet import crowding, ending, leaving, talking
from course_lib.lab.gauntlet.target import Target


class Scenario(NamedTuple):
    """``run`` raises Failed where the server does not do what it should."""

    run: Callable[[Target], None]
    conversation: Callable[[], Any] = Echo
    own: bool = False
    """Only for a server that we may start and stop ourselves, with a conversation of ours."""
    process: bool = False
    """Judges nothing without a process to look at."""
    nofile: int | None = None
    """The limit of descriptors for the server's process."""
    stops: bool = False
    """The server is stopped in the end, so it need not be alive."""

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def title(self) -> str:
        """One sentence that says what the clients do, and what should come of it."""
        return (self.run.__doc__ or "").strip()


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(talking.polite),
    Scenario(talking.two_in_one),
    Scenario(talking.dribble),
    Scenario(talking.big_message),
    Scenario(talking.all_bytes),
    Scenario(talking.split_character),
    Scenario(crowding.idle_neighbour),
    Scenario(crowding.crowd),
    Scenario(leaving.connect_and_leave),
    Scenario(leaving.half_close),
    Scenario(leaving.reset_mid_message),
    Scenario(leaving.reset_storm),
    Scenario(crowding.never_reads),
    Scenario(talking.slow_reader),
    Scenario(crowding.idle_cpu, process=True),
    Scenario(crowding.descriptor_limit, own=True, nofile=64),
    Scenario(ending.restart_same_port, own=True),
    Scenario(ending.stop_under_load, own=True, stops=True),
    Scenario(talking.close_answered, conversation=ArticleBlocking, own=True),
    Scenario(talking.close_silent, conversation=ArticleSelectors, own=True),
)


class UnknownScenario(ValueError):
    """There is no scenario of that name; the message lists the names."""


def choose(only: list[str] | tuple[str, ...] | None) -> list[Scenario]:
    """Return the scenarios named in ``only``, in the order of the list; all for None."""
    if only is None:
        return list(SCENARIOS)
    names = [scenario.name for scenario in SCENARIOS]
    for name in only:
        if name not in names:
            raise UnknownScenario(f"there is no scenario {name!r}; choose from {', '.join(names)}")
    return [scenario for scenario in SCENARIOS if scenario.name in only]
