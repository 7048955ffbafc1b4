"""The second storey: running, stopping, closing, and asynchronous generators."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from course_lib.eventloop.aio import new_event_loop
from tests.eventloop.aio.conftest import NewLoop, Run
from tests.eventloop.aio.recorder import rounds, until

Loop = asyncio.AbstractEventLoop


def test_what_is_added_after_stop_waits_for_the_next_run(loop: Loop) -> None:
    told: list[str] = []

    def stop() -> None:
        loop.stop()
        loop.call_soon(told.append, "added")
        loop.call_soon(loop.call_soon, told.append, "by one that was added")

    loop.call_soon(stop)
    loop.call_soon(told.append, "was there")
    loop.run_forever()
    assert told == ["was there"]
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert told == ["was there", "added"]
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert told == ["was there", "added", "by one that was added"]


def test_stop_before_a_run_is_one_round(loop: Loop) -> None:
    told: list[str] = []
    loop.call_soon(told.append, "was there")
    loop.call_later(100, told.append, "later")
    reader, writer = os.pipe()
    loop.add_reader(reader, told.append, "ready")
    os.write(writer, b"!")
    loop.stop()
    loop.run_forever()
    assert told == ["was there", "ready"]
    loop.remove_reader(reader)
    os.close(reader)
    os.close(writer)


def test_a_task_that_is_left_is_where_it_was(loop: Loop) -> None:
    steps = 0

    async def ticks() -> None:
        nonlocal steps
        while True:
            steps += 1
            await asyncio.sleep(0)

    async def main() -> None:
        await rounds(3)

    ticking = loop.create_task(ticks())
    loop.run_until_complete(main())
    assert steps == 5, "the ticks before the end of main, and in the round that stops"
    ticking.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(ticking)


def test_run_until_complete(loop: Loop) -> None:
    async def fails() -> None:
        raise KeyError("mine")

    assert loop.run_until_complete(asyncio.sleep(0, "result")) == "result"
    with pytest.raises(KeyError, match="mine"):
        loop.run_until_complete(fails())
    future = loop.create_future()
    loop.call_soon(loop.stop)
    with pytest.raises(RuntimeError, match="stopped before Future completed"):
        loop.run_until_complete(future)
    with pytest.raises(TypeError):
        loop.run_until_complete(3)  # type: ignore[arg-type]


def test_a_loop_in_a_loop(ours: Run) -> None:
    """asyncio 3.13.0 forgets that it runs when it is run again."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for method, *arguments in ((loop.run_forever,), (loop.run_until_complete, loop.create_future())):
            with pytest.raises(RuntimeError, match="already running"):
                method(*arguments)
        with pytest.raises(RuntimeError, match="Cannot close a running event loop"):
            loop.close()
        other = new_event_loop()
        with pytest.raises(RuntimeError, match="while another loop is running"):
            other.run_forever()
        other.close()

    ours(main())


def test_stop_and_interrupt_inside_of_a_task(loop: Loop) -> None:
    async def interrupts() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(interrupts())
    assert not loop.is_running()
    assert loop.run_until_complete(asyncio.sleep(0, 3)) == 3


def test_generators_are_closed_at_the_end(run: Run) -> None:
    ends: list[str] = []

    async def counts(name: str) -> AsyncIterator[int]:
        try:
            for each in range(10):
                yield each
        finally:
            await asyncio.sleep(0)
            ends.append(name)

    async def main() -> None:
        kept = counts("kept")
        await anext(kept)
        run.kept = kept  # type: ignore[attr-defined]
        async for _ in counts("left"):
            break
        await until(lambda: ends == ["left"])

    run(main())
    assert ends == ["left", "kept"]


def test_a_generator_that_fails_at_its_end(run: Run) -> None:
    async def fails() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            raise KeyError("end")

    async def main() -> None:
        run.kept = fails()  # type: ignore[attr-defined]
        await anext(run.kept)  # type: ignore[attr-defined]

    run(main())
    (context,) = run.take()
    assert isinstance(context["exception"], KeyError)
    assert context["asyncgen"] is run.kept  # type: ignore[attr-defined]
    assert context["message"].startswith("an error occurred during closing of asynchronous generator")


def test_a_generator_after_the_end(loop: Loop) -> None:
    async def counts() -> AsyncIterator[int]:
        yield 1

    async def main() -> None:
        await asyncio.get_running_loop().shutdown_asyncgens()
        generator = counts()
        with pytest.warns(ResourceWarning):
            await anext(generator)
        await generator.aclose()

    loop.run_until_complete(main())


def test_an_interrupt_cancels_the_main_task(run: Run) -> None:
    told: list[str] = []

    async def main() -> None:
        threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGINT]).start()
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(main())
    assert told == ["cancelled"]
    assert signal.getsignal(signal.SIGINT) is before


def test_states(loop: Loop) -> None:
    assert not loop.is_running() and not loop.is_closed()
    assert "running=False closed=False debug=" in repr(loop)
    seen: list[Any] = []
    loop.call_soon(lambda: seen.append((loop.is_running(), asyncio.get_running_loop() is loop)))
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert seen == [(True, True)]
    loop.close()
    loop.close()
    assert loop.is_closed() and "closed=True" in repr(loop)


def test_a_loop_that_nobody_closes(new_loop: NewLoop) -> None:
    loop = new_loop()
    with pytest.warns(ResourceWarning, match="unclosed event loop"):
        loop.__del__()  # type: ignore[attr-defined]
    assert loop.is_closed()
