"""One task for each client: it reads like the threaded server, with ``await`` where that one waits.

Compare ``serve`` with the one in threaded.py. All tasks share one thread; at each ``await`` a task
gives it back, and the loop's selector decides who goes on.

Read asyncio_base.py first. Next: asyncio_protocol.py.
"""

import asyncio

from course_lib.servers.asyncio_base import ACCEPTED_AT_ONCE, AsyncioServer, abort
from course_lib.servers.base import CHUNK


class AsyncioStreamsServer(AsyncioServer):
    name = "asyncio_streams"

    async def start(self) -> asyncio.AbstractServer:
        return await asyncio.start_server(self.serve, sock=self.listener, backlog=ACCEPTED_AT_ONCE)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.transports.add(writer.transport)
        writer.transport.set_write_buffer_limits(self.high_water)
        try:
            conversation = self.conversation()
            await self.write(writer, conversation.greet())
            while not conversation.closing and (data := await reader.read(CHUNK)):
                await self.write(writer, conversation.receive(data))
            writer.close()
            await writer.wait_closed()  # after the last byte has gone out
        except (ConnectionError, TimeoutError):
            pass  # the client is gone
        except Exception as error:
            self.report(error)
        finally:
            abort(writer.transport)
            self.transports.discard(writer.transport)

    async def write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)  # never waits: what the kernel does not take is kept in memory
        await writer.drain()  # waits while too much is kept
