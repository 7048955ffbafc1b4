"""What the asyncio rungs share: a loop of their own, and a way to end it from another thread.

asyncio owns the loop, the selector and the waker here. ``serve_forever`` runs a fresh loop in the
thread that calls it, so these servers live beside a loop that is running already, such as that
of a notebook.

Read coroutines.py first. Next: asyncio_streams.py.
"""

import asyncio
from typing import Any

from course_lib.listening import NO_DESCRIPTORS
from course_lib.servers.base import Server

ACCEPTED_AT_ONCE = 16
"""asyncio takes its ``backlog`` for two things: how many clients may wait, and how often it accepts in
a row. Where there is no room for one more socket it fails, tells us and sets a timer as many times."""


class AsyncioServer(Server):
    def set_up(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.transports: set[asyncio.WriteTransport] = set()
        """The open connections."""
        self.last_crowded = float("-inf")

    def run(self) -> None:
        asyncio.run(self.main())

    async def main(self) -> None:
        self.woken = asyncio.Event()  # before the loop, which tells stop() that there is something to wake
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(self.loop_error)
        server = await self.start()
        self.listener.listen(self.backlog)  # as many may wait as on every rung
        try:
            if not self.stopping:  # stop() may have come before there was a loop to wake
                await self.woken.wait()
        finally:
            self.accept_no_more(server)
            await asyncio.sleep(0)  # whoever was let in a moment ago begins now
            while self.transports or asyncio.all_tasks() != {asyncio.current_task()}:
                for transport in self.transports:
                    abort(transport)
                await asyncio.sleep(0)
            server.close()

    async def start(self) -> asyncio.AbstractServer:
        """Begin to accept on ``self.listener``."""
        raise NotImplementedError

    def accept_no_more(self, server: asyncio.AbstractServer) -> None:
        """Let nobody in. An accept under way may come through: asyncio's would fail if its server were
        closed now, and leave its socket open. So it is closed last."""
        if self.loop is not None:
            self.loop.remove_reader(self.listener)

    def loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception") or RuntimeError(context["message"])
        if isinstance(error, OSError) and error.errno in NO_DESCRIPTORS:
            # asyncio leaves the listener alone for a second, and tells us for each of its
            # attempts: report the first only, until two quiet seconds have passed.
            if loop.time() - self.last_crowded > 2:
                self.report(error)
            self.last_crowded = loop.time()
        else:
            self.report(error)

    def wake(self) -> None:
        if self.loop is not None:
            try:
                self.loop.call_soon_threadsafe(self.woken.set)
            except RuntimeError:
                pass  # the loop is closed: nothing waits


def abort(transport: asyncio.WriteTransport) -> None:
    """Close ``transport`` at once, unsent bytes or not."""
    try:
        transport.abort()
    except AttributeError:
        pass  # its close() sent the last byte a moment ago, and it has let go of its loop (3.11 to 3.13)
