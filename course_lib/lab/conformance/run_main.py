"""Runs one module of CPython's tests: each test in a process of its own, with a time limit.

    python -m course_lib.lab.conformance.run_main test_events [--loop package.module:Class] [PART OF A NAME]

It writes lines of JSON: ``{"tests": 99}``, then ``{"test": …, "outcome": …, "detail": …}`` for each test. The
processes are forked, so that the tests are imported once.

Read suites.py first. Next: report.py.
"""

import argparse
import importlib
import io
import json
import os
import selectors
import signal
import time
import unittest
import warnings
from typing import Any

from course_lib.eventloop.aio import AsyncioLoop
from course_lib.lab.conformance.suites import make_default, tests_of

LIMIT = 60.0
"""Seconds for one test."""


def main(module: str, loop: str, part: str) -> None:
    kind = loop_class(loop)
    make_default(kind)
    tests = [test for test in tests_of(module, kind) if part in test.id()]
    say({"tests": len(tests)})
    for test in tests:
        say({"test": f"{type(test).__name__}.{test.id().rsplit('.', 1)[1]}"} | in_a_process(test))


def say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)  # noqa: T201


def in_a_process(test: unittest.TestCase) -> dict[str, str]:
    """Run ``test`` in a fork; return its outcome and, where it has failed, why."""
    outlet, inlet = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(outlet)
        os.setsid()  # it and all that it starts can be killed together
        with open(inlet, "w") as out:
            json.dump(outcome_of(test), out)
        os._exit(0)
    os.close(inlet)
    try:
        told = read_until_end(outlet)
    finally:
        os.close(outlet)
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(pid, 0)
    if told is None:
        return {"outcome": "failed", "detail": f"it was not over after {LIMIT:g} s"}
    if not told:
        return {"outcome": "failed", "detail": "its process died"}
    message: dict[str, str] = json.loads(told)
    return message


def read_until_end(fd: int) -> str | None:
    """Return what comes from ``fd``; None where there is no end within the limit."""
    end, heard = time.monotonic() + LIMIT, b""
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, end - time.monotonic())):
                return None
            data = os.read(fd, 65536)
            if not data:
                return heard.decode()
            heard += data


def outcome_of(test: unittest.TestCase) -> dict[str, str]:
    devnull = os.open(os.devnull, os.O_RDWR)
    for fd in (1, 2):
        os.dup2(devnull, fd)
    warnings.simplefilter("default")
    result = unittest.TextTestRunner(stream=io.StringIO(), verbosity=0).run(unittest.TestSuite([test]))
    if result.skipped:
        return {"outcome": "skipped", "detail": result.skipped[0][1]}
    troubles = [*result.failures, *result.errors]
    if troubles or result.unexpectedSuccesses:
        return {"outcome": "failed", "detail": troubles[0][1] if troubles else "an unexpected success"}
    return {"outcome": "passed", "detail": ""}


def loop_class(name: str) -> Any:
    if not name:
        return AsyncioLoop
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("part", nargs="?", default="")
    parser.add_argument("--loop", default="")
    main(**vars(parser.parse_args()))
