"""The loop: with a clock that jumps where time matters, with real threads where they do."""

import errno
import gc
import socket
import threading
import weakref
from collections.abc import Iterator

import pytest

from course_lib.eventloop import READ, WRITE, CancelledError, Future, Loop
from tests.eventloop.conftest import FakedLoop
from tests.helpers import (
    cpu_share,
    nobody_listens,
    nothing_left,
    pattern,
    reset,
    wait_until,
    wait_until_asleep,
)

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def real() -> Iterator[Loop]:
    """A loop whose time passes. No error is expected to be reported."""
    with nothing_left():
        loop = Loop()
        errors: list[BaseException] = []
        loop.on_error = errors.append
        yield loop
        loop.close()
    assert errors == [] and not loop.tasks


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = socket.socketpair()
    for sock in pair:
        sock.setblocking(False)
    yield pair
    for sock in pair:
        sock.close()


def watched(loop: Loop) -> int:
    """How many descriptors it watches, less its own waker."""
    return len(loop._registered) - 1


# --- run


def test_run_returns_the_result(loop: FakedLoop) -> None:
    async def main() -> int:
        await loop.sleep(1)
        return 7

    assert [loop.run(main()), loop.run(main())] == [7, 7]  # any number of times
    assert loop.time() == 2
    assert loop.current_task is None


def test_run_raises_what_it_ends_in_and_can_be_used_again(loop: FakedLoop) -> None:
    async def fails(error: type[BaseException]) -> None:
        await loop.sleep(0)
        raise error

    for error in (ValueError, CancelledError, KeyboardInterrupt, SystemExit, ValueError):
        with pytest.raises(error):
            loop.run(fails(error))
        assert not loop.tasks


def test_what_is_left_is_cancelled_and_cleans_up(loop: FakedLoop) -> None:
    events: list[str] = []

    async def background() -> None:
        events.append("begins")
        try:
            await loop.sleep(100)
        finally:
            await loop.sleep(1)
            events.append(f"cleaned up at {loop.time():g}")

    async def main() -> str:
        loop.spawn(background())
        await loop.sleep(1)
        return "result"

    assert loop.run(main()) == "result"
    assert events == ["begins", "cleaned up at 2"]


def test_what_main_spawns_last_still_begins(loop: FakedLoop) -> None:
    """As on asyncio: there is one more round, in which it has its first step and can clean up."""
    events: list[str] = []

    async def background() -> None:
        events.append("begins")
        try:
            await loop.sleep(100)
        finally:
            events.append("cleans up")

    async def main() -> None:
        loop.spawn(background())

    loop.run(main())
    assert events == ["begins", "cleans up"]


def test_a_failure_of_what_is_left_is_reported(loop: FakedLoop) -> None:
    async def background() -> None:
        try:
            await loop.sleep(100)
        finally:
            raise ValueError("planted")

    async def main() -> None:
        loop.spawn(background())
        await loop.sleep(1)

    loop.run(main())
    assert [str(error) for error in loop.reported] == ["planted"]
    loop.reported.clear()


def test_ctrl_c_in_a_task_ends_it_and_all_clean_up(loop: FakedLoop) -> None:
    events: list[str] = []

    async def waits(name: str) -> None:
        try:
            await loop.sleep(100)
        finally:
            await loop.sleep(1)
            events.append(name)

    async def pressed() -> None:
        await loop.sleep(1)
        raise KeyboardInterrupt

    async def main() -> None:
        await loop.gather(waits("one"), pressed(), waits("two"))

    with pytest.raises(KeyboardInterrupt):
        loop.run(main())
    assert sorted(events) == ["one", "two"]
    assert not loop.tasks and loop.current_task is None


def test_ctrl_c_in_a_callback_too(loop: FakedLoop) -> None:
    def press() -> None:
        raise KeyboardInterrupt

    async def main() -> None:
        loop.call_later(1, press)
        await loop.sleep(2)

    with pytest.raises(KeyboardInterrupt):
        loop.run(main())
    assert loop.time() == 1


def test_stop_ends_run(loop: FakedLoop) -> None:
    """Main is cancelled like all others; and a loop that was stopped can run again."""

    async def main() -> None:
        await loop.sleep(100)

    async def quick() -> str:
        await loop.sleep(1)
        return "again"

    loop.call_later(1, loop.stop)
    with pytest.raises(RuntimeError, match="stopped before"):
        loop.run(main())
    assert loop.time() == 1
    assert loop.run(quick()) == "again"


