"""The twelfth storey: signals. They are sent to this process, by itself."""

import asyncio
import os
import signal
import threading
from typing import Any

import pytest

from tests.eventloop.aio.conftest import NewLoop, Run
from tests.eventloop.aio.recorder import rounds, until
from tests.helpers import footprint


def test_several_handlers(run: Run) -> None:
    async def main() -> None:
        loop, told = asyncio.get_running_loop(), []
        loop.add_signal_handler(signal.SIGUSR1, told.append, "one")
        loop.add_signal_handler(signal.SIGUSR2, told.append, "two")
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR2)
        await until(lambda: sorted(told) == ["one", "two"])
        loop.add_signal_handler(signal.SIGUSR1, told.append, "another")
        assert loop.remove_signal_handler(signal.SIGUSR2)
        assert not loop.remove_signal_handler(signal.SIGUSR2)
        assert signal.getsignal(signal.SIGUSR2) == signal.SIG_DFL
        os.kill(os.getpid(), signal.SIGUSR1)
        await until(lambda: told[-1] == "another")
        assert loop.remove_signal_handler(signal.SIGUSR1)
        loop.add_signal_handler(signal.SIGUSR1, told.append, "once more")
        os.kill(os.getpid(), signal.SIGUSR1)
        await until(lambda: told[-1] == "once more")
        assert len(told) == 4

    run(main())
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL, "the loop gives it back at its end"
    assert signal.set_wakeup_fd(-1) == -1


def test_removed_before_its_turn(run: Run) -> None:
    async def main() -> None:
        loop, told = asyncio.get_running_loop(), []
        loop.add_signal_handler(signal.SIGUSR2, told.append, "kept")
        loop.add_signal_handler(signal.SIGUSR1, told.append, "removed")
        os.kill(os.getpid(), signal.SIGUSR1)
        loop.remove_signal_handler(signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR2)
        await until(lambda: told)
        await rounds(10)
        assert told == ["kept"]

    run(main())


def test_a_handler_that_fails(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, lambda: 1 / 0)
        for count in (1, 2):
            os.kill(os.getpid(), signal.SIGUSR1)
            await until(lambda count=count: len(run.told) == count)

    run(main())
    assert all("handle" in context for context in run.take())


def test_a_handler_that_ends_the_loop(run: Run) -> None:
    async def main() -> None:
        def leave() -> None:
            raise SystemExit(3)

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leave)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(10)

    with pytest.raises(SystemExit):
        run(main())


def test_an_interrupt_of_ones_own(run: Run) -> None:
    async def main() -> None:
        loop, came = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGINT, came.set)
        os.kill(os.getpid(), signal.SIGINT)
        await came.wait()
        assert loop.remove_signal_handler(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    run(main())


def test_only_in_the_main_thread(new_loop: NewLoop) -> None:
    told: list[Any] = []

    def elsewhere() -> None:
        loop = new_loop()
        before = footprint().descriptors
        try:
            loop.add_signal_handler(signal.SIGUSR1, print)
        except RuntimeError:
            told.append(footprint().descriptors - before)
        loop.close()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert told == [0]


def test_wrong_arguments(run: Run) -> None:
    async def coroutine() -> None:
        pass

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(TypeError):
            loop.add_signal_handler("SIGUSR1", print)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            loop.add_signal_handler(signal.SIGUSR1, coroutine)
        for method, *arguments in (
            (loop.add_signal_handler, 1000, print),
            (loop.remove_signal_handler, 1000),
        ):
            with pytest.raises(ValueError):
                method(*arguments)
        with pytest.raises(RuntimeError, match="cannot be caught"):
            loop.add_signal_handler(signal.SIGKILL, print)

    run(main())
    assert signal.set_wakeup_fd(-1) == -1
