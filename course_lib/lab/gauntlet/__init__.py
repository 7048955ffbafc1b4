"""The gauntlet: hostile clients that judge a server by what crosses the wire and by what its process does.

A server class is run in a process of its own, one for each scenario, so that one death spoils one
line of the report only. A server that is running already is judged at its address, as far as that
can be done from outside.

Read scenarios.py first, then report.py.
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import psutil

from course_lib.conversation import Echo
from course_lib.lab.gauntlet.child import Child, ChildError, last_words
from course_lib.lab.gauntlet.report import FAIL, PASS, SKIP, Report, Result
from course_lib.lab.gauntlet.scenarios import SCENARIOS, Scenario, UnknownScenario, choose
from course_lib.lab.gauntlet.target import Address, Failed, Target
from course_lib.lab.servable import build, name_of
from course_lib.listening import NO_DESCRIPTORS
from course_lib.servers import rung

__all__ = ["SCENARIOS", "ChildError", "Report", "Result", "UnknownScenario", "gauntlet", "judge_scenario"]

LIMIT = 10.0
"""Seconds for one scenario; a good server takes less than one of them."""

KNOWN_LIMIT = 2.0
"""Seconds for a scenario that the server is known to fail."""


def gauntlet(
    server: Any, only: Iterable[str] | None = None, *, pid: int | None = None, progress: bool = True
) -> Report:
    """Judge ``server`` and return a Report.

    ``server`` is the name of a rung, a server class of their shape (also one defined in a notebook
    cell), a function of one listener, or the address ``(host, port)`` of a server that is running;
    ``pid`` is then its process, if it may be looked at. ``only`` names the scenarios, all by default.
    A function has a conversation of its own: is it not echo, choose scenarios that fit.

    Raises UnknownRung, UnknownScenario, and ChildError for a class that cannot be sent to a process.
    """
    if isinstance(only, str):
        only = [only]
    scenarios = choose(None if only is None else list(only))
    if isinstance(server, tuple):
        judge, name = _judge_address(server, pid), "{}:{}".format(*server)
    else:
        name = name_of(server)
        server = rung(server) if isinstance(server, str) else server
        judge = (
            _judge_class(server) if isinstance(server, type) else _judge_function(server, only is not None)
        )
    report = Report(name)
    # Its own: who derives a class from a rung does so to mend it.
    known = vars(server).get("known_failures", {}) if isinstance(server, type) else {}
    for scenario in _with_bar(scenarios, name) if progress else scenarios:
        start = time.monotonic()
        try:
            result = judge(scenario, KNOWN_LIMIT if scenario.name in known else LIMIT)
        except OSError as error:
            if error.errno not in NO_DESCRIPTORS:
                raise
            result = skip(scenario, "this process may not open that many descriptors: raise `ulimit -n`")
        result.known = known.get(scenario.name, "")
        result.seconds = time.monotonic() - start
        report.results.append(result)
    return report


def _with_bar(scenarios: list[Scenario], name: str) -> Iterable[Scenario]:
    from tqdm.auto import tqdm  # the children import this package too, and are quicker without

    tqdm.monitor_interval = 0  # its monitor is a thread that never ends
    return tqdm(scenarios, desc=name, leave=False)


Judge = Callable[[Scenario, float], Result]


def skip(scenario: Scenario, reason: str) -> Result:
    return Result(scenario.name, scenario.title, SKIP, note=reason)


def judge_scenario(server: Callable[..., Any], name: str, limit: float = LIMIT) -> Result:
    """Judge what ``server(address, conversation)`` makes under one scenario, without a report."""
    return _judge_class(server)(choose([name])[0], limit)


def _judge_class(server: Callable[..., Any]) -> Judge:
    """Return a judge of a server class: each scenario has a process of its own."""

    def judge(scenario: Scenario, limit: float) -> Result:
        with Child(server, scenario.conversation, scenario.nofile) as child:
            try:
                address = child.start()
            except ChildError as error:
                result = Result(scenario.name, scenario.title, PASS)
                result.fail("nothing yet", "a server that listens", str(error))
                return result
            result = _run(scenario, Target(address, limit, child.process, child))
            if result.outcome == FAIL:
                result.printed = last_words(child.printed())
            return result

    return judge


def _judge_function(function: Callable[..., Any], chosen: bool) -> Judge:
    """Return a judge of a function of one listener. ``chosen``: somebody has picked the scenarios."""
    judge_class = _judge_class(partial(_from_function, function))

    def judge(scenario: Scenario, limit: float) -> Result:
        if scenario.conversation is not Echo and not chosen:
            return skip(scenario, "a function has a conversation of its own")
        return judge_class(scenario, limit)

    return judge


def _from_function(function: Callable[..., Any], address: Address, conversation: Callable[[], Any]) -> Any:
    return build(function, conversation, address, {})


def _judge_address(address: Address, pid: int | None) -> Judge:
    """Return a judge of a server that is running already."""
    process = psutil.Process(pid) if pid else None

    def judge(scenario: Scenario, limit: float) -> Result:
        if scenario.own:
            return skip(scenario, "it needs to start and stop the server itself")
        if scenario.process and process is None:
            return skip(scenario, "it needs to see the process: give its pid")
        return _run(scenario, Target(address, limit, process))

    return judge


def _run(scenario: Scenario, target: Target) -> Result:
    result = Result(scenario.name, scenario.title, PASS)
    try:
        scenario.run(target)
        if target.child is not None and not scenario.stops and target.child.has_died():
            raise Failed("all of the above", "a server that goes on", "every answer")
    except Failed as failure:
        result.fail(failure.sent, failure.expected, failure.got)
    except ChildError as error:
        result.fail("start", "a server that listens", str(error))
    except TimeoutError:
        result.fail("what the scenario says", f"an end within {target.limit:g} s", "no end")
    except psutil.Error:
        result.fail("what the scenario says", "a process to look at", "none")
    finally:
        target.close()
    if result.outcome == FAIL and target.child is not None and target.child.has_died(within=0.2):
        result.got += f"; {target.child.end}" if target.child.end not in result.got else ""
    if target.notes:
        result.note = ", ".join(target.notes) + " (give the pid of the server)"
    return result
