"""Room for many descriptors: raise this process's limit for a while, as far as the system lets it.

Read machine.py first.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from course_lib.lab.machine import descriptor_limits


@contextmanager
def room_for(count: int) -> Iterator[bool]:
    """Let descriptors have numbers up to ``count`` within the block; yield False where that is refused."""
    limits = descriptor_limits()
    if limits is None:  # Windows: sockets are not numbered like that
        yield False
        return
    soft, hard = limits
    if soft < 0 or soft > count:
        yield True
        return
    import resource

    if 0 <= hard <= count:
        yield False
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count + 1, hard))
    except (OSError, ValueError):  # macOS has a second limit, of which it does not tell
        yield False
        return
    try:
        yield True
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
