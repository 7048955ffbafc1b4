"""The picture that returns in every part of the course: three clients meet a server.

- ``silent`` connects first, says nothing for a second, and leaves;
- ``slow`` connects next, sends a message of four bytes one byte at a time, waits for the answer, leaves;
- ``quick`` connects last, asks five short questions, each after the answer to the one before, leaves.

Who waits for whom? Real clients on real sockets; the picture is a measurement.

Read background.py and visitors.py first. Next: three_clients_picture.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from course_lib.conversation import Conversation, Echo
from course_lib.lab.background import ServerDied, serve
from course_lib.lab.picture import Picture
from course_lib.lab.servable import Servable, name_of
from course_lib.lab.visitors import ClientRun, visit


@dataclass
class ServerRun:
    """One server and its three clients."""

    name: str
    clients: list[ClientRun] = field(default_factory=list)
    """Silent, slow and quick."""

    note: str = ""
    """Why there are no clients, or that the server died."""

    error: BaseException | None = None
    """What it died of."""


def meet(server: Servable, conversation: Callable[[], Conversation] = Echo) -> ServerRun:
    """Start ``server``, let the three clients meet it, stop it, and return what happened."""
    try:
        run = ServerRun(name_of(server))
    except RuntimeError as error:  # a rung that this system cannot run
        return ServerRun(server if isinstance(server, str) else server.__name__, note=str(error))
    # A name of its own: a server of the same kind that the notebook runs is left alone.
    background = serve(server, conversation, name=f"{run.name} of the three clients")
    try:
        run.clients = visit(background.server.address)
    finally:
        try:
            background.stop()
        except ServerDied as death:
            run.note, run.error = "the server died", death.__cause__
    return run


def verdict(run: ServerRun) -> str:
    """Say who waited for whom. No times: the words are the same for every run."""
    if not run.clients:
        return run.note
    silent, slow, quick = run.clients
    fates = [_fate(slow, silent.left), _fate(quick, silent.left)]
    if fates[0] == fates[1]:
        text = f"slow and quick were {fates[0]}"
    else:
        text = f"slow was {fates[0]}; quick was {fates[1]}"
    return f"{text}; {run.note}" if run.note else text


def _fate(client: ClientRun, silent_left: float) -> str:
    if not client.answers:
        return "never answered"
    if client.failed:
        return f"answered {len(client.answers)} of {client.questions} times"
    if client.answers[-1] < silent_left:
        return "answered while silent was still connected"
    return "answered only after silent had left"


class ThreeClients(Picture):
    """The picture; ``runs`` holds the measurement behind it."""

    def __init__(self, runs: list[ServerRun]) -> None:
        from course_lib.lab.three_clients_picture import draw

        self.runs = runs
        super().__init__(draw(runs), "\n".join(f"{run.name}: {verdict(run)}" for run in runs))


def three_clients(*servers: Servable, conversation: Callable[[], Conversation] = Echo) -> ThreeClients:
    """Let the three clients meet each server in turn, and return the picture of it; 1 to 2.5 s for each.

    A server is whatever ``serve`` takes. It must send back what it is sent, alone or among other text.
    """
    if not servers:
        raise TypeError("three_clients needs a server, or several")
    return ThreeClients([meet(server, conversation) for server in servers])
