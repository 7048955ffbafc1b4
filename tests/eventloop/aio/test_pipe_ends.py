"""The eleventh storey: pipes, one end of which is a transport's."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import Recorder, pattern, rounds, until

MIB = 1024 * 1024


async def reading_end(protocol: Recorder) -> tuple[Any, int]:
    reader, writer = os.pipe()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: protocol, os.fdopen(reader, "rb", 0)
    )
    return transport, writer


async def writing_end(protocol: Recorder) -> tuple[Any, int]:
    reader, writer = os.pipe()
    transport, _ = await asyncio.get_running_loop().connect_write_pipe(
        lambda: protocol, os.fdopen(writer, "wb", 0)
    )
    return transport, reader


async def read_all(reader: int, sink: bytearray) -> None:
    while data := await asyncio.to_thread(os.read, reader, MIB):
        sink += data
    os.close(reader)


def test_reading(run: Run) -> None:
    protocol = Recorder()

    async def main() -> None:
        transport, writer = await reading_end(protocol)
        assert transport.get_extra_info("pipe").fileno() >= 0 and transport.is_reading()
        os.write(writer, b"hello")
        await until(lambda: protocol.heard == b"hello")
        transport.pause_reading()
        os.write(writer, b"again")
        await rounds(20)
        assert protocol.heard == b"hello" and not transport.is_reading()
        transport.resume_reading()
        await until(lambda: protocol.heard == b"helloagain")
        os.close(writer)
        await until(lambda: protocol.is_lost)
        transport.close()

    run(main())
    assert protocol.told == ["made", b"hello", b"again", "eof", ("lost", type(None))]


@pytest.mark.parametrize("kind", [KeyError, asyncio.CancelledError])
def test_a_reader_that_fails_is_told_of_the_next(run: Run, kind: type[BaseException]) -> None:
    def fail(self: Recorder) -> None:
        if len(self.told) == 2:
            raise kind("mine")

    async def main() -> None:
        protocol = Recorder(data_received=fail)
        transport, writer = await reading_end(protocol)
        os.write(writer, b"one")
        await until(lambda: run.told)
        os.write(writer, b"two")
        await until(lambda: protocol.heard == b"onetwo")
        os.close(writer)
        await until(lambda: protocol.is_lost)

    run(main())
    (context,) = run.take()
    assert type(context["exception"]) is kind


def test_writing(run: Run) -> None:
    protocol, data = Recorder(), pattern(MIB)

    async def main() -> None:
        transport, reader = await writing_end(protocol)
        assert transport.can_write_eof()
        transport.write(data[:10])
        transport.write(bytearray(data[10:]))
        transport.writelines([memoryview(b"the"), b" ", b"end"])
        assert protocol.told == ["made", "pause"] and transport.get_write_buffer_size()
        transport.write_eof()
        transport.write_eof()
        transport.write(b"too late")
        assert transport.is_closing() and not protocol.is_lost
        heard = bytearray()
        await read_all(reader, heard)
        assert heard == data + b"the end"
        await until(lambda: protocol.is_lost)

    run(main())
    assert protocol.told == ["made", "pause", "resume", ("lost", type(None))]


@pytest.mark.parametrize("waits", [True, False])
def test_a_reader_who_leaves(ours: Run, waits: bool) -> None:
    protocol = Recorder()

    async def main() -> None:
        transport, reader = await writing_end(protocol)
        if waits:
            transport.write(bytes(MIB))
        os.close(reader)
        await until(lambda: protocol.is_lost)
        transport.write(b"too late")
        transport.abort()

    ours(main())
    assert protocol.told[-1] == ("lost", BrokenPipeError if waits else type(None))


@pytest.mark.parametrize("then", ["abort", "reader leaves"])
def test_closed_while_something_waits(run: Run, then: str) -> None:
    """Also after a write that came too late, it can be ended."""
    protocol = Recorder()

    async def main() -> None:
        transport, reader = await writing_end(protocol)
        transport.write(bytes(MIB))
        transport.close()
        transport.write(b"too late")
        await rounds()
        assert not protocol.is_lost
        if then == "abort":
            transport.abort()
        else:
            os.close(reader)
        await until(lambda: protocol.is_lost)
        if then == "abort":
            os.close(reader)
        await rounds(20)

    run(main())
    assert [each[0] for each in protocol.told if isinstance(each, tuple)] == ["lost"]


ENDS: dict[str, Callable[[Recorder], Any]] = {
    "close": lambda self: self.transport.close(),
    "abort": lambda self: self.transport.abort(),
    "both": lambda self: (self.transport.close(), self.transport.abort()),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("callback", ["connection_made", "pause_writing", "resume_writing"])
def test_an_end_inside_of_a_callback(ours: Run, callback: str, end: str) -> None:
    protocol = Recorder(**{callback: ENDS[end]})

    async def main() -> None:
        transport, reader = await writing_end(protocol)
        transport.write(bytes(MIB))
        await read_all(reader, bytearray())
        await until(lambda: protocol.is_lost)
        await rounds(10)

    ours(main())
    assert [each for each in protocol.told if isinstance(each, tuple)] == [("lost", type(None))]


def test_what_is_no_pipe(run: Run, tmp_path: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with open(tmp_path / "file", "w+b", 0) as file:  # noqa: ASYNC230
            for connect in (loop.connect_read_pipe, loop.connect_write_pipe):
                with pytest.raises(ValueError, match="^Pipe transport is (only )?for pipes"):
                    await connect(Recorder, file)

    run(main())
