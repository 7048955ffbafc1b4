"""One thread for all clients, and one coroutine for each: what it does is written from top to bottom again.

Compare ``serve`` with the one in threaded.py. Where a thread would be blocked, a coroutine awaits, and our
own loop runs another one in the meantime.

Read ../eventloop/loop.py first. Next: asyncio_base.py.
"""

import socket

from course_lib.eventloop import READ, Loop
from course_lib.servers.base import CHUNK, CROWDED_PAUSE, Server


class CoroutinesServer(Server):
    name = "coroutines"

    def set_up(self) -> None:
        self.listener.setblocking(False)
        self.loop = Loop()
        self.loop.on_error = self.report

    def run(self) -> None:
        self.loop.spawn(self.main())
        self.loop.run_forever()

    async def main(self) -> None:
        while True:
            await self.loop.ready(self.listener, READ)
            self.accept()
            if self.crowded:
                await self.loop.sleep(CROWDED_PAUSE)

    def accept(self) -> None:
        sock = self.next_client()
        if sock is not None:
            sock.setblocking(False)
            task = self.loop.spawn(self.serve(sock))
            # Not in the coroutine: cancelled before its first step it would close nothing.
            task.add_done_callback(lambda task: sock.close())

    async def serve(self, sock: socket.socket) -> None:
        try:
            conversation = self.conversation()
            await self.loop.sock_sendall(sock, conversation.greet())
            while not conversation.closing and (data := await self.loop.sock_recv(sock, CHUNK)):
                await self.loop.sock_sendall(sock, conversation.receive(data))
        except (ConnectionError, TimeoutError):
            pass  # the client is gone
        except Exception as error:
            self.report(error)

    def wake(self) -> None:
        self.loop.stop()

    def close_all(self) -> None:
        self.loop.cancel_all()
        while self.loop.tasks:
            self.loop.run_once(0)
        self.loop.close()
        self.listener.close()