def test_run_within_run_is_told(loop: FakedLoop) -> None:
    async def inner() -> None: ...

    async def main() -> None:
        with pytest.raises(RuntimeError, match="runs already"):
            loop.run(inner())
        assert "running" in repr(loop)

    loop.run(main())
    assert "resting" in repr(loop)


def test_a_task_is_not_lost_where_nobody_remembers_it(loop: FakedLoop) -> None:
    """asyncio keeps weak references only: there the collector may take it."""
    events: list[str] = []

    async def background() -> None:
        await loop.sleep(1)
        events.append("done")

    async def main() -> None:
        loop.spawn(background())
        await loop.sleep(0)
        gc.collect()
        await loop.sleep(2)

    loop.run(main())
    assert events == ["done"]


def test_tasks_are_forgotten_when_they_are_done(loop: FakedLoop) -> None:
    async def main() -> None:
        task = weakref.ref(loop.spawn(loop.sleep(0)))
        assert len(loop.tasks) == 2
        await loop.sleep(1)
        assert len(loop.tasks) == 1 and task() is None

    gc.disable()
    try:
        loop.run(main())
    finally:
        gc.enable()


# --- sleep


def test_sleeping(loop: FakedLoop) -> None:
    events: list[tuple[str, float]] = []

    async def sleeps(name: str, seconds: float) -> None:
        await loop.sleep(seconds)
        events.append((name, loop.time()))

    async def main() -> None:
        await loop.gather(sleeps("long", 3), sleeps("short", 1), sleeps("none", 0), sleeps("less", -1))

    loop.run(main())
    assert events == [("none", 0), ("less", 0), ("short", 1), ("long", 3)]


def test_a_sleep_that_is_cancelled_leaves_no_timer(loop: FakedLoop) -> None:
    task = loop.spawn(loop.sleep(10))
    loop.run_once(0)
    assert len(loop._timers) == 1
    task.cancel()
    loop.run_once(0)
    assert task.cancelled() and len(loop._timers) == 0
    loop.run_once(0)


# --- sockets


def test_recv_waits_for_bytes_and_for_the_end(loop: FakedLoop, pair: Pair) -> None:
    ours, theirs = pair

    async def main() -> list[bytes]:
        loop.call_later(1, theirs.send, b"hello")
        loop.call_later(2, theirs.close)
        return [await loop.sock_recv(ours, limit) for limit in (3, 10, 10)]

    assert loop.run(main()) == [b"hel", b"lo", b""]
    assert loop.time() == 2 and watched(loop) == 0


