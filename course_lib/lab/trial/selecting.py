"""Charges about ``selectors`` and ``select``.

Read charge.py first. Next: sockets.py.
"""

import selectors

from course_lib.clients import pair
from course_lib.lab.trial.charge import Charge, Seen


def select_timeout() -> Seen:
    with pair() as (_, silent), selectors.DefaultSelector() as selector:
        selector.register(silent, selectors.EVENT_READ)
        try:
            ready = selector.select(0.05)
        except TimeoutError as error:
            return f"it raised {type(error).__name__}", False
        return f"it returned {ready!r}", ready == []


def select_returns() -> Seen:
    with pair() as (peer, sock), selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ, "a note")
        peer.sendall(b"hello")
        ready = selector.select(5)
        key, mask = ready[0]
    seen = f"a {type(ready).__name__} of {len(ready)} pair; the key has {', '.join(key._fields)}"
    return seen, isinstance(ready, list) and key.data == "a note" and mask == selectors.EVENT_READ


def selectors_wrap() -> Seen:
    kinds = {
        name: getattr(selectors, f"{name.capitalize()}Selector", None) for name in ("epoll", "kqueue", "poll")
    }
    for name, kind in kinds.items():
        if kind is not None:
            with kind() as selector:
                called = type(selector._selector)
            # The object that does the work is of the module select, which is written in C.
            seen = f"{kind.__name__} holds a {called.__module__}.{called.__name__}, and calls that"
            return seen, called.__module__ == "select" and called.__name__ == name
    return "this system has select alone", False


CHARGES = (
    Charge(
        "A select whose timeout passes may raise a timeout exception.",
        "A silent socket is registered; select(0.05).",
        select_timeout,
        "False. That nothing was ready is an answer: an empty list.",
        "05",
    ),
    Charge(
        "select returns a tuple (key, events), and a key has fileobj, fd and events.",
        "A socket is registered with a note; bytes come; select().",
        select_returns,
        "Wrong in two places: it is a list of pairs, and the note, data, is part of the key.",
        "05",
    ),
    Charge(
        "The module selectors implements select, poll and epoll.",
        "Ask a selector what it calls.",
        selectors_wrap,
        "False. The kernel implements them; the module passes your wishes on.",
        "05",
    ),
)
