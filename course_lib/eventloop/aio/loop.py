"""asyncio's event loop, written from scratch on our reactor. It runs asyncio programs unchanged:

    asyncio.Runner(loop_factory=new_event_loop).run(main())

A storey a file, each standing on the one below: calls (queue and timers), running, tasks, descriptors,
sockets, TLS, connecting, serving, Unix sockets, datagrams, pipes, signals, subprocesses, sendfile. At the
bottom of all is ``Reactor.run_once``. It derives from no other loop: ``AbstractEventLoop`` names the methods.

Read sendfile.py first. Next: ../../servers/own_asyncio.py.
"""

from course_lib.eventloop.aio.private import PrivateNames
from course_lib.eventloop.aio.sendfile import SendFile


class AsyncioLoop(PrivateNames, SendFile):
    """An ``asyncio.AbstractEventLoop`` for Unix."""


def new_event_loop() -> AsyncioLoop:
    """Return a new loop."""
    return AsyncioLoop()
