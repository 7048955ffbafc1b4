"""How the coach lets a learner's server serve: a function of one listener, or a class of the ladder's shape.

Both of these run in the learner's process.

Read run.py first.
"""

import base64
import linecache
import pickle
import socket
from collections.abc import Callable, Iterator
from typing import Any

from course_lib.coach.run import Cargo
from course_lib.conversation import Conversation, Echo
from course_lib.lab.servable import build
from course_lib.servers.base import Address


def serve_on(server: Any, *arguments: Any) -> Iterator[Any]:
    """Driver: yield the address, then serve. ``arguments`` go to the function after the listener."""
    if isinstance(server, type):
        made = server(("127.0.0.1", 0), Echo)
        yield made.address
        made.serve_forever()
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()
        server(listener, *arguments)


def unpack_server(cargo: Cargo, address: Address, conversation: Callable[[], Conversation]) -> Any:
    """Return a server for the gauntlet, made of the learner's code."""
    for filename, source in cargo.cells.items():
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    server = pickle.loads(base64.b64decode(cargo.pickled))
    return build(server, conversation, address, {})
