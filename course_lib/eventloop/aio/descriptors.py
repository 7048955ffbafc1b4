"""The fourth storey: callbacks for descriptors, one to read and one to write.

    reactor.register, modify, unregister    are behind    add_reader, add_writer, remove_reader, remove_writer

Read tasks.py first. Next: sockets.py.
"""

import weakref
from collections.abc import Callable
from typing import Any

from course_lib.eventloop.aio.handles import Handle
from course_lib.eventloop.aio.tasks import Tasks
from course_lib.eventloop.directions import Directions
from course_lib.eventloop.poller import READ, WRITE, FileLike, descriptor


class Descriptors(Tasks):
    """Calls a function whenever a descriptor is ready."""

    def __init__(self) -> None:
        super().__init__()
        self._directions = Directions(self._reactor)
        self._handles: dict[tuple[int, int], tuple[Handle, FileLike]] = {}
        self._transports: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        """Whose descriptors they are that belong to a transport: nobody else may watch these."""

    def add_reader(self, fd: FileLike, callback: Callable[..., object], *args: Any) -> None:  # type: ignore[override]
        """Call ``callback(*args)`` whenever ``fd`` can be read, instead of the one before."""
        self._check_is_free(fd)
        self._watch(fd, READ, callback, *args)

    def remove_reader(self, fd: FileLike) -> bool:
        """Return whether there was one."""
        self._check_is_free(fd)
        return self._unwatch(fd, READ)

    def add_writer(self, fd: FileLike, callback: Callable[..., object], *args: Any) -> None:  # type: ignore[override]
        """Call ``callback(*args)`` whenever ``fd`` can be written, instead of the one before."""
        self._check_is_free(fd)
        self._watch(fd, WRITE, callback, *args)

    def remove_writer(self, fd: FileLike) -> bool:
        """Return whether there was one."""
        self._check_is_free(fd)
        return self._unwatch(fd, WRITE)

    def _watch(self, fileobj: FileLike, event: int, callback: Callable[..., object], *args: Any) -> Handle:
        self._check_closed()
        fd = descriptor(fileobj)
        self._unwatch(fd, event)
        handle = self._handle(callback, args, self)
        self._directions.watch(fd, event, handle._run)
        self._handles[fd, event] = handle, fileobj
        return handle

    def _unwatch(self, fileobj: FileLike, event: int) -> bool:
        if self._closed:
            return False
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if fd < 0:  # it was closed too early: what was its number?
            fd = next((key[0] for key, value in self._handles.items() if value[1] is fileobj), fd)
        self._directions.leave(fd, event)
        handle, _ = self._handles.pop((fd, event), (None, None))
        if handle is None:
            return False
        handle.cancel()
        return True

    def _check_is_free(self, fileobj: FileLike) -> None:
        try:
            fd = fileobj if isinstance(fileobj, int) else int(fileobj.fileno())
        except (AttributeError, TypeError, ValueError):
            raise ValueError(f"Invalid file object: {fileobj!r}") from None
        transport = self._transports.get(fd)
        if transport is not None and not transport.is_closing():
            raise RuntimeError(f"File descriptor {fileobj!r} is used by transport {transport!r}")

    def close(self) -> None:
        super().close()
        for handle, _ in self._handles.values():
            handle.cancel()
        self._handles.clear()
        self._directions = Directions(self._reactor)
