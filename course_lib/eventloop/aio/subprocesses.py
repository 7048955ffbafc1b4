"""The thirteenth storey: other programs, their pipes and their end.

On Linux a process has a descriptor that becomes readable when it has ended (pidfd_open), so its end is an
event like any other. Elsewhere a thread waits for it.

Read signals.py first. Next: sendfile.py.
"""

import os
import subprocess
import threading
from asyncio import base_subprocess
from collections.abc import Callable
from typing import Any

from course_lib.eventloop.aio.signals import Signals
from course_lib.eventloop.poller import READ


class SubprocessTransport(base_subprocess.BaseSubprocessTransport):
    """asyncio's own: it connects the pipes by the loop, and leaves to us how to start."""

    def _start(
        self, args: Any, shell: bool, stdin: Any, stdout: Any, stderr: Any, bufsize: int, **kwargs: Any
    ) -> None:
        self._proc = subprocess.Popen(
            args, shell=shell, stdin=stdin, stdout=stdout, stderr=stderr, bufsize=bufsize, **kwargs
        )


class Subprocesses(Signals):
    """``subprocess_exec`` and ``subprocess_shell``"""

    def __init__(self) -> None:
        super().__init__()
        self._processes: set[int] = set()
        """The descriptors of those that have not ended."""

    async def subprocess_exec(
        self,
        protocol_factory: Callable[[], Any],
        program: Any,
        *args: Any,
        shell: bool = False,
        **options: Any,
    ) -> tuple[Any, Any]:
        """Start ``program`` with ``args``; return transport and protocol."""
        if shell:
            raise ValueError("shell must be False")
        for arg in (program, *args):
            if not isinstance(arg, (str, bytes, os.PathLike)):
                raise TypeError(f"program arguments must be a bytes or text string, not {type(arg).__name__}")
        return await self._start_process(protocol_factory, (program, *args), False, options)

    async def subprocess_shell(
        self, protocol_factory: Callable[[], Any], cmd: Any, *, shell: bool = True, **options: Any
    ) -> tuple[Any, Any]:
        """Start a shell that runs ``cmd``; return transport and protocol."""
        if not shell:
            raise ValueError("shell must be True")
        if not isinstance(cmd, (bytes, str)):
            raise ValueError("cmd must be a string")
        return await self._start_process(protocol_factory, cmd, True, options)

    async def _start_process(
        self, protocol_factory: Callable[[], Any], args: Any, shell: bool, options: dict[str, Any]
    ) -> tuple[Any, Any]:
        check_options(options)
        pipes = [options.pop(name, subprocess.PIPE) for name in ("stdin", "stdout", "stderr")]
        bufsize = options.pop("bufsize", 0)
        protocol, waiter = protocol_factory(), self.create_future()
        kind: Any = SubprocessTransport
        transport = kind(self, protocol, args, shell, *pipes, bufsize, waiter, **options)
        self._watch_process(transport)
        try:
            await waiter
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException:
            transport.close()
            await transport._wait()
            raise
        return transport, protocol

    def _watch_process(self, transport: Any) -> None:
        """See to it that the transport is told of the end."""
        process = transport._proc
        try:
            fd = os.pidfd_open(process.pid)
        except (AttributeError, OSError):
            threading.Thread(target=self._wait_for_process, args=(transport, process), daemon=True).start()
        else:
            self._processes.add(fd)
            self._watch(fd, READ, self._process_ended, fd, transport, process)

    def _process_ended(self, fd: int, transport: Any, process: subprocess.Popen[bytes]) -> None:
        self._unwatch(fd, READ)
        self._processes.remove(fd)
        os.close(fd)
        transport._process_exited(process.wait())  # it does not wait: it has ended

    def _wait_for_process(self, transport: Any, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        if not self.is_closed():
            self.call_soon_threadsafe(transport._process_exited, code)

    def close(self) -> None:
        super().close()
        while self._processes:
            os.close(self._processes.pop())


def check_options(options: dict[str, Any]) -> None:
    """Raise ValueError for what makes text of bytes: pipes carry bytes."""
    for name in ("universal_newlines", "text", "encoding", "errors"):
        if options.pop(name, None):
            raise ValueError(f"{name} must be {'None' if name in ('encoding', 'errors') else 'False'}")
    if options.get("bufsize", 0) != 0:
        raise ValueError("bufsize must be 0")
