"""Each program here runs on our loop and on asyncio's own, and must be answered alike."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import trustme

from course_lib.eventloop.aio import new_event_loop
from tests.helpers import nothing_left

NewLoop = Callable[[], asyncio.AbstractEventLoop]


class Run:
    """``run(main())`` on a new loop. ``told`` is what its exception handler was told."""

    def __init__(self, new_loop: NewLoop) -> None:
        self.new_loop = new_loop
        self.told: list[dict[str, Any]] = []
        """A test that expects something here takes it out."""

    def __call__(self, coro: Coroutine[Any, Any, Any], debug: bool | None = None) -> Any:
        with asyncio.Runner(loop_factory=self.new_loop, debug=debug) as runner:
            runner.get_loop().set_exception_handler(lambda loop, context: self.told.append(context))
            return runner.run(coro)

    def take(self) -> list[dict[str, Any]]:
        """Return what it was told, and expect it."""
        told, self.told = self.told, []
        return told


@pytest.fixture(params=[new_event_loop, asyncio.SelectorEventLoop], ids=["ours", "asyncio"])
def new_loop(request: pytest.FixtureRequest) -> Iterator[NewLoop]:
    with nothing_left():
        yield request.param


@pytest.fixture
def run(new_loop: NewLoop) -> Iterator[Run]:
    run = Run(new_loop)
    yield run
    assert run.told == [], "the loop's exception handler was told what the test did not expect"


@pytest.fixture
def ours() -> Iterator[Run]:
    """The same for programs that asyncio's own loop gets wrong, in one version or another."""
    with nothing_left():
        run = Run(new_event_loop)
        yield run
        assert run.told == []


@pytest.fixture
def loop(new_loop: NewLoop) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop to be turned by hand. It is closed afterwards."""
    with contextlib.closing(new_loop()) as loop:
        yield loop


@pytest.fixture(scope="session")
def tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A context for a server that is called localhost, and one for clients who trust it."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return server, client
