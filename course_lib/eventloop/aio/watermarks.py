"""When a protocol is told to pause, and when to go on: watermarks, as our transport has them.

Read addresses.py first. Next: flow.py.
"""

import asyncio
from typing import Any

from course_lib.eventloop.buffers import SendBuffer

HIGH = 64 * 1024
"""Bytes: the high watermark, unless the program sets another one."""


class Watermarks(asyncio.Transport):
    """Knows how many bytes wait."""

    _protocol: Any
    _extra: dict[str, Any]

    def __init__(self, extra: dict[str, Any] | None) -> None:
        super().__init__(extra)
        self._buffer: Any = SendBuffer(HIGH)

    def get_write_buffer_size(self) -> int:
        return len(self._buffer)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._buffer.low, self._buffer.high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the watermarks, in bytes. Raises ValueError unless ``high >= low >= 0``."""
        if high is None:
            high = HIGH if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
        self._buffer.high, self._buffer.low = high, low
        if self._buffer.append(b""):
            self._tell("pause_writing")

    def _tell(self, method: str, *what: Any) -> None:
        """Tell the protocol to pause, to go on, or what has come. If it fails, the connection need not."""
        try:
            getattr(self._protocol, method)(*what)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._complain(f"protocol.{method}() failed", error)

    def _complain(self, message: str, error: BaseException) -> None:
        """Tell the loop of an error that is not the network's."""
        raise NotImplementedError
