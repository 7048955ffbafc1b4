"""The ninth storey: sockets in the file system, and what becomes of their paths."""
# ruff: noqa: ASYNC240

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.eventloop.aio.conftest import Run
from tests.eventloop.aio.recorder import Recorder, rounds, until
from tests.eventloop.aio.test_serving import Guests


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "socket"


def test_back_and_forth(run: Run, path: Path) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        guests = Guests(data_received=lambda self: self.transport.write(self.heard))
        server = await loop.create_unix_server(guests, path)
        protocol = Recorder()
        transport, _ = await loop.create_unix_connection(lambda: protocol, str(path))
        assert transport.get_extra_info("peername") == str(path)
        transport.write(b"hello")
        await until(lambda: protocol.heard == b"hello")
        transport.close()
        await until(lambda: guests.all[0].is_lost)
        server.close()
        await rounds()

    run(main())


def test_a_path_lives_as_long_as_its_server(ours: Run, path: Path) -> None:
    """asyncio cleans up from 3.13 on; ours always."""

    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        server = await loop.create_unix_server(Recorder, path)
        assert path.exists()
        server.close()
        assert not path.exists()
        server = await loop.create_unix_server(Recorder, path, cleanup_socket=False)
        server.close()
        assert path.exists()
        server = await loop.create_unix_server(Recorder, path)  # it takes the place of the dead one
        path.unlink()
        path.write_text("somebody else's")
        server.close()
        assert path.read_text() == "somebody else's"
        with socket.socket(socket.AF_UNIX) as sock:
            path.unlink()
            sock.bind(str(path))
            server = await loop.create_unix_server(Recorder, sock=sock)
            path.unlink()
            server.close()

    ours(main())


def test_a_path_that_is_taken(run: Run, path: Path) -> None:
    async def main() -> None:
        path.write_text("a file")
        with pytest.raises(OSError, match="already in use"):
            await asyncio.get_running_loop().create_unix_server(Recorder, path)
        assert path.read_text() == "a file"
        with pytest.raises(FileNotFoundError):
            await asyncio.get_running_loop().create_unix_connection(Recorder, f"{path}.none")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.get_running_loop().create_unix_connection(Recorder, str(path))

    run(main())


@pytest.mark.skipif(not os.path.exists("/proc"), reason="names without a file are Linux's")
def test_a_name_without_a_file(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        name = f"\0course-{os.getpid()}"
        server = await loop.create_unix_server(guests := Guests(), name)
        transport, _ = await loop.create_unix_connection(Recorder, name)
        transport.abort()
        await until(lambda: guests.all and guests.all[0].is_lost)
        server.close()
        await rounds()

    run(main())


def test_wrong_arguments(run: Run, path: Path) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as sock, socket.socket(socket.AF_UNIX) as unix:
            for arguments in ({}, {"path": str(path), "sock": unix}, {"sock": sock}):
                for method in (loop.create_unix_server, loop.create_unix_connection):
                    with pytest.raises(ValueError):
                        await method(Recorder, **arguments)
            with pytest.raises(ValueError):
                await loop.create_unix_connection(Recorder, str(path), ssl=True)

    run(main())