def test_recv_tells_of_a_reset(loop: FakedLoop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
        ours.setblocking(False)

        async def main() -> None:
            loop.call_later(1, reset, theirs)
            with pytest.raises(ConnectionResetError):
                await loop.sock_recv(ours, 10)

        with ours:
            loop.run(main())
    assert watched(loop) == 0


def test_readiness_is_a_hint(loop: FakedLoop, pair: Pair) -> None:
    """Ready, but another has taken the bytes in the meantime: it waits again."""
    ours, theirs = pair

    async def main() -> bytes:
        receiving = loop.spawn(loop.sock_recv(ours, 10))
        await loop.sleep(0)
        theirs.send(b"taken")
        loop.call_soon(ours.recv, 10)  # after the reactor has seen them, before the task's next step
        await loop.sleep(1)
        assert not receiving.done()
        theirs.send(b"left")
        return await receiving

    assert loop.run(main()) == b"left"


def test_recv_lets_others_have_their_turn(loop: FakedLoop, pair: Pair) -> None:
    ours, theirs = pair
    theirs.send(bytes(1000))
    rounds: list[int] = []

    async def main() -> None:
        for _ in range(3):
            await loop.sock_recv(ours, 1)
            rounds.append(loop.rounds)

    loop.run(main())
    assert len(set(rounds)) == 3


def test_sendall_sends_more_than_fits(loop: FakedLoop, pair: Pair) -> None:
    ours, theirs = pair
    data = pattern(2_000_000)

    async def main() -> bytes:
        sending = loop.spawn(loop.sock_sendall(ours, data))
        heard = bytearray()
        while len(heard) < len(data):
            heard += await loop.sock_recv(theirs, 100_000)
        await sending
        return bytes(heard)

    assert loop.run(main()) == data
    assert watched(loop) == 0


def test_sendall_waits_only_if_it_must(loop: FakedLoop, pair: Pair) -> None:
    ours, theirs = pair
    for data in (b"", b"fits"):
        with pytest.raises(StopIteration):
            loop.sock_sendall(ours, data).send(None)
    assert theirs.recv(10) == b"fits"


def test_sendall_tells_of_a_peer_that_is_gone(loop: FakedLoop, pair: Pair) -> None:
    ours, theirs = pair

    async def main() -> None:
        loop.call_later(1, theirs.close)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            await loop.sock_sendall(ours, bytes(10_000_000))

    loop.run(main())
    assert watched(loop) == 0


def test_one_reads_while_another_writes(loop: FakedLoop, pair: Pair) -> None:
    """Both on one socket: each is woken for its own direction."""
    ours, theirs = pair
    data = pattern(1_000_000)

    async def main() -> tuple[bytes, bytes]:
        reading = loop.spawn(loop.sock_recv(ours, 100))
        writing = loop.spawn(loop.sock_sendall(ours, data))
        await loop.sleep(1)
        assert not reading.done() and not writing.done()
        assert loop._registered[ours.fileno()].events == READ | WRITE
        theirs.send(b"hello")
        first = await reading
        assert not writing.done()
        assert loop._registered[ours.fileno()].events == WRITE
        heard = bytearray()
        while len(heard) < len(data):
            heard += await loop.sock_recv(theirs, 100_000)
        await writing
        return first, bytes(heard)

    assert loop.run(main()) == (b"hello", data)
    assert watched(loop) == 0


def test_two_readers_are_told(loop: FakedLoop, pair: Pair) -> None:
    ours, theirs = pair

    async def main() -> bytes:
        first = loop.spawn(loop.sock_recv(ours, 10))
        await loop.sleep(0)
        with pytest.raises(RuntimeError, match="somebody waits already"):
            await loop.sock_recv(ours, 10)
        theirs.send(b"hello")  # the first has not been disturbed
        return await first

    assert loop.run(main()) == b"hello"


def test_a_wait_that_is_cancelled_is_over(loop: FakedLoop, pair: Pair) -> None:
    ours, theirs = pair

    async def main() -> bytes:
        task = loop.spawn(loop.sock_recv(ours, 10))
        await loop.sleep(0)
        task.cancel()
        with pytest.raises(CancelledError):
            await task
        assert watched(loop) == 0
        theirs.send(b"not lost")
        return await loop.sock_recv(ours, 10)

    assert loop.run(main()) == b"not lost"


def test_a_wait_with_a_time_limit(loop: FakedLoop, pair: Pair) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with loop.timeout(5):
                await loop.sock_recv(pair[0], 10)

    loop.run(main())
    assert loop.time() == 5 and watched(loop) == 0


@pytest.mark.parametrize("reads", [True, False])
def test_closed_while_a_task_waits_then_cancelled(loop: FakedLoop, pair: Pair, reads: bool) -> None:
    ours, _ = pair

    async def main() -> None:
        waiting = [loop.spawn(loop.sock_sendall(ours, bytes(10_000_000)))]
        if reads:
            waiting.append(loop.spawn(loop.sock_recv(ours, 10)))
        await loop.sleep(0)
        ours.close()
        for task in waiting:
            task.cancel()
        await loop.sleep(0)
        await loop.sleep(0)
        assert all(task.cancelled() for task in waiting)
        for sock in (again := socket.socketpair()):  # one of them has its number now
            sock.setblocking(False)
        again[0].send(b"to")
        again[1].send(b"fro")
        assert [await loop.sock_recv(sock, 10) for sock in again] == [b"fro", b"to"]
        for sock in again:
            sock.close()

    loop.run(main())
    assert watched(loop) == 0


def test_a_closed_socket_is_told(loop: FakedLoop, pair: Pair) -> None:
    async def main() -> None:
        pair[0].close()
        with pytest.raises(ValueError, match="closed"):
            await loop.sock_recv(pair[0], 10)
        with pytest.raises(OSError, match="Bad file descriptor"):
            await loop.sock_sendall(pair[0], b"hello")

    loop.run(main())


def test_accept_and_connect(real: Loop) -> None:
    async def main() -> list[bytes]:
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
            listener.setblocking(False)
            client.setblocking(False)
            accepting = real.spawn(real.sock_accept(listener))
            await real.sock_connect(client, listener.getsockname())
            sock, address = await accepting
            with sock:
                assert address == client.getsockname() and not sock.getblocking()
                await real.sock_sendall(client, b"to")
                await real.sock_sendall(sock, b"fro")
                return [await real.sock_recv(sock, 10), await real.sock_recv(client, 10)]

    assert real.run(main()) == [b"to", b"fro"]
    assert watched(real) == 0


def test_a_refused_connect_is_told(real: Loop) -> None:
    async def main() -> None:
        with nobody_listens() as address, socket.socket() as client:
            client.setblocking(False)
            with pytest.raises(ConnectionRefusedError) as raised:
                await real.sock_connect(client, address)
            assert raised.value.errno == errno.ECONNREFUSED and str(address) in str(raised.value)

    real.run(main())
    assert watched(real) == 0


def test_a_connect_without_waiting(loop: FakedLoop) -> None:
    """On a local socket the kernel has connected at once, or refused."""
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        with pytest.raises(FileNotFoundError):
            loop.sock_connect(client, "/nowhere/at/all").send(None)


# --- threads


def test_a_thread_for_what_blocks(real: Loop) -> None:
    beats: list[str] = []
    release = threading.Event()

    def blocks(first: int, second: int) -> tuple[int, int, str]:
        assert release.wait(10)
        return first, second, threading.current_thread().name

    async def heartbeat() -> None:
        for _ in range(3):
            await real.sleep(0.001)
            beats.append("beat")
        release.set()

    async def main() -> tuple[int, int, str]:
        real.spawn(heartbeat())
        return await real.run_in_thread(blocks, 1, 2)

    first, second, name = real.run(main())
    assert (first, second) == (1, 2) and name != threading.current_thread().name
    assert beats == ["beat"] * 3  # or the function would wait still


def test_it_wakes_a_loop_that_sleeps(real: Loop) -> None:
    sleeper = threading.get_native_id()

    def waits_until_it_sleeps() -> str:
        wait_until_asleep(sleeper)
        return "woken"

    async def main() -> str:
        return await real.run_in_thread(waits_until_it_sleeps)

    assert real.run(main()) == "woken"  # no timer is set: nothing else would


def test_the_loop_sleeps_in_the_meantime(real: Loop) -> None:
    async def main() -> float:
        return await real.run_in_thread(cpu_share)

    assert real.run(main()) < 0.5


@pytest.mark.parametrize("kind", [ValueError, KeyError, SystemExit])
def test_what_it_raises_is_raised_where_it_is_awaited(real: Loop, kind: type[BaseException]) -> None:
    def fails() -> None:
        raise kind("planted")

    async def main() -> str:
        try:
            await real.run_in_thread(fails)
        except kind as error:
            return f"{kind.__name__} {error.args[0]}"
        return "no error"

    assert real.run(main()) == f"{kind.__name__} planted"


def test_even_stop_iteration(real: Loop) -> None:
    """Which means "returned" to a coroutine, and so Python makes a RuntimeError of it."""

    async def main() -> None:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await real.run_in_thread(next, iter(()))

    real.run(main())


@pytest.mark.parametrize("fails", [False, True])
def test_cancelled_the_thread_goes_on_and_nobody_hears_of_it(real: Loop, fails: bool) -> None:
    release, ended = threading.Event(), threading.Event()

    def blocks() -> None:
        release.wait(10)
        ended.set()
        if fails:
            raise ValueError("planted")

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with real.timeout(0.01):
                await real.run_in_thread(blocks)
        assert not ended.is_set()
        release.set()
        wait_until(ended.is_set)
        await real.sleep(0.01)

    real.run(main())


def test_a_thread_that_ends_after_the_loop(real: Loop) -> None:
    release = threading.Event()
    threads = set(threading.enumerate())

    async def main() -> None:
        real.spawn(real.run_in_thread(release.wait, 10))
        await real.sleep(0)
        await real.sleep(0)

    real.run(main())
    real.close()
    (thread,) = set(threading.enumerate()) - threads
    assert thread.daemon  # so that it does not keep Python from ending
    release.set()
    thread.join(5)
    assert not thread.is_alive()


def test_its_failure_is_reported_where_nobody_asks(loop: FakedLoop) -> None:
    """At once, and not when the collector comes by: nothing keeps the task."""

    async def main() -> None:
        loop.spawn(loop.run_in_thread(int, "planted"))
        while not loop.reported:
            await loop.sleep(0)

    gc.disable()
    try:
        loop.run(main())
    finally:
        gc.enable()
    assert isinstance(loop.reported.pop(), ValueError)


# --- all together


def test_a_future_of_its_own(loop: FakedLoop) -> None:
    """Whatever calls back can be awaited: that is all that sleep does, too."""

    async def main() -> str:
        future: Future[str] = Future(loop)
        loop.call_later(1, future.set_result, "called back")
        return await future

    assert loop.run(main()) == "called back"
