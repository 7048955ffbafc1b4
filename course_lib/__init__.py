"""From one blocking socket to your own asyncio: the code of the course.

The notebooks import what they use from here. Each name is loaded when it is first used, so that
``import course_lib`` is quick and needs neither matplotlib nor ipywidgets.
"""

import importlib
from typing import Any

_HOME = {
    "Echo": "conversation",
    "ArticleBlocking": "conversation",
    "ArticleSelectors": "conversation",
    "Chat": "chat",
    "Room": "chat",
    "dialogue": "clients",
    "pair": "clients",
    "LADDER": "servers",
    "Outbox": "servers.outbox",
    "READ": "eventloop",
    "WRITE": "eventloop",
    "Reactor": "eventloop",
    "Transport": "eventloop",
    "Protocol": "eventloop",
    "Acceptor": "eventloop",
    "Future": "eventloop",
    "Task": "eventloop",
    "Loop": "eventloop",
    "AsyncioLoop": "eventloop.aio",
    "new_event_loop": "eventloop.aio",
    "conformance": "lab.conformance",
    "serve": "lab.background",
    "stop_all": "lab.background",
    "where": "lab.where",
    "registered": "lab.registered",
    "show": "lab.show",
    "xray": "lab.xray",
    "readiness_table": "lab.readiness_table",
    "wakeup_cost": "lab.wakeup_cost",
    "three_clients": "lab.three_clients",
    "kernel_view": "lab.kernel_view",
    "game": "lab.game",
    "stepper": "lab.stepper",
    "frame_stepper": "lab.frames",
    "panel": "lab.panel",
    "gauntlet": "lab.gauntlet",
    "matrix": "lab.matrix",
    "bench": "lab.bench",
    "doctor": "lab.doctor",
    "check": "coach",
    "hint": "coach",
    "solution": "coach",
    "reset": "coach",
    "progress": "coach",
    "answer": "coach",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"course_lib has no {name!r}; it has {', '.join(_HOME)}")
    return getattr(importlib.import_module(f"course_lib.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOME)
