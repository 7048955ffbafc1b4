"""Errors of the system in one line each, and who can reach a server."""

import errno
import socket

import pytest

from course_lib.lab.explain import explain, exposure_warning, one_line
from course_lib.servers.base import Server

HERE = ("127.0.0.1", 9999)


def caught(function, *args) -> OSError | OverflowError:
    with pytest.raises((OSError, OverflowError)) as caught:
        function(*args)
    return caught.value


def test_a_port_in_use():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        error = caught(Server, address)
    assert explain(error, address) == f"port {address[1]} is in use: choose another, or 0 for any free one"


def test_a_port_out_of_range():
    address = ("127.0.0.1", 70000)
    assert (
        explain(caught(Server, address), address) == "port 70000 is out of range: choose one from 0 to 65535"
    )


def test_an_address_of_another_machine():
    address = ("192.0.2.1", 0)  # for documentation only (RFC 5737)
    assert (
        explain(caught(Server, address), address) == "192.0.2.1 is no address of this machine: use 127.0.0.1"
    )


def test_nobody_listens():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, so nobody else can listen there
        address = unused.getsockname()
        error = caught(socket.create_connection, address)
    assert explain(error, address) == (
        f"nobody listens on 127.0.0.1:{address[1]}: start the server first, or check the port"
    )


def test_a_time_out():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.001)
        error = caught(listener.accept)
    assert explain(error, HERE) == "127.0.0.1:9999 does not answer: check the host and the port"


@pytest.mark.parametrize(
    ("number", "port", "expected"),
    [
        (errno.EACCES, 80, "port 80 is reserved: choose one from 1024 up, or 0 for any free one"),
        (errno.EPERM, 80, "port 80 is reserved: choose one from 1024 up, or 0 for any free one"),
        (errno.EACCES, 8080, "this system does not permit port 8080: choose another, or 0 for any free one"),
        (errno.EACCES, 0, "this system does not permit port 0: choose another, or 0 for any free one"),
        (errno.EMFILE, 80, "no descriptor is left: stop some servers and clients, or raise `ulimit -n`"),
        (errno.ENFILE, 80, "the whole system has no descriptor left: close some programs"),
        (errno.EHOSTUNREACH, 80, "example cannot be reached from this machine: check the host"),
        (errno.ENETUNREACH, 80, "example cannot be reached from this machine: check the host"),
        (errno.ETIMEDOUT, 80, "example:80 does not answer: check the host and the port"),
        (errno.ECONNRESET, 80, "example:80 has broken off the connection"),
        (errno.EPIPE, 80, "example:80 has broken off the connection"),
        (errno.EIO, 80, "example:80: no luck"),
    ],
)
def test_errors_that_are_hard_to_make(number, port, expected):
    assert explain(OSError(number, "no luck"), ("example", port)) == expected


def test_an_error_without_a_number():
    assert explain(OSError("no luck"), HERE) == "127.0.0.1:9999: no luck"


def test_an_unknown_name():
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert explain(error, ("nowhere", 1)) == "no machine is known by the name 'nowhere': check the spelling"


def test_the_number_of_a_name_error_is_no_errno():
    """EAI_* and E* share small numbers: the type must be looked at first."""
    assert "known by the name" in explain(socket.gaierror(errno.EPERM, "?"), HERE)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_only_this_machine(host):
    assert exposure_warning(host) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::"])
def test_everybody(host):
    assert exposure_warning(host) == (
        f"every machine in your network can connect to a server on {host or '0.0.0.0'}; "
        "127.0.0.1 is for this machine only"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "128.0.0.1"])
def test_who_reaches_the_address(host):
    assert exposure_warning(host) == (
        f"every machine that can reach {host} can connect to a server on {host}; "
        "127.0.0.1 is for this machine only"
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("bad"), "ValueError: bad"),
        (ValueError("bad\nand more"), "ValueError: bad"),
        (ValueError(), "ValueError"),
        (ValueError("\nlate"), "ValueError: late"),
    ],
)
def test_one_line(error, expected):
    assert one_line(error) == expected
