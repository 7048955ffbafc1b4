"""Exercise 11.5, its third part: tasks that wait for sockets.

Read programs_11_5.py first.
"""

import asyncio
import random
import socket
import time
from collections.abc import Coroutine, Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercise import Failed
from course_lib.coach.exercises.calls_11_5 import COMMON, IDLE, STAYS, WORDS
from course_lib.coach.exercises.explaining import explained
from course_lib.coach.peer import Peer
from course_lib.coach.run import Run, brief

# --- words and numbers of the judge

HEARS = "`sock_recv` waits until the socket is ready, and returns what has come."
GIVES_UP = (
    "`asyncio.timeout` cancels the task that waits. So the wait ends by a CancelledError, which nobody may"
    " keep back, and no call may block the loop meanwhile."
)
TWO = "Two tasks wait, each for its own socket: whose bytes come first goes on first."
SENDS = "`sock_sendall` returns when all has gone; it waits for room, and other tasks run meanwhile."
RESETS = "The peer has reset the connection: the task that waits for it must see the exception."
MANY = 8
"""No wait for a socket takes so many callbacks; one or two will do."""
HEARD = b"heard"

# --- in the learner's process


def drive_sockets(kind: Any, address: tuple[str, int], seed: int, size: int) -> Iterator[Any]:
    """Each step yields what came of it; the judge has the other ends of two connections."""
    data = random.Random(seed).randbytes(size)
    with (
        socket.create_connection(address) as one,
        socket.create_connection(address) as two,
        asyncio.Runner(loop_factory=kind) as runner,
    ):
        for sock in (one, two):
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 * 1024)
        yield "waits"
        yield runner.run(counted(recv(one)))
        yield runner.run(impatient(one))
        yield runner.run(impatient(one))
        yield "gave up"
        runner.run(asyncio.sleep(0.1))
        yield runner.run(recv(one))
        yield "leaves bytes"
        runner.run(asyncio.sleep(1.5))
        yield runner.run(recv(one))
        yield "two"
        yield runner.run(both(one, two))
        yield "sends"
        yield runner.run(sends(one, data, two))
        yield "reset"
        yield runner.run(error_of(recv(two)))


async def recv(sock: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(sock, 100)


async def counted(coro: Coroutine[Any, Any, Any]) -> Any:
    """Return what it returns, and how many callbacks the loop was given meanwhile."""
    loop, count = asyncio.get_running_loop(), 0

    def counting(call: Any) -> Any:
        def counted_call(*args: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            return call(*args, **options)

        return counted_call

    for name in ("call_soon", "call_later", "call_at"):
        setattr(loop, name, counting(getattr(loop, name)))
    return [await coro, count]


async def impatient(sock: socket.socket) -> str:
    try:
        async with asyncio.timeout(0.1):
            return f"{await recv(sock)!r}"
    except TimeoutError:
        return "TimeoutError"


async def both(one: socket.socket, two: socket.socket) -> Any:
    got: list[bytes] = []

    async def hear(sock: socket.socket) -> None:
        got.append(await recv(sock))
        sock.send(HEARD)

    await asyncio.gather(hear(one), hear(two))
    return got


async def sends(sock: socket.socket, data: bytes, other: socket.socket) -> str:
    """Send; meanwhile another task says that it runs, and only then will the peer read."""

    async def speak() -> None:
        await asyncio.sleep(0.02)
        other.send(HEARD)

    speaking = asyncio.create_task(speak())
    await asyncio.get_running_loop().sock_sendall(sock, data)
    await speaking
    return "all sent"


async def error_of(coro: Coroutine[Any, Any, Any]) -> str:
    try:
        return f"no exception, and {await coro!r}"
    except Exception as error:
        return type(error).__name__


# --- the judge


def judge_sockets(exam: Exam) -> None:
    seed, size = exam.random.randrange(2**32), exam.random.randrange(1_000_000, 1_100_000)
    listener = exam.listen()
    listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
    run = exam.run(drive_sockets, listener.address, seed, size)
    one, two = listener.accept(), listener.accept()
    with explained(run, WORDS):
        judge_waits(exam, run, one)
        judge_both(exam, run, one, two)
        judge_sends(run, one, two, random.Random(seed).randbytes(size))
        judge_reset(run, two)
    run.result()


def gets(run: Run, sent: str, expected: Any, idea: str) -> None:
    run.sent = sent
    run.expect_equal(run.next(5.0, ideas=COMMON, idea=idea), expected, idea)


def judge_waits(exam: Exam, run: Run, peer: Peer) -> None:
    """Expect that one task waits, is cancelled, and waits again; the loop sleeps meanwhile."""
    words = [exam.bytes(size) for size in (7, 8, 9)]
    gets(run, "sock_recv(sock, 100), and nothing comes", "waits", HEARS)
    idle(run, IDLE)
    peer.send(words[0])
    run.sent = f"sock_recv(sock, 100), then {brief(words[0])}"
    got, count = run.next(5.0, ideas=COMMON, idea=HEARS)
    if count > MANY:
        raise Failed(run.sent, "a loop that sleeps meanwhile", f"{count} calls put into its queue", IDLE)
    run.expect_equal(got, words[0], HEARS)
    gets(run, "sock_recv in an asyncio.timeout(0.1), and nothing comes", "TimeoutError", GIVES_UP)
    gets(run, "the same once more, on the same socket", "TimeoutError", STAYS)
    gets(run, "the same", "gave up", STAYS)
    peer.send(words[1])
    again = f"sock_recv that is cancelled by a timeout, then {brief(words[1])}, then another sock_recv"
    gets(run, again, words[1], STAYS)
    peer.send(words[2])
    gets(run, "the bytes of a socket for which no task waits", "leaves bytes", STAYS)
    idle(run, STAYS)
    gets(run, f"{brief(words[2])}, and after a while sock_recv", words[2], HEARS)


def judge_both(exam: Exam, run: Run, one: Peer, two: Peer) -> None:
    """Expect that of two tasks that one goes on first whose bytes come first."""
    first, second = exam.bytes(10), exam.bytes(11)
    sent = "two tasks, each with sock_recv on its own socket"
    gets(run, sent, "two", TWO)
    with run.talking(COMMON):
        two.send(first)
        two.expect(HEARD, TWO, 5.0)
        one.send(second)
        one.expect(HEARD, TWO, 5.0)
    gets(run, sent, [first, second], TWO)


def judge_sends(run: Run, one: Peer, two: Peer, data: bytes) -> None:
    """Expect that all goes to a peer that reads late, and that another task runs until it does."""
    gets(run, "sock_sendall", "sends", SENDS)
    run.sent = f"sock_sendall(sock, {len(data):,} bytes) to a peer that does not read yet, and another task"
    one.said[:] = two.said[:] = [run.sent]
    with run.talking(COMMON):
        two.expect(HEARD, SENDS, 5.0)
        one.expect(data, SENDS, 8.0)
    gets(run, run.sent, "all sent", SENDS)


def judge_reset(run: Run, peer: Peer) -> None:
    sent = "sock_recv, then a reset"
    gets(run, sent, "reset", RESETS)
    time.sleep(0.1)  # it waits by then, though it may also come later
    peer.reset()
    gets(run, sent, "ConnectionResetError", RESETS)


def idle(run: Run, idea: str) -> None:
    """Expect that it sleeps; where it has died, say so."""
    with run.talking(COMMON):
        run.expect_idle(idea)
