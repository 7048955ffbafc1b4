"""What ``serve`` takes: a name of the ladder, a class of the ladder's shape, or a function of one listener.

Whatever is given is checked here, so that a mistake is one line and not a traceback of a thread.

Read ../servers/base.py and function_server.py first. Next: handle.py.
"""

import inspect
from collections.abc import Callable
from typing import Any, Protocol

from course_lib.conversation import Conversation
from course_lib.lab.explain import explain
from course_lib.lab.function_server import FunctionServer, ServerFunction
from course_lib.servers import rung
from course_lib.servers.base import Address


class ServerShape(Protocol):
    """All that is needed of a server. Its class is called with address, conversation and limits."""

    @property
    def address(self) -> Address: ...

    def serve_forever(self) -> None: ...

    def stop(self) -> None: ...


Servable = str | Callable[..., ServerShape] | ServerFunction


def name_of(server: Servable) -> str:
    """Return the name by which the server is known: the rung's own, or that of the class or function.

    Raises UnknownRung for a name that is none, TypeError for what cannot be served, and
    RuntimeError for a rung that this system cannot run.
    """
    if isinstance(server, str):
        server = rung(server)
    if isinstance(server, type):
        _check_class(server)
        # Its own name: a learner's subclass of a rung has inherited one that is not its own.
        return str(vars(server).get("name", server.__name__))
    _check_function(server)
    return server.__name__


def _check_class(server: type) -> None:
    missing = [method for method in ("serve_forever", "stop") if not callable(getattr(server, method, None))]
    if missing:
        raise TypeError(f"{server.__name__} is no server: it has no {' and no '.join(missing)}")
    if reason := getattr(server, "unavailable", ""):
        raise RuntimeError(f"{server.__name__} cannot run here: {reason}")


def _check_function(server: object) -> None:
    if not inspect.isroutine(server):
        hint = ": give its class" if hasattr(server, "serve_forever") else ""
        raise TypeError(
            f"serve takes a name, a class or a function, and no instance of {type(server).__name__}{hint}"
        )
    if inspect.iscoroutinefunction(server):
        raise TypeError(f"{server.__name__} is a coroutine function: give one that runs it, with asyncio.run")
    try:
        inspect.signature(server).bind(None)
    except (TypeError, ValueError):
        raise TypeError(f"{server.__name__} must take one argument: the listening socket") from None


def check_conversation(conversation: object) -> None:
    """Raise TypeError when ``conversation`` makes no conversations."""
    if not callable(conversation):
        kind = type(conversation).__name__
        raise TypeError(f"each client gets a new conversation: give the class {kind}, and no instance of it")


def check_address(address: object) -> None:
    """Raise TypeError when ``address`` is not (host, port)."""
    match address:
        case (str(), int()):
            return
    raise TypeError(f"an address is (host, port), such as ('127.0.0.1', 0), and not {address!r}")


def build(
    server: Servable, conversation: Callable[[], Conversation], address: Address, limits: dict[str, Any]
) -> ServerShape:
    """Return a server that listens on ``address``. A function has a conversation of its own.

    Raises ValueError, with one line that explains it, when the system refuses the address.
    """
    if isinstance(server, str):
        server = rung(server)
    try:
        if not isinstance(server, type):
            return FunctionServer(server, address, **limits)
        made: ServerShape = server(address, conversation, **limits)
    except (OSError, OverflowError) as error:
        raise ValueError(explain(error, address)) from error
    if not hasattr(made, "address"):
        made.stop()
        raise TypeError(f"{server.__name__} is no server: it has no address")
    return made
