"""The thirteenth storey: other programs."""

import asyncio
import contextlib
import gc
import os
import signal
import subprocess
from typing import Any

import psutil
import pytest

from course_lib.eventloop.aio import new_event_loop
from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import pattern, until
from tests.helpers import nothing_left, wait_until

PIPE = asyncio.subprocess.PIPE
WORDS = ["sh", "-c"]


@pytest.fixture(autouse=True)
def no_child_is_left() -> Any:
    yield
    wait_until(lambda: not [child for child in psutil.Process().children() if is_ours(child)])


def is_ours(child: psutil.Process) -> bool:
    """Whether a child is a shell, a cat or a sleep, dead or alive: what is started here."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return child.name() in ("sh", "cat", "sleep", "dash", "bash")
    return False


def test_in_and_out(run: Run) -> None:
    async def main() -> None:
        data = pattern(1024 * 1024)
        process = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
        out, error = await process.communicate(data)
        assert out == data and error is None and process.returncode == 0
        process = await asyncio.create_subprocess_shell(
            "echo out; echo err >&2; exit 7", stdout=PIPE, stderr=PIPE
        )
        assert await process.communicate() == (b"out\n", b"err\n")
        assert process.returncode == 7 == await process.wait()

    run(main())


def test_one_that_does_not_read(run: Run) -> None:
    async def main() -> None:
        process = await asyncio.create_subprocess_exec(*WORDS, "exec <&-; sleep 0.05", stdin=PIPE)
        await process.communicate(bytes(1024 * 1024))
        assert process.returncode == 0

    run(main())


@pytest.mark.parametrize("method", ["kill", "terminate", "send_signal"])
def test_signals(run: Run, method: str) -> None:
    async def main() -> None:
        process = await asyncio.create_subprocess_exec("sleep", "60")
        assert process.returncode is None and psutil.pid_exists(process.pid)
        number = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM, "send_signal": signal.SIGHUP}[method]
        getattr(process, method)(*([number] if method == "send_signal" else []))
        assert await process.wait() == -number
        with pytest.raises(ProcessLookupError):
            process.kill()

    run(main())


def test_many_at_once(run: Run) -> None:
    async def one(number: int) -> int:
        process = await asyncio.create_subprocess_exec(*WORDS, f"echo {number}; exit {number}", stdout=PIPE)
        out, _ = await process.communicate()
        assert int(out) == number
        return process.returncode  # type: ignore[return-value]

    async def main() -> None:
        assert await asyncio.gather(*[one(each) for each in range(30)]) == list(range(30))

    run(main())


def test_a_program_that_is_not_there(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(FileNotFoundError):
            await asyncio.create_subprocess_exec("/no/such/program", stdin=PIPE, stdout=PIPE)
        for options in ({"text": True}, {"universal_newlines": True}, {"encoding": "utf-8"}, {"bufsize": 1}):
            with pytest.raises(ValueError):
                await asyncio.create_subprocess_exec("cat", **options)
        with pytest.raises(ValueError):
            await loop.subprocess_shell(asyncio.SubprocessProtocol, ["no", "text"])  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            await loop.subprocess_exec(asyncio.SubprocessProtocol, 3)  # type: ignore[arg-type]

    run(main())


def test_the_protocol_of_a_process(run: Run) -> None:
    told: list[Any] = []

    class Notes(asyncio.SubprocessProtocol):
        def connection_made(self, transport: Any) -> None:
            told.append("made")

        def pipe_data_received(self, fd: int, data: bytes) -> None:
            told.append((fd, data))

        def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
            told.append(("pipe", fd, type(exc)))

        def process_exited(self) -> None:
            told.append("exited")

        def connection_lost(self, exc: Exception | None) -> None:
            told.append("lost")

    async def main() -> None:
        transport, _ = await asyncio.get_running_loop().subprocess_exec(
            Notes, *WORDS, "cat", stderr=subprocess.DEVNULL
        )
        transport.get_pipe_transport(0).write(b"hello")
        await until(lambda: (1, b"hello") in told)
        transport.get_pipe_transport(0).close()
        await until(lambda: "lost" in told)
        assert transport.get_returncode() == 0
        transport.close()

    run(main())
    assert told[0] == "made" and told[-1] == "lost" and told.count("exited") == 1
    assert {("pipe", 0, type(None)), ("pipe", 1, type(None))} < set(told)


def test_in_another_thread(ours: Run) -> None:
    async def main() -> int:
        process = await asyncio.create_subprocess_exec(*WORDS, "exit 3")
        return await process.wait()

    async def outer() -> int:
        return await asyncio.to_thread(Run(new_event_loop), main())

    assert ours(outer()) == 3


def test_without_descriptors_for_processes(ours: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(pid: int) -> int:
        raise OSError

    monkeypatch.setattr(os, "pidfd_open", none, raising=False)

    async def main() -> int:
        process = await asyncio.create_subprocess_exec(*WORDS, "exit 3")
        return await process.wait()

    assert ours(main()) == 3


def test_a_loop_that_is_closed_before_its_process() -> None:
    """Its transport warns and kills; no descriptor is left."""
    with nothing_left():
        loop = new_event_loop()
        transport = loop.run_until_complete(start(loop))
        process = transport.get_extra_info("subprocess")
        loop.close()
        with pytest.warns(ResourceWarning, match="unclosed transport"):
            del transport
            gc.collect()
        assert process.wait() == -signal.SIGKILL


async def start(loop: Any) -> Any:
    transport, _ = await loop.subprocess_exec(
        asyncio.SubprocessProtocol, "sleep", "60", stdin=None, stdout=None, stderr=None
    )
    return transport


def test_cancelled_while_it_waits(run: Run) -> None:
    async def main() -> None:
        process = await asyncio.create_subprocess_exec("sleep", "60")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(process.wait(), 0.02)
        process.kill()
        assert await process.wait() == -signal.SIGKILL

    run(main())
