"""Servers in background threads of this process, where a notebook can watch them.

    with serve("blocking") as server:
        dialogue(server.address, ["hello"], welcome=False)

Each server has a name, and starting one stops its predecessor of that name, so a cell can be run
twice. An error that ends a server's thread is kept and raised at the next use of its handle, since
a thread has nobody to raise it to. When the interpreter ends, everything is stopped.

Read handle.py first. Next: where.py.
"""

import atexit
import concurrent.futures.thread  # before us, because its hook for the end waits for its threads  # noqa: F401
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from course_lib.conversation import Conversation, Echo
from course_lib.lab.explain import exposure_warning
from course_lib.lab.handle import Background, ServerDied, as_line
from course_lib.lab.servable import Servable, build, check_address, check_conversation, name_of
from course_lib.servers.base import Address

__all__ = ["Background", "ServerDied", "running", "serve", "stop_all"]

EXIT_SECONDS = 1.0
"""How long the end of the interpreter waits for all servers together."""

_backgrounds: dict[str, Background] = {}
"""The last server that was started under each name."""

_starting = threading.RLock()


def serve(
    server: Servable = "blocking",
    conversation: Callable[[], Conversation] = Echo,
    name: str | None = None,
    address: Address = ("127.0.0.1", 0),
    **limits: Any,
) -> Background:
    """Start ``server`` in a background thread and return its handle, also a context manager.

    ``server`` is a name of the ladder, a class of the ladder's shape, or a function of one listener,
    which brings its own conversation. ``limits`` go to the class. The server that runs under the
    same name is stopped first; without a ``name`` it is that of the rung, class or function.

    Raises TypeError for what is no server, UnknownRung for an unknown name, ValueError when the
    system refuses the address, RuntimeError when this system cannot run the rung.
    """
    own_name = name_of(server)
    check_conversation(conversation)
    check_address(address)
    if warning := exposure_warning(address[0]):
        warnings.warn(warning, stacklevel=2)
    label = own_name if name is None else name
    with _starting:
        if label in _backgrounds:
            _retire(_backgrounds[label])
        return _start(Background(label, build(server, conversation, address, limits)))


def _retire(predecessor: Background) -> None:
    """Stop it. What goes wrong is said, and stands in nobody's way: the next one may be its repair."""
    try:
        predecessor.stop()
    except Exception as error:
        _say(error)


def _start(background: Background) -> Background:
    try:
        _backgrounds[background.name] = background
        background._thread.start()
    except BaseException:  # Ctrl-C, or no room for a thread: it may run already
        _backgrounds.pop(background.name, None)
        background.server.stop()
        raise
    return background


def running() -> list[Background]:
    """Return the servers that run now, in the order in which their names were first used."""
    return [background for background in list(_backgrounds.values()) if background.alive]


def stop_all() -> None:
    """Stop every server. Raises the first error, as ``Background.stop`` does, and prints the others."""
    failures = []
    for background in list(_backgrounds.values()):
        try:
            background.stop()
        except Exception as error:
            failures.append(error)
    for failure in failures[1:]:
        _say(failure)
    if failures:
        raise failures[0]


def _say(error: BaseException) -> None:
    print(as_line(error), file=sys.stderr)  # noqa: T201


def _at_exit() -> None:
    deadline = time.monotonic() + EXIT_SECONDS
    remaining = running()
    for background in remaining:
        background._ask()
    for background in remaining:
        background._done.wait(max(0.0, deadline - time.monotonic()))
    for background in _backgrounds.values():
        if background._is_news():
            _say(background._death())


# atexit comes after the interpreter has joined its threads. A learner's server may have some that
# are no daemons, such as those of a pool, and wait for a client: only this earlier hook, of which
# the last one to be registered is the first to be called, can end them.
getattr(threading, "_register_atexit", atexit.register)(_at_exit)
