"""The ladder: servers in teaching order, each one idea above the last."""

from course_lib.servers.asyncio_protocol import AsyncioProtocolServer
from course_lib.servers.asyncio_streams import AsyncioStreamsServer
from course_lib.servers.base import Server
from course_lib.servers.blocking import BlockingServer
from course_lib.servers.coroutines import CoroutinesServer
from course_lib.servers.epoll_loop import EpollServer
from course_lib.servers.nonblocking import NonblockingServer
from course_lib.servers.own_asyncio import OwnAsyncioServer
from course_lib.servers.poll_loop import PollServer
from course_lib.servers.reactor_loop import ReactorServer
from course_lib.servers.select_loop import SelectServer
from course_lib.servers.selectors_loop import SelectorsServer
from course_lib.servers.thread_pool import ThreadPoolServer
from course_lib.servers.threaded import ThreadedServer

LADDER: tuple[type[Server], ...] = (
    BlockingServer,
    ThreadedServer,
    ThreadPoolServer,
    NonblockingServer,
    SelectServer,
    PollServer,
    EpollServer,
    SelectorsServer,
    ReactorServer,
    CoroutinesServer,
    AsyncioStreamsServer,
    AsyncioProtocolServer,
    OwnAsyncioServer,
)
"""The rungs, from the bottom up."""


class UnknownRung(ValueError):
    """There is no rung of that name; the message lists the names."""


def rung(name: str) -> type[Server]:
    """Return the rung called ``name``. Raises UnknownRung."""
    for server in LADDER:
        if server.name == name:
            return server
    names = ", ".join(server.name for server in LADDER)
    raise UnknownRung(f"there is no server {name!r}; choose one of {names}")
