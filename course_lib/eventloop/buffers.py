"""The bytes that wait for room in a socket, and two watermarks that tell when there are too many.

Above the high watermark whoever writes should pause, and at the low one go on. With one mark for both, each
byte that goes out would start the writer, and each that it writes stop it again.

Read reactor.py first. Next: protocol.py.
"""

from collections.abc import Callable


class SendBuffer:
    """``high`` and ``low`` in bytes; ``low`` is a quarter of ``high`` unless it is given."""

    __slots__ = ("_data", "full", "high", "low")

    def __init__(self, high: int = 64 * 1024, low: int | None = None) -> None:
        self._data = bytearray()
        self.high, self.low = high, high // 4 if low is None else low
        self.full = False
        """From when the high watermark is passed until the low one is reached."""

    def append(self, data: bytes) -> bool:
        """Keep ``data``; return True if this makes the buffer full."""
        self._data += data
        if self.full or len(self._data) <= self.high:
            return False
        self.full = True
        return True

    def flush(self, send: Callable[[bytearray], int]) -> bool:
        """Let ``send`` take what it can, once; return True if the buffer is full no more."""
        del self._data[: send(self._data)]
        if not self.full or len(self._data) > self.low:
            return False
        self.full = False
        return True

    def clear(self) -> None:
        """Forget what waits."""
        self._data.clear()

    def __len__(self) -> int:
        return len(self._data)
