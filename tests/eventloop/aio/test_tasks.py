"""The third storey: tasks and their factories, and threads."""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import gc
import socket
import sys
import threading
from typing import Any

import pytest

from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import rounds, until

Loop = asyncio.AbstractEventLoop
number: contextvars.ContextVar[int] = contextvars.ContextVar("number", default=0)
eager = pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")


async def nothing() -> None:
    pass


def test_a_factory_of_tasks(run: Run) -> None:
    made: list[Any] = []

    class Mine(asyncio.Task[Any]):
        pass

    def factory(loop: Loop, coro: Any, **options: Any) -> Any:
        made.append(options.get("context"))
        return Mine(coro, loop=loop, **options)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(factory)
        assert loop.get_task_factory() is factory
        context = contextvars.copy_context()
        plain, named = loop.create_task(nothing()), loop.create_task(nothing(), name="me", context=context)
        assert type(plain) is type(named) is Mine
        assert named.get_name() == "me"
        assert made == [None, context]
        await asyncio.gather(plain, named)
        with pytest.raises(TypeError):
            loop.set_task_factory(3)  # type: ignore[arg-type]
        loop.set_task_factory(None)
        task = loop.create_task(nothing())
        assert type(task) is not Mine
        await task

    run(main())


@eager
def test_eager_tasks(run: Run) -> None:
    told: list[str] = []

    async def tells(name: str) -> str:
        told.append(name)
        await asyncio.sleep(0)
        told.append(f"{name} again")
        return name

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
        one = asyncio.create_task(tells("one"))
        told.append("main")
        two = asyncio.create_task(tells("two"), name="zwei", context=contextvars.copy_context())
        assert await asyncio.gather(one, two) == ["one", "two"]
        assert two.get_name() == "zwei"
        done = asyncio.create_task(nothing())
        assert done.done()

    run(main())
    assert told == ["one", "main", "two", "one again", "two again"]


def test_sleeping_leaves_no_cycles(run: Run) -> None:
    async def main() -> int:
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                await asyncio.sleep(0.0001)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(10):
                        await asyncio.sleep(0)
            return gc.collect()
        finally:
            gc.enable()

    assert run(main()) < 10


def test_the_context_of_a_task(run: Run) -> None:
    async def sets() -> int:
        number.set(5)
        await asyncio.sleep(0)
        return number.get()

    async def main() -> None:
        assert await asyncio.create_task(sets()) == 5
        assert number.get() == 0
        context = contextvars.copy_context()
        await asyncio.create_task(sets(), context=context)
        assert context[number] == 5

    run(main())


def test_a_forgotten_task_that_failed(run: Run) -> None:
    async def fails() -> None:
        raise KeyError("forgotten")

    async def main() -> None:
        task = asyncio.create_task(fails())
        await rounds()
        del task
        gc.collect()

    run(main())
    (context,) = run.take()
    assert context["message"] == "Task exception was never retrieved"
    assert isinstance(context["exception"], KeyError) and "future" in context


def test_a_task_that_is_destroyed_while_it_waits(run: Run) -> None:
    async def waits() -> None:
        await asyncio.Future()

    async def main() -> None:
        task = asyncio.create_task(waits())
        await rounds()
        del task
        gc.collect()

    run(main())
    (context,) = run.take()
    assert context["message"] == "Task was destroyed but it is pending!"


def test_functions_in_threads(run: Run) -> None:
    async def main() -> None:
        loop, here = asyncio.get_running_loop(), threading.get_ident()
        assert await loop.run_in_executor(None, threading.get_ident) != here
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(None, divmod, 1, 0)
        with concurrent.futures.ThreadPoolExecutor(1, "mine") as pool:
            thread = await loop.run_in_executor(pool, threading.current_thread)
            assert thread.name.startswith("mine")
        own = concurrent.futures.ThreadPoolExecutor(1, "default")
        await loop.shutdown_default_executor()
        with pytest.raises(RuntimeError, match="Executor shutdown has been called"):
            loop.run_in_executor(None, print)
        own.shutdown()
        with pytest.raises(TypeError):
            loop.set_default_executor("no pool")  # type: ignore[arg-type]

    run(main())


def test_a_default_pool_of_ones_own(run: Run) -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(1, "own"))
        return (await loop.run_in_executor(None, threading.current_thread)).name

    assert run(main()).startswith("own")


def test_a_cancelled_call_in_a_thread(run: Run) -> None:
    async def main() -> None:
        started, go_on = threading.Event(), threading.Event()

        def waits() -> None:
            started.set()
            go_on.wait(10)

        task = asyncio.ensure_future(asyncio.get_running_loop().run_in_executor(None, waits))
        await until(started.is_set)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()

    run(main())


def test_looking_names_up(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        infos = await loop.getaddrinfo("localhost", 80, family=socket.AF_INET, type=socket.SOCK_STREAM)
        assert (socket.AF_INET, socket.SOCK_STREAM) == infos[0][:2] and infos[0][4] == ("127.0.0.1", 80)
        name, service = await loop.getnameinfo(
            ("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
        )
        assert (name, service) == ("127.0.0.1", "80")
        with pytest.raises(socket.gaierror):
            await loop.getaddrinfo("127.0.0.1", 80, family=socket.AF_INET6, flags=socket.AI_NUMERICHOST)
        with pytest.raises(socket.gaierror):
            await loop.create_connection(asyncio.Protocol, "no.such.host.invalid", 80)

    run(main())
