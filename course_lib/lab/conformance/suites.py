"""CPython's own tests of asyncio, with our loop in the place of theirs.

They come with the interpreter, in the package ``test.test_asyncio``; some systems leave that out. Some of its
modules hold classes for loops to be tested with (mixins): we derive from these. The others test what stands
on a loop, such as streams and task groups: for them our loop is made the default one.

Read ../../eventloop/aio/loop.py first. Next: run_main.py.
"""

import importlib
import importlib.util
import unittest
from collections.abc import Iterator
from typing import Any

PACKAGE = "test.test_asyncio"

MIXINS = {
    "test_events": ("EventLoopTestsMixin", "SubprocessTestsMixin"),
    "test_sock_lowlevel": ("BaseSockTestsMixin",),
    "test_sendfile": ("SendfileTestsBase",),
    "test_subprocess": ("SubprocessMixin",),
}
"""Module and classes: the loop itself is tested."""

ON_A_LOOP = (
    "test_buffered_proto",
    "test_context",
    "test_locks",
    "test_queues",
    "test_runners",
    "test_server",
    "test_streams",
    "test_ssl",
    "test_taskgroups",
    "test_threads",
    "test_timeouts",
    "test_waitfor",
)
"""Modules: what stands on a loop is tested."""

MODULES = (*MIXINS, *ON_A_LOOP)


def missing() -> str:
    """Return why the tests cannot be run here; ``""`` where they can."""
    try:
        found = importlib.util.find_spec(PACKAGE)
    except ImportError:
        found = None
    return "" if found else f"this Python came without its own tests (the package {PACKAGE})"


def make_default(loop: Any) -> None:
    """Let everything in this process that asks asyncio for a new loop get a ``loop``. No way back."""
    import asyncio
    from asyncio import unix_events

    # test_runners makes its loops of BaseEventLoop; from 3.13 there is EventLoop too.
    for name in ("SelectorEventLoop", "BaseEventLoop", "EventLoop"):
        if hasattr(asyncio, name):
            setattr(asyncio, name, loop)
    unix_events._UnixDefaultEventLoopPolicy._loop_factory = loop  # type: ignore[attr-defined]


class OnOurLoop:
    """The part of a test class that says which loop."""

    loop_class: Any

    def create_event_loop(self) -> Any:
        return self.loop_class()

    def setUp(self) -> None:
        if "create_event_loop" not in dir(super()):  # a mixin that wants a loop, and asks nobody for it
            self.loop = self.create_event_loop()
            self.set_event_loop(self.loop)  # type: ignore[attr-defined]
        super().setUp()  # type: ignore[misc]


def tests_of(module_name: str, loop: Any) -> list[unittest.TestCase]:
    """Return the tests of one of MODULES, each by itself. Call ``make_default`` before."""
    module = importlib.import_module(f"{PACKAGE}.{module_name}")
    suite: Any
    if module_name in MIXINS:
        utils = importlib.import_module(f"{PACKAGE}.utils")
        bases = [getattr(module, name) for name in MIXINS[module_name]]
        ours = type("OurLoop", (OnOurLoop, *bases, utils.TestCase), {"loop_class": loop})
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(ours)
    else:
        suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    return list(_each(suite))


def _each(suite: Any) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _each(test)
        else:
            yield test
