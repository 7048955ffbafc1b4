"""The names that asyncio promises on the interpreter that runs: all are there, with all their parameters."""

import asyncio
import inspect
from asyncio import base_events, selector_events, transports

import pytest

from course_lib.eventloop.aio import AsyncioLoop
from course_lib.eventloop.aio.datagram_transport import DatagramTransport
from course_lib.eventloop.aio.pipe_ends import ReadPipe, WritePipe
from course_lib.eventloop.aio.server import Server
from course_lib.eventloop.aio.socket_transport import SocketTransport


def public(kind: type) -> list[str]:
    return [name for name in dir(kind) if not name.startswith("_")]


@pytest.mark.parametrize("name", public(asyncio.AbstractEventLoop))
def test_every_method_is_our_own(name: str) -> None:
    method = getattr(AsyncioLoop, name)
    assert method is not getattr(asyncio.AbstractEventLoop, name)
    assert method.__module__.startswith("course_lib.eventloop.aio")


@pytest.mark.parametrize("name", public(asyncio.SelectorEventLoop))
def test_every_parameter_is_taken(name: str) -> None:
    theirs = inspect.signature(getattr(asyncio.SelectorEventLoop, name)).parameters
    ours = inspect.signature(getattr(AsyncioLoop, name)).parameters
    takes_any = any(each.kind is each.VAR_KEYWORD for each in ours.values())
    for parameter in theirs.values():
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            known = parameter.name in ours or takes_any
            positional = (
                parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.default is inspect._empty
            )
            assert known or positional, f"{name}() does not know {parameter.name}"


def test_the_loop_derives_from_no_other_loop() -> None:
    others = {base_events.BaseEventLoop, asyncio.SelectorEventLoop, selector_events.BaseSelectorEventLoop}
    assert not others & set(AsyncioLoop.__mro__)


@pytest.mark.parametrize("name", [*public(base_events.Server), "close_clients", "abort_clients"])
def test_every_method_of_a_server_is_our_own(name: str) -> None:
    assert name in public(Server)
    assert getattr(Server, name) is not getattr(asyncio.AbstractServer, name, None)


@pytest.mark.parametrize(
    ("ours", "interface"),
    [
        (SocketTransport, transports.Transport),
        (DatagramTransport, transports.DatagramTransport),
        (ReadPipe, transports.ReadTransport),
        (WritePipe, transports.WriteTransport),
    ],
)
def test_every_method_of_a_transport_is_our_own(ours: type, interface: type) -> None:
    inherited = {"get_extra_info"}
    for name in set(public(interface)) - inherited:
        if name == "writelines" and ours is WritePipe:
            continue  # write() of all of it, as it is inherited
        assert getattr(ours, name) is not getattr(interface, name), name
