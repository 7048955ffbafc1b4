"""The same coroutines, unchanged, on a loop of our own that has asyncio's interface.

The server is that of asyncio_streams.py. What runs beneath it is the reactor.

Read ../eventloop/aio/loop.py first. It is the last rung.
"""

import asyncio
import sys

from course_lib.eventloop.aio import new_event_loop
from course_lib.servers.asyncio_streams import AsyncioStreamsServer


class OwnAsyncioServer(AsyncioStreamsServer):
    name = "own_asyncio"
    unavailable = "our loop has asyncio's interface on Unix only" if sys.platform == "win32" else ""

    def run(self) -> None:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(self.main())

    def accept_no_more(self, server: asyncio.AbstractServer) -> None:
        server.close()
